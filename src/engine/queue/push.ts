import { InvalidInput, RaceCondition } from '../../errors.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueuePushOptions,
  CallOptions,
} from '../../interface.ts'
import type { FailedGuard, Row, RowOperation } from '../../storage.ts'
import { announcePush } from '../../wake.ts'
import { free } from '../conditions.ts'
import { type Context, nowSeconds } from '../context.ts'
import { write } from '../items.ts'
import { keyText, showKey } from '../keys.ts'
import { retried } from '../retry.ts'
import { asList } from '../rows.ts'
import { rowBytes } from '../values.ts'
import { checkSeconds, newMessage } from './messages.ts'
import { isBeyond, remember, viewOf } from './view.ts'

export async function push<T>(
  context: Context,
  items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
  options: AtomicDbQueuePushOptions = {},
): Promise<AtomicDbQueueItem<T>[]> {
  const list = asList(items)
  const window = checkSeconds(options.deduplicationWindowSeconds ?? 300, 'deduplicationWindowSeconds', 1)
  const messages = list.map((item, i) =>
    newMessage(context, item, Array.isArray(items) ? `items[${i}]` : '', options.delaySeconds),
  )
  const seen = new Set<string>()
  messages.forEach(({ row }, i) => {
    if (seen.has(keyText(row))) throw new InvalidInput(`items[${i}].sk`, 'is there twice', { keys: [row] })
    seen.add(keyText(row))
  })
  const fresh: Row[] = []
  const special: number[] = []
  messages.forEach(({ row }, i) => {
    if (list[i]!.sk === undefined && list[i]!.deduplicationId === undefined) fresh.push(row)
    else special.push(i)
  })
  if (options.exactlyOnce) for (const some of transactions(fresh)) await putNew(context, some, options)
  // A ULID is new: nothing can be there. A key of the caller's might be that of a message in processing.
  else
    await write(
      context,
      fresh.map((row) => ({ put: row })),
      options,
    )
  for (const i of special) {
    const { row, item } = messages[i]!
    const id = list[i]!.deduplicationId
    if (id === undefined) await putNew(context, [row], options)
    else Object.assign(item, await putOnce(context, row, item.enqueuedAt, id, window, options))
  }
  for (const pk of new Set(messages.map(({ row }) => row.pk))) announcePush(pk)
  for (const { row } of messages) {
    const view = viewOf(context, row.pk)
    if (!isBeyond(row.sk, view.frontier)) remember(view, row.sk, (row.due as number | undefined) ?? 0)
  }
  return messages.map(({ item }) => item as AtomicDbQueueItem<T>)
}

/** At most 100 rows and 4 MB each. */
function* transactions(rows: readonly Row[]): Generator<Row[]> {
  let some: Row[] = []
  let bytes = 0
  for (const row of rows) {
    const size = rowBytes(row)
    if (some.length === 100 || bytes + size > 4_000_000) {
      yield some
      some = []
      bytes = 0
    }
    some.push(row)
    bytes += size
  }
  if (some.length > 0) yield some
}

/** One token for all tries, or a lost reply would look like somebody else's message. */
function transact(
  context: Context,
  operations: readonly RowOperation[],
  keys: readonly Row[],
  options: CallOptions,
): Promise<FailedGuard[]> {
  const token = context.id()
  return retried(
    context,
    'idempotent',
    keys.map(({ pk, sk }) => ({ pk, sk })),
    options.signal,
    () => context.storage.transact(operations, token, { signal: options.signal }),
  )
}

async function putNew(context: Context, rows: readonly Row[], options: CallOptions): Promise<void> {
  const guard = free(nowSeconds(context))
  const failed = await transact(
    context,
    rows.map((row) => ({ op: 'put', row, guard })),
    rows,
    options,
  )
  if (failed.length > 0) {
    const keys = failed.map(({ index }) => ({ pk: rows[index]!.pk, sk: rows[index]!.sk }))
    throw new RaceCondition(
      `there is a message at ${showKey(keys[0]!)} already`,
      keys.map((key, i) => ({ index: failed[i]!.index, key, reason: 'exists' })),
    )
  }
}

/**
 * Message and marker together; where the marker is there already, the first message's key. The marker lies in a
 * partition that begins with the queue's name (grants narrowed to a prefix cover it) and has a `version`, so that
 * no query shows it.
 */
async function putOnce(
  context: Context,
  row: Row,
  enqueuedAt: number,
  id: string,
  windowSeconds: number,
  options: CallOptions,
): Promise<Partial<AtomicDbQueueItem>> {
  const now = nowSeconds(context)
  const marker: Row = {
    pk: `${row.pk}#dedup#${id}`,
    sk: '#',
    version: row.sk,
    // The message's own time, which the clock read again would miss.
    enq: enqueuedAt,
    ttl: now + windowSeconds,
  }
  if (Buffer.byteLength(marker.pk) > 2048)
    throw new InvalidInput('deduplicationId', 'is too long together with the name of the queue', {
      limit: 2048,
    })
  const guard = free(now)
  const failed = await transact(
    context,
    [
      { op: 'put', row: marker, guard },
      { op: 'put', row, guard },
    ],
    [marker, row],
    options,
  )
  const earlier = failed.find(({ index }) => index === 0)?.row
  if (earlier) return { sk: earlier.version as string, enqueuedAt: earlier.enq as number }
  if (failed.length > 0)
    throw new RaceCondition(`there is a row at ${showKey(row)} already`, [
      { index: 0, key: { pk: row.pk, sk: row.sk }, reason: 'exists' },
    ])
  return {}
}
