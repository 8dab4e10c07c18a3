import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbQuery,
  OldItem,
  ReadOptions,
  WriteOptions,
} from '../interface.ts'
import { pickFields } from '../model/fields.ts'
import { checkKey, keyText } from '../model/keys.ts'
import { toRange } from '../model/range.ts'
import { asList, fromItem, isItem, itemOrNone, toItem } from '../model/rows.ts'
import type { Range, RowWrite } from '../storage.ts'
import { type Context, nowSeconds } from './context.ts'
import { readRange, readRows, writeRows } from './requests.ts'
import { writeForOld } from './update/old-values.ts'

const keyOf = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

export async function get<T>(
  context: Context,
  key: AtomicDbItemKey,
  options: ReadOptions = {},
): Promise<AtomicDbItem<T> | undefined> {
  checkKey(key)
  const keys = [keyOf(key)]
  const [row] = await readRows(context, keys, options.consistent)
  return itemOrNone<T>(row, nowSeconds(context))
}

export async function getMany<T>(
  context: Context,
  keys: readonly AtomicDbItemKey[],
  options: ReadOptions = {},
): Promise<(AtomicDbItem<T> | undefined)[]> {
  checkList(keys, 'keys')
  keys.forEach((key, i) => {
    checkKey(key, `keys[${i}]`)
  })
  if (keys.length === 0) return []
  const distinct = new Map(keys.map((key) => [keyText(key), keyOf(key)]))
  const wanted = [...distinct.values()]
  const rows = await readRows(context, wanted, options.consistent)
  const now = nowSeconds(context)
  if (wanted.length === keys.length) return rows.map((row) => itemOrNone<T>(row, now))
  const found = new Map([...distinct.keys()].map((text, i) => [text, rows[i]]))
  return keys.map((key) => itemOrNone<T>(found.get(keyText(key)), now))
}

export async function set<T>(
  context: Context,
  items: AtomicDbItemInput | readonly AtomicDbItemInput[],
  options: WriteOptions = {},
): Promise<OldItem<T>[]> {
  const list = asList(items)
  const writes = list.map(
    (item, i): RowWrite => ({ put: fromItem(item, Array.isArray(items) ? `items[${i}]` : '') }),
  )
  return write<T>(context, writes, options)
}

export async function remove<T>(
  context: Context,
  keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
  options: WriteOptions = {},
): Promise<OldItem<T>[]> {
  const writes = asList(keys).map((key, i): RowWrite => {
    checkKey(key, Array.isArray(keys) ? `keys[${i}]` : '')
    return { delete: keyOf(key) }
  })
  return write<T>(context, writes, options)
}

async function write<T>(
  context: Context,
  writes: readonly RowWrite[],
  { returnOld }: WriteOptions,
): Promise<OldItem<T>[]> {
  if (returnOld) return writeForOld<T>(context, writes)
  await writeRows(context, writes)
  return []
}

function checkList(list: unknown, field: string): void {
  if (!Array.isArray(list)) throw new InvalidInput(field, 'must be an array', { given: typeof list })
}

/** Pages of live items. Lock rows and expired rows are skipped and not counted. */
export async function* pages<T>(
  context: Context,
  query: Pick<AtomicDbQuery, 'limit' | 'consistent'>,
  range: Range | undefined,
  read = (part: Range, consistent: boolean) => readRange(context, part, consistent),
): AsyncGenerator<AtomicDbItem<T>[]> {
  if (!range) return
  let missing = query.limit ?? Number.POSITIVE_INFINITY
  let after = range.after
  // What is asked for, and twice as much after each page in which rows were skipped.
  let limit = query.limit
  while (missing > 0) {
    const page = await read({ ...range, after, limit }, query.consistent ?? true)
    const now = nowSeconds(context)
    const items: AtomicDbItem<T>[] = []
    for (const row of page.rows) {
      if (!isItem(row, now) || items.length === missing) continue
      if (range.paths) row.data = pickFields(row.data, range.paths)
      items.push(toItem<T>(row))
    }
    missing -= items.length
    if (items.length > 0) yield items
    if (page.next === undefined) return
    after = page.next
    if (limit !== undefined) limit = Math.min(1000, Math.max(missing, limit * 2))
  }
}

export async function query<T>(context: Context, given: AtomicDbQuery): Promise<AtomicDbItem<T>[]> {
  const range = toRange(given)
  let all: AtomicDbItem<T>[] = []
  for await (const items of pages<T>(context, given, range))
    all = all.length === 0 ? items : all.concat(items)
  return all
}
