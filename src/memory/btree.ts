import BTreeModule from 'sorted-btree'

/** The package is CommonJS: its class is the default export, or one level below it, as the bundler has it. */
export const BTree = ((BTreeModule as unknown as { default?: typeof BTreeModule }).default ??
  BTreeModule) as typeof BTreeModule

/** By UTF-16 code units, for keys that `utf8Order` has made. */
export const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
