import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, AtomicDbQuery } from '../interface.ts'
import type { ContractMethod } from '../model/effects.ts'

type Shown = readonly (readonly [AtomicDbItemKey, AtomicDbItem | undefined])[]

/** Whole items that reads past the cache show: reads through the cache must not fall behind them. */
const table: {
  readonly [M in ContractMethod]?: (
    answer: Awaited<ReturnType<AtomicDbInterface[M]>>,
    args: Parameters<AtomicDbInterface[M]>,
  ) => Shown
} = {
  getTogether: (items, [keys]) => items.map((item, i) => [keys[i]!, item]),
  getLocked: (locked, [keys]) => locked.map(({ item }, i) => [keys[i]!, item]),
  query: (items, [query]) => listed(items, query),
  page: ({ items }, [query]) => listed(items, query),
}

/** Some fields say nothing of the whole item. */
const listed = (items: readonly AtomicDbItem[], { fields }: Pick<AtomicDbQuery, 'fields'>): Shown =>
  fields === undefined ? items.map((item) => [item, item]) : []

export const showsItems = (method: ContractMethod): boolean => Object.hasOwn(table, method)

/** The items in an answer of such a method. */
export function shownItems(method: ContractMethod, answer: unknown, args: readonly unknown[]): Shown {
  return (table[method] as (answer: unknown, args: readonly unknown[]) => Shown)(answer, args)
}
