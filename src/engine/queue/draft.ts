import { InvalidInput } from '../../errors.ts'
import type { AtomicDbQueueItem, AtomicDbQueueItemInput, AtomicDbQueuePushOptions } from '../../interface.ts'
import { wholeNumber, wholeSeconds } from '../../model/checks.ts'
import { deduplicationKey, queueOfShard } from '../../model/key-names.ts'
import { checkPk } from '../../model/keys.ts'
import { checkRoom, type MessageRow, newMessage } from '../../model/message-row.ts'
import type { Row } from '../../storage.ts'
import type { Context } from '../context.ts'
import { setApart } from './apart.ts'
import { splitOff } from './payload.ts'
import { shardFor } from './shards.ts'
import { markerFor, type UniqueMarker } from './unique-marker.ts'

/** A message on its way into the queue. */
export interface Draft {
  /** Place in the call. */
  index: number
  row: MessageRow
  item: AtomicDbQueueItem
  payload?: Row
  /** Stands for its `deduplicationId`, for so long from the moment at which it is written. */
  marker?: Row
  /** Stands for its `uniqueId`. */
  unique?: UniqueMarker
  windowSeconds: number
  /** Written through transactions, because it may be refused or must not be written twice. */
  mayBeRefused: boolean
  /** Not written: an earlier message with its `deduplicationId` or `uniqueId` is there. */
  isDuplicate?: true
  /** Others of its call with one of its ids. */
  twins?: Draft[]
}

/** What becomes of an input: each row of it, checked. */
export function draftOf(
  context: Context,
  input: AtomicDbQueueItemInput,
  index: number,
  field: string,
  options: AtomicDbQueuePushOptions,
  /** Where the options stand. */
  at = '',
): Draft {
  const { shards, payloadThreshold, deduplicationWindowSeconds = 300 } = options
  const window = wholeSeconds(deduplicationWindowSeconds, `${at}deduplicationWindowSeconds`, { min: 1 })
  if (payloadThreshold !== undefined) wholeNumber(payloadThreshold, `${at}payloadThreshold`, { min: 1 })
  const { row, item } = newMessage(context, input, field, options.delaySeconds)
  if (shards !== undefined) {
    if (input.family !== undefined)
      throw new InvalidInput(`${at}shards`, 'cannot stand with family: a queue of a family has no shards')
    row.pk = item.pk = shardFor(context, shards, input)
    checkPk(row.pk)
  }
  const draft: Draft = {
    index,
    row,
    item,
    windowSeconds: window,
    mayBeRefused: options.exactlyOnce === true,
  }
  draft.payload = payloadThreshold === undefined ? undefined : splitOff(context, row, payloadThreshold, field)
  if (draft.payload) Object.assign(item, { payloadKey: draft.payload.pk, ttl: row.ttl })
  setApart(context, draft, input)
  checkRoom(row, field)
  const id = input.deduplicationId
  if (id !== undefined) draft.marker = markerOf(draft, id)
  draft.unique = markerFor(context, row)
  // One with a payload, sent again after a lost reply, could come back when its payload is gone already.
  draft.mayBeRefused ||=
    input.sk !== undefined || id !== undefined || draft.unique !== undefined || draft.payload !== undefined
  return draft
}

/**
 * The row that stands for a `deduplicationId` during its window, one for all shards. It lies in a partition that
 * begins with the queue's name (grants narrowed to a prefix cover it) and has a `version`, so that no query shows it.
 */
function markerOf({ row, item }: Draft, id: string): Row {
  const queue = queueOfShard(row.pk)
  const marker: Row = {
    ...deduplicationKey(queue, id),
    version: row.sk,
    // The message's own time, which the clock read again would miss.
    enq: item.enqueuedAt,
  }
  if (queue !== row.pk) marker.q = row.pk
  if (Buffer.byteLength(marker.pk) > 2048)
    throw new InvalidInput('deduplicationId', 'is too long together with the name of the queue', {
      limit: 2048,
    })
  return marker
}

/** What is returned in place of the message that is not written. */
export function markDuplicate(
  draft: Draft,
  { pk, sk, enqueuedAt }: Pick<AtomicDbQueueItem, 'pk' | 'sk' | 'enqueuedAt'>,
): void {
  draft.isDuplicate = true
  const { item, twins = [] } = draft
  // These are of the message that is not written.
  for (const name of ['payloadKey', 'queue'] as const) delete item[name]
  Object.assign(item, { pk, sk, enqueuedAt, isDuplicate: true })
  for (const twin of twins) markDuplicate(twin, item)
}

/** The message that the marker of a `deduplicationId` stands for. */
export function markedMessage(
  { item }: Draft,
  { q: pk = queueOfShard(item.pk), version: sk, enq: enqueuedAt }: Row,
): Pick<AtomicDbQueueItem, 'pk' | 'sk' | 'enqueuedAt'> {
  return { pk, sk, enqueuedAt } as AtomicDbQueueItem
}

/** Where its ids stand. */
export const idsOf = ({ marker, unique }: Draft): string[] =>
  [marker?.pk, unique?.key.pk].filter((pk) => pk !== undefined)

/** Of several with one id the first is written, and is what the others stand for. */
export function withoutTwins(drafts: readonly Draft[]) {
  const firsts = new Map<string, Draft>()
  const twins: { draft: Draft; first: Draft }[] = []
  const distinct = drafts.filter((draft) => {
    const ids = idsOf(draft)
    const first = ids.map((pk) => firsts.get(pk)).find((one) => one !== undefined)
    if (first) twins.push({ draft, first })
    else for (const pk of ids) firsts.set(pk, draft)
    return !first
  })
  return { distinct, twins }
}
