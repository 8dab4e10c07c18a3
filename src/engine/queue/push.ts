import { ConditionFailed, InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueuePushOptions,
  CallOptions,
} from '../../interface.ts'
import type { FailedGuard, Row, RowOperation } from '../../storage.ts'
import { announcePush } from '../../wake.ts'
import { free } from '../conditions.ts'
import { toConflictError } from '../conflicts.ts'
import { type Context, nowSeconds } from '../context.ts'
import { checkPk, keyText } from '../keys.ts'
import { writeRows } from '../requests.ts'
import { retried } from '../retry.ts'
import { asList } from '../rows.ts'
import { rowBytes } from '../values.ts'
import { checkCount, checkSeconds, type NewMessage, newMessage } from './messages.ts'
import { dropPayloads, payloadKeyOf, putPayloads, splitOff } from './payload.ts'
import { shardFor } from './shards.ts'
import { arrived } from './view.ts'

export async function push<T>(
  context: Context,
  items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
  options: AtomicDbQueuePushOptions = {},
): Promise<AtomicDbQueueItem<T>[]> {
  const list = asList(items)
  const window = checkSeconds(options.deduplicationWindowSeconds ?? 300, 'deduplicationWindowSeconds', 1)
  const { shards, payloadThreshold } = options
  if (payloadThreshold !== undefined) checkCount(payloadThreshold, 'payloadThreshold')
  const messages = list.map((item, i) => {
    const field = Array.isArray(items) ? `items[${i}]` : ''
    const message = newMessage(context, item, field, options.delaySeconds)
    return shards === undefined ? message : inShard(message, shardFor(context, shards, item))
  })
  const seen = new Set<string>()
  messages.forEach(({ row }, i) => {
    if (seen.has(keyText(row))) throw new InvalidInput(`items[${i}].sk`, 'is there twice', { keys: [row] })
    seen.add(keyText(row))
  })
  const payloads = messages.flatMap(({ row, item }, i) => {
    const field = Array.isArray(items) ? `items[${i}]` : ''
    const payload =
      payloadThreshold === undefined ? undefined : splitOff(context, row, payloadThreshold, field)
    if (payload) Object.assign(item, { payloadKey: payload.pk, ttl: row.ttl })
    return payload ?? []
  })
  const fresh: Row[] = []
  const large: Row[] = []
  const special: number[] = []
  messages.forEach(({ row }, i) => {
    if (list[i]!.sk !== undefined || list[i]!.deduplicationId !== undefined) special.push(i)
    else if (payloadKeyOf(row) === undefined) fresh.push(row)
    else large.push(row)
  })
  const rows = messages.map(({ row }) => row)
  if (payloads.length > 0) await putPayloads(context, payloads, rows)
  // Sent again after a lost reply it could come back when its payload is gone already: with a token it cannot.
  for (const some of transactions(large)) await putNew(context, some, options)
  if (options.exactlyOnce) for (const some of transactions(fresh)) await putNew(context, some, options)
  // A ULID is new: nothing can be there. A key of the caller's might be that of a message in processing.
  else
    await writeRows(
      context,
      fresh.map((row) => ({ put: row })),
    )
  for (const i of special) {
    const { row, item } = messages[i]!
    const id = list[i]!.deduplicationId
    try {
      if (id === undefined) await putNew(context, [row], options)
      else {
        const earlier = await putOnce(context, row, item.enqueuedAt, id, window, options)
        if (earlier) await dropPayloads(context, [payloadKeyOf(row)])
        Object.assign(item, earlier)
      }
    } catch (error) {
      if (error instanceof ConditionFailed) await dropPayloads(context, [payloadKeyOf(row)])
      throw error
    }
  }
  for (const row of rows) arrived(context, row)
  for (const pk of new Set(rows.map((row) => row.pk))) announcePush(context.runtime, pk)
  return messages.map(({ item }) => item as AtomicDbQueueItem<T>)
}

function inShard({ row, item }: NewMessage, pk: string): NewMessage {
  checkPk(pk)
  return { row: Object.assign(row, { pk }), item: Object.assign(item, { pk }) }
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
  _options: CallOptions,
): Promise<FailedGuard[]> {
  const token = context.id()
  return retried(
    context,
    'idempotent',
    keys.map(({ pk, sk }) => ({ pk, sk })),
    () => context.storage.transact(operations, token, { signal: context.call.signal }),
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
  if (failed.length > 0) throw thereAlready(context, rows, failed)
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
): Promise<Partial<AtomicDbQueueItem> | undefined> {
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
  if (failed.length > 0) throw thereAlready(context, [marker, row], failed)
  return undefined
}

const thereAlready = (context: Context, rows: readonly Row[], failed: readonly FailedGuard[]): Error =>
  toConflictError(
    failed.map(({ index, row }) => ({
      part: { index, key: { pk: rows[index]!.pk, sk: rows[index]!.sk }, reason: 'exists' },
      row,
    })),
    nowSeconds(context),
  )
