import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, ReadOptions } from '../interface.ts'
import { keyText } from '../model/keys.ts'
import { callOptions, optionsCheck } from '../model/options-check.ts'
import { entriesIn } from './entries.ts'
import type { IndexDefinition } from './index-definition.ts'
import { checkFields } from './names.ts'
import { indexOrder, itemOrder, type Order, toRange } from './ranges.ts'
import { fromStored, type Stored, versionField } from './stored.ts'
import type { CountOptions, ListOptions, Page } from './types.ts'
import { toCurrent } from './versions.ts'
import type { World } from './world.ts'

/** The reads of a collection outside of transactions. */

const range = { from: true, to: true, exclude: true, prefix: true } as const
const hints = {
  begins: "use 'prefix'",
  beginsWith: "use 'prefix'",
  after: "use 'cursor'",
  page: "use 'cursor' and 'limit'",
  desc: "use 'reverse'",
  order: "use 'reverse'",
  where: 'conditions of an index are part of its definition',
}
export const checkListOptions = /* @__PURE__ */ optionsCheck<ListOptions>(() => [
  {
    ...callOptions,
    consistent: 'boolean',
    ...range,
    reverse: 'boolean',
    limit: true,
    cursor: true,
    fields: true,
  },
  hints,
])
export const checkCountOptions = /* @__PURE__ */ optionsCheck<CountOptions>(() => [
  { ...callOptions, consistent: 'boolean', ...range },
  hints,
])

/** As callers see it. Absent: there is none. */
export const shown = (
  { definition }: World,
  item: AtomicDbItem | undefined,
): Record<string, unknown> | undefined => item && toCurrent(definition, item.data as Stored)

type Row = Record<string, unknown>

/** One page of the items themselves. 1 request. */
export async function listItems(world: World, within: Stored, options: ListOptions): Promise<Page<Row>> {
  const { db, definition } = world
  const { fields, ...query } = pageQuery(world, itemOrder(definition), within, options)
  const selected = fields && [...new Set([...definition.key.fields, ...fields, versionField])]
  const partial = selected && definition.version === 1 ? { fields: selected.map((field) => [field]) } : {}
  const page = await db.page({ ...query, ...partial })
  const items = page.items.map((item) => picked(shown(world, item)!, definition.key.fields, fields))
  return page.cursor === undefined ? { items } : { items, cursor: page.cursor }
}

export function picked(item: Row, keyFields: readonly string[], fields: readonly string[] | undefined): Row {
  if (!fields) return item
  const names = [...new Set([...keyFields, ...fields])].filter((name) => item[name] !== undefined)
  return Object.fromEntries(names.map((name) => [name, item[name]]))
}

function pageQuery({ definition }: World, order: Order, within: Stored, options: ListOptions) {
  checkListOptions(options)
  const { from, to, prefix, exclude, fields, ...rest } = options
  return {
    ...rest,
    ...toRange(order, within, { from, to, prefix, exclude }, definition.dates),
    fields: fields && checkFields(fields, 'options.fields'),
  }
}

/** One page of an index. 1 request where entries hold what is wanted, else 2. */
export async function listEntries(
  world: World,
  index: IndexDefinition,
  within: Stored,
  options: ListOptions,
): Promise<Page<Row>> {
  const { db, definition } = world
  const { fields, ...query } = pageQuery(world, indexOrder(definition, index), within, options)
  const { items: entries, cursor } = await db.page(query)
  const rows = index.project
    ? entries.map(({ data }) => fromStored(data as Stored, definition.dates))
    : await itemsOf(world, index, entries, options)
  const items = rows.map((item) => picked(item, definition.key.fields, fields))
  return cursor === undefined ? { items } : { items, cursor }
}

/**
 * The items of entries. Both are not read at one moment: an item that has changed in between and would not be found by
 * this entry any more is left out.
 */
export async function itemsOf(
  world: World,
  index: IndexDefinition,
  entries: readonly AtomicDbItem[],
  { consistent = true, signal, timeoutMs }: ReadOptions,
): Promise<Row[]> {
  if (entries.length === 0) return []
  const { db, definition } = world
  const keys = entries.map(({ data }) => definition.key.of(data as Stored))
  const found = await db.getMany(keys, { consistent, signal, timeoutMs })
  return found.flatMap((item, i) => {
    if (!item || !isFoundBy(world, index, entries[i]!, item)) return []
    return [shown(world, item)!]
  })
}

/** Whether the item has this entry. */
export function isFoundBy(
  { definition }: World,
  index: IndexDefinition,
  entry: AtomicDbItemKey,
  item: AtomicDbItem,
): boolean {
  const text = keyText(entry)
  return entriesIn(definition, index, item.data as Stored).some(({ key }) => keyText(key) === text)
}

export async function countRange(
  world: World,
  order: Order,
  within: Stored,
  options: CountOptions,
): Promise<number> {
  checkCountOptions(options)
  const { from, to, prefix, exclude, ...rest } = options
  return world.db.count({
    ...rest,
    ...toRange(order, within, { from, to, prefix, exclude }, world.definition.dates),
  })
}

/** Page by page, until the reader leaves the loop. */
export async function* eachOf<R>(
  list: (options: ListOptions) => Promise<Page<R>>,
  { limit = Number.POSITIVE_INFINITY, ...options }: ListOptions,
): AsyncGenerator<R, void, undefined> {
  if (options.cursor !== undefined) throw new InvalidInput('options.cursor', 'is for list')
  let left = limit
  let cursor: string | undefined
  do {
    const page = await list({ ...options, limit: Math.min(left, 100), cursor })
    yield* page.items
    left -= page.items.length
    cursor = page.cursor
  } while (cursor !== undefined && left > 0)
}
