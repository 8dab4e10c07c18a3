import { createHash } from 'node:crypto'

/**
 * Keys as columns of type `text COLLATE "C"`: in the order of their UTF-8 bytes, and readable by any tool. A text of
 * PostgreSQL cannot hold U+0000, so U+0000 and U+0001 are written as U+0001 U+0001 and U+0001 U+0002, which keeps the order.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
const escaped = /[\0\u0001]/g

/** A key as it is stored. */
export const encodeKey = (key: string): string =>
  key.replace(escaped, (character) => (character === '\0' ? '\u0001\u0001' : '\u0001\u0002'))

/** The key that `encodeKey` wrote. */
export const decodeKey = (stored: string): string =>
  stored.includes('\u0001')
    ? // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      stored.replace(/\u0001([\u0001\u0002])/g, (_, kind) => (kind === '\u0001' ? '\0' : '\u0001'))
    : stored

/**
 * An entry of an index has at most 2,704 bytes. A sort key has 1,024, twice that where all of it is escaped; so a longer
 * partition key than this is in the index by its hash, and as it is in a column of its own. Only sort keys have an order.
 */
const longestPartition = 512
const hashMark = '\u0001#'

/** A partition key in the index. No escaped key begins as a hash does; nobody finds two texts of one SHA-256. */
export function partitionOf(pk: string): string {
  const stored = encodeKey(pk)
  // A character has at most 3 bytes per unit.
  if (stored.length * 3 <= longestPartition || Buffer.byteLength(stored) <= longestPartition) return stored
  return hashMark + createHash('sha256').update(stored).digest('hex')
}

/** What the column for long partition keys holds; nothing where the index has the key itself. */
export const longKeyOf = (pk: string, partition: string): string | null =>
  partition.startsWith(hashMark) ? encodeKey(pk) : null

/** The name of a table, perhaps with its schema. It becomes part of statements. */
export const tableNames = /^([A-Za-z_]\w{0,62}\.)?[A-Za-z_]\w{0,54}$/

/** Quoted names of the tables of one database. */
export interface TableNames {
  readonly rows: string
  readonly tokens: string
  readonly meta: string
  readonly expiryIndex: string
  readonly tokensIndex: string
  /** As the user wrote it, for messages. */
  readonly shown: string
}

export function tablesOf(table: string): TableNames {
  const parts = table.split('.')
  const name = parts.pop()!
  const schema = parts.map((part) => `"${part}".`).join('')
  return {
    rows: `${schema}"${name}"`,
    tokens: `${schema}"${name}_tokens"`,
    meta: `${schema}"${name}_meta"`,
    expiryIndex: `"${name}_ttl"`,
    tokensIndex: `"${name}_at"`,
    shown: `table '${table}'`,
  }
}
