import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey } from '../../interface.ts'
import { isLive, isVacantGuard } from '../../model/expiry.ts'
import { isScheduledName, onceKey, queueOfPlace } from '../../model/key-names.ts'
import { keyText } from '../../model/keys.ts'
import { isMessage, type MessageRow, toMessage } from '../../model/message-row.ts'
import type { Guard, Row, RowOperation, SingleOperation } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRows } from '../requests.ts'

/**
 * The rule: a `uniqueId` is taken while its message is there. The marker names the message; nobody deletes it when the
 * message goes, so that an acknowledgement is one write to one row. The next push looks: a marker whose message is gone
 * is taken over, guarded on its version, which every taking draws anew. A message that is gone comes back only by a
 * redrive, which takes the marker too. Marker and message are written in one transaction, so there is no marker of a
 * message that never came.
 */

/** So long counts the marker of a message that does not expire, from when it can be given out, seconds. */
const lifeSeconds = 30 * 24 * 3600

/** The marker that a message wants to take. */
export interface UniqueMarker {
  readonly key: AtomicDbItemKey
  readonly queue: string
  /** The message that wants it. */
  readonly row: MessageRow
  /** Drawn for this taking. */
  readonly version: string
  /** The marker as it was read last. */
  seen?: Row | undefined
  /** The message that has it, where that is there. */
  holder?: MessageRow | undefined
}

/** The marker for a message whose key is decided; `undefined` without a `uniqueId`. */
export function markerFor(context: Context, row: MessageRow): UniqueMarker | undefined {
  if (row.u === undefined) return undefined
  const queue = queueOfRow(row)
  const key = onceKey(queue, row.u)
  if (Buffer.byteLength(key.pk) > 2048)
    throw new InvalidInput('uniqueId', 'is too long together with the name of the queue', { limit: 2048 })
  return { key, queue, row, version: context.id() }
}

/** Who has the markers: those that a failed guard has shown, the others are read first. 0.5 RRU each, and 1 RRU for its message. */
export async function lookAt(
  context: Context,
  markers: readonly UniqueMarker[],
  shown?: readonly (Row | undefined)[],
): Promise<void> {
  if (markers.length === 0) return
  // Taking over is guarded on the marker, and a message that is there is there: a stale marker does no harm.
  const rows = shown ?? (await readRows(context, keysOf(markers), false))
  const now = nowSeconds(context)
  markers.forEach((marker, i) => {
    Object.assign(marker, { seen: isLive(rows[i], now) ? rows[i] : undefined, holder: undefined })
  })
  for (let place = 0; ; place++) {
    const asked = markers.flatMap((marker) => {
      const key = marker.holder ? undefined : placesOf(marker)[place]
      return key ? [{ marker, key }] : []
    })
    if (asked.length === 0) return
    const distinct = [...new Map(asked.map(({ key }) => [keyText(key), key])).values()]
    const found = await readRows(context, distinct)
    const byKey = new Map(distinct.map((key, i) => [keyText(key), found[i]]))
    for (const { marker, key } of asked) {
      const row = byKey.get(keyText(key))
      if (isHolder(row, marker.row.u!, context.runtime.now())) marker.holder = row
    }
  }
}

const keysOf = (markers: readonly UniqueMarker[]): AtomicDbItemKey[] => markers.map(({ key }) => key)

/** Where the message of a marker can be, in the order in which it can move. */
export function placesOf({ queue, seen }: Pick<UniqueMarker, 'queue' | 'seen'>): AtomicDbItemKey[] {
  if (typeof seen?.m !== 'string') return []
  const pk = typeof seen.q === 'string' ? seen.q : queue
  const place = { pk, sk: seen.m }
  // What is due later moves into its queue or shard, with its key, where pulls are strict.
  return isScheduledName(pk)
    ? [place, { pk: typeof seen.s === 'string' ? seen.s : queue, sk: seen.m }]
    : [place]
}

/** The queue that a message was pushed to, whatever shard or place beside it. */
const queueOfRow = ({ pk, q }: MessageRow): string => queueOfPlace(typeof q === 'string' ? q : pk)

const isHolder = (row: Row | undefined, id: string, now: number): row is MessageRow =>
  isMessage(row) && row.u === id && isLive(row, Math.floor(now / 1000))

/** Takes a marker that nobody has: as it was seen, its message being gone. */
export function taking(marker: UniqueMarker, now: number): RowOperation {
  const { key, queue, row, version, seen } = marker
  const put: Row = { ...key, version, m: row.sk, ttl: row.ttl ?? expiryOf(row, now) }
  if (queue !== row.pk) put.q = row.pk
  if (row.q !== undefined) put.s = row.q
  const vacant = isVacantGuard(now)
  if (typeof seen?.version !== 'string') return { op: 'put', row: put, guard: vacant }
  const same: Guard = { op: 'eq', left: { path: ['version'] }, right: { value: seen.version } }
  return { op: 'put', row: put, guard: { op: 'or', of: [vacant, same] } }
}

const expiryOf = ({ due = 0 }: MessageRow, now: number): number =>
  Math.max(now, Math.ceil(due / 1000)) + lifeSeconds

/** A message that is pushed again and again keeps its marker: it is prolonged when half of its time is over. */
export function prolonging({ seen, holder }: UniqueMarker, now: number): SingleOperation | undefined {
  if (!holder || holder.ttl !== undefined || typeof seen?.ttl !== 'number') return undefined
  const ttl = expiryOf(holder, now)
  if (seen.ttl - now > lifeSeconds / 2) return undefined
  const guard: Guard = { op: 'eq', left: { path: ['version'] }, right: { value: seen.version } }
  return { op: 'put', row: { ...seen, ttl }, guard }
}

/** What a push returns in place of the message that it did not write. */
export function asDuplicate(
  { holder }: UniqueMarker,
  now: number,
): { pk: string; sk: string; enqueuedAt: number } {
  const { pk, sk, enqueuedAt } = toMessage(holder!, now)
  return { pk, sk, enqueuedAt }
}
