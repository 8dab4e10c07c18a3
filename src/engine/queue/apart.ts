import { encodeTime } from 'ulid'
import type { AtomicDbQueueItem, AtomicDbQueueItemInput } from '../../interface.ts'
import {
  controlKey,
  isScheduledName,
  queueOfShard,
  scheduledName,
  workControlKey,
} from '../../model/key-names.ts'
import { checkPk } from '../../model/keys.ts'
import { type MessageRow, pushedTo } from '../../model/message-row.ts'
import { keyAt, type Priority, priorityOf, timeIn } from '../../model/priorities.ts'
import { promiseMs } from '../../model/promise-clock.ts'
import type { Context } from '../context.ts'
import type { Promised } from './promises.ts'

/**
 * Messages that are due later lie apart from the others, each at a ULID of the time when it is due, behind the mark of
 * its priority: nobody reads them until then. They are claimed and acknowledged where they lie. The control row of the queue promises that consumers
 * look there.
 */

/** A message that is due sooner lies among the others, ms: consumers look at those that lie apart less often. */
const apartMs = 30_000
/** The promises in the control row: one for each priority. */
export const scheduledPromises: Readonly<Record<Priority, string>> = {
  high: 'scheduledHigh',
  normal: 'scheduled',
  low: 'scheduledLow',
}

/** Sets a message apart that is due later. One that has a key or a group of its own keeps its place. */
export function setApart(context: Context, { row, item }: Apart, input: AtomicDbQueueItemInput): void {
  const now = context.runtime.now()
  if (row.due === undefined || row.due < now + apartMs) return
  if (input.sk !== undefined || row.g !== undefined || row.f !== undefined) return
  const queue = queueOfShard(row.pk)
  if (queue !== row.pk) row.q = row.pk
  row.pk = scheduledName(queue)
  checkPk(row.pk)
  const priority = priorityOf(row.sk)
  row.sk = keyAt(priority, encodeTime(row.due) + row.sk.slice(-16))
  row.enq = item.enqueuedAt
  Object.assign(item, { pk: row.pk, sk: row.sk, queue: pushedTo(row) })
}

interface Apart {
  row: MessageRow
  item: AtomicDbQueueItem
}

/** What must be promised before a message is put there. */
export function promiseFor({ pk, sk, q }: Pick<MessageRow, 'pk' | 'sk' | 'q'>): Promised | undefined {
  if (!isScheduledName(pk)) return undefined
  const queue = queueOfShard(pk)
  // Consumers of shards read another control row than those of a queue without.
  const isSharded = q !== undefined && q !== queue
  return {
    key: isSharded ? workControlKey(queue) : controlKey(queue),
    name: scheduledPromises[priorityOf(sk)],
    holdMs: promiseMs,
  }
}

/** When a message is due that lies apart; 0 for any other. */
export const dueOf = ({ pk, sk }: Pick<MessageRow, 'pk' | 'sk'>): number =>
  isScheduledName(pk) ? (timeIn(sk) ?? 0) : 0
