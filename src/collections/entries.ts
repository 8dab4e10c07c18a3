import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { loneSk } from '../model/key-names.ts'
import { checkPkAndSk, keyText } from '../model/keys.ts'
import { equals } from '../model/values.ts'
import type { Definition } from './definition.ts'
import type { IndexDefinition } from './index-definition.ts'
import { encodeKey, encodeValue, separator } from './key-encoding.ts'
import { keyValue, type Stored, toDate } from './stored.ts'

/**
 * The rows of an index. They are a function of the item alone, so that whoever has the item knows all of them.
 *
 * | row | pk | sk | data |
 * |---|---|---|---|
 * | entry | `users##team#` and the key | the sort fields, then the item's key | key fields, projected fields |
 * | unique entry | `users##email#` and the key | `#` | the same |
 * | number of entries | `users##team#` and the key | `#count` | `{ n }` |
 * | number of references to an item | `users##refs#` and the item's key | `#` | `{ n }` |
 */
export interface Entry {
  readonly index: IndexDefinition
  readonly key: AtomicDbItemKey
  readonly data: Record<string, unknown>
  readonly ttl: number | undefined
}

export const indexPk = (collection: string, index: string, values: readonly unknown[]): string => {
  const pk = `${collection}##${index}`
  return values.length === 0 ? pk : pk + separator + encodeKey(values, index)
}

export const countSk = '#count'

/** Where it is counted how many items refer to an item. */
export const referencesKey = (collection: string, itemText: string): AtomicDbItemKey => ({
  pk: `${collection}##refs#${itemText}`,
  sk: loneSk,
})

const mostEntries = 98

/** All entries that an item has, or should have. Throws `InvalidInput` where one cannot be. */
export function entriesOf(definition: Definition, item: Stored): Map<string, Entry> {
  const all = new Map<string, Entry>()
  const ttl = ttlOf(definition, item)
  for (const index of definition.indexes.values())
    for (const entry of entriesIn(definition, index, item, ttl)) all.set(keyText(entry.key), entry)
  if (all.size > mostEntries)
    throw new InvalidInput(
      'item',
      `would have more than ${mostEntries} index entries: a transaction has 100 rows`,
      {
        limit: mostEntries,
        given: String(all.size),
      },
    )
  return all
}

/** The entries of an item in one index. */
export function entriesIn(
  definition: Definition,
  index: IndexDefinition,
  item: Stored,
  ttl = ttlOf(definition, item),
): Entry[] {
  if (!isMember(index, item)) return []
  const { name, dates } = definition
  const data: Record<string, unknown> = {}
  for (const field of index.held) if (item[field] !== undefined) data[field] = item[field]
  const parts = index.order.map((field) => encodeValue(keyValue(field, item, dates), field))
  const sk = parts.length === 0 ? loneSk : parts.join(separator)
  return combinations(definition, index, item).map((values) => {
    const at = { pk: indexPk(name, index.name, values), sk }
    checkPkAndSk(at, `index '${index.name}'`)
    return { index, key: at, data, ttl }
  })
}

function isMember({ key, sort, where }: IndexDefinition, item: Stored): boolean {
  const isThere = (field: string) => item[field] !== undefined && item[field] !== null
  return (
    key.every(isThere) &&
    sort.every(isThere) &&
    where.every(([field, values]) => values.some((value) => equals(value, item[field])))
  )
}

/** The values to look up by: one for each value of a list. */
function combinations({ dates }: Definition, { key }: IndexDefinition, item: Stored): unknown[][] {
  let found: unknown[][] = [[]]
  for (const field of key) {
    const value = item[field]
    const many = Array.isArray(value) || value instanceof Set ? [...new Set(value)] : [value]
    const values = dates.has(field) ? many.map((one) => toDate(one, field)) : many
    if (found.length * values.length > mostEntries)
      throw new InvalidInput(
        `item.${field}`,
        `gives more than ${mostEntries} index entries: a transaction has 100 rows`,
        {
          limit: mostEntries,
          given: String(found.length * values.length),
        },
      )
    found = found.flatMap((before) => values.map((one) => [...before, one]))
  }
  return found
}

/** When an item expires, epoch seconds: from its field for that. */
export function ttlOf({ ttl }: Definition, item: Stored): number | undefined {
  const value = ttl === undefined ? undefined : item[ttl]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return Math.floor(toDate(value, `item.${ttl}`).getTime() / 1000)
  if (typeof value !== 'number') throw new InvalidInput(`item.${ttl}`, 'must be a Date or epoch seconds')
  return Math.floor(value)
}

export const sameEntry = (a: Entry, b: Entry): boolean => a.ttl === b.ttl && equals(a.data, b.data)
