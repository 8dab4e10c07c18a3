import { Readable } from 'node:stream'
import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbQuery,
  CallOptions,
  ReadOptions,
} from '../interface.ts'
import type { Range, RowWrite } from '../storage.ts'
import { type Context, nowSeconds } from './context.ts'
import { pickFields } from './fields.ts'
import { checkKey, keyText } from './keys.ts'
import { toRange } from './range.ts'
import { retried } from './retry.ts'
import { asList, fromItem, isItem, itemOrNone, toItem } from './rows.ts'

const keyOf = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

export async function get<T>(
  context: Context,
  key: AtomicDbItemKey,
  options: ReadOptions = {},
): Promise<AtomicDbItem<T> | undefined> {
  checkKey(key)
  const keys = [keyOf(key)]
  const [row] = await retried(context, 'read', keys, options.signal, () =>
    context.storage.read(keys, options),
  )
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
  const rows = await retried(context, 'read', wanted, options.signal, () =>
    context.storage.read(wanted, options),
  )
  const now = nowSeconds(context)
  if (wanted.length === keys.length) return rows.map((row) => itemOrNone<T>(row, now))
  const found = new Map([...distinct.keys()].map((text, i) => [text, rows[i]]))
  return keys.map((key) => itemOrNone<T>(found.get(keyText(key)), now))
}

export async function set(
  context: Context,
  items: AtomicDbItemInput | readonly AtomicDbItemInput[],
  options: CallOptions = {},
): Promise<void> {
  const list = asList(items)
  const writes = list.map(
    (item, i): RowWrite => ({ put: fromItem(item, Array.isArray(items) ? `items[${i}]` : '') }),
  )
  await write(context, writes, options)
}

export async function remove(
  context: Context,
  keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
  options: CallOptions = {},
): Promise<void> {
  const writes = asList(keys).map((key, i): RowWrite => {
    checkKey(key, Array.isArray(keys) ? `keys[${i}]` : '')
    return { delete: keyOf(key) }
  })
  await write(context, writes, options)
}

const target = (one: RowWrite): AtomicDbItemKey => ('put' in one ? one.put : one.delete)

/** Unconditional writes; of several to one key the last one counts. */
export async function write(
  context: Context,
  writes: readonly RowWrite[],
  options: CallOptions,
): Promise<void> {
  if (writes.length === 0) return
  const distinct =
    writes.length === 1 ? writes : [...new Map(writes.map((one) => [keyText(target(one)), one])).values()]
  await retried(context, 'idempotent', distinct.map(target).map(keyOf), options.signal, () =>
    context.storage.write(distinct, options),
  )
}

function checkList(list: unknown, field: string): void {
  if (!Array.isArray(list)) throw new InvalidInput(field, 'must be an array', { given: typeof list })
}

/** Pages of live items. Lock rows and expired rows are skipped and not counted. */
export async function* pages<T>(
  context: Context,
  query: Pick<AtomicDbQuery, 'limit' | 'consistent'>,
  range: Range | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<AtomicDbItem<T>[]> {
  if (!range) return
  let missing = query.limit ?? Number.POSITIVE_INFINITY
  const options = { consistent: query.consistent ?? true, signal }
  let after = range.after
  // What is asked for, and twice as much after each page in which rows were skipped.
  let limit = query.limit
  while (missing > 0) {
    const asked = { ...range, after, limit }
    const page = await retried(context, 'read', [], signal, () => context.storage.page(asked, options))
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
  for await (const items of pages<T>(context, given, range, given.signal))
    all = all.length === 0 ? items : all.concat(items)
  return all
}

export function stream<T>(context: Context, given: AtomicDbQuery): Readable {
  const range = toRange(given)
  const abort = new AbortController()
  const signal = given.signal ? AbortSignal.any([given.signal, abort.signal]) : abort.signal
  async function* flow(): AsyncGenerator<AtomicDbItem<T>> {
    const source = pages<T>(context, given, range, signal)
    let ahead = source.next()
    for (;;) {
      const page = await ahead
      if (page.done) return
      ahead = source.next()
      // The page is read ahead: its failure is reported when the reader comes to it.
      ahead.catch(() => {})
      yield* page.value
    }
  }
  const readable = Readable.from(flow(), { objectMode: true, highWaterMark: 1 })
  readable.once('close', () => abort.abort())
  return readable
}
