import { InvalidInput, StaleReceipt } from '../../errors.ts'
import type {
  AtomicDbItemKey,
  AtomicDbQueueItem,
  AtomicDbQueueItemKey,
  AtomicDbQueueReleaseOptions,
  CallOptions,
} from '../../interface.ts'
import { wholeSeconds } from '../../model/checks.ts'
import { allGuards } from '../../model/expiry.ts'
import { queueOfShard } from '../../model/key-names.ts'
import { checkKey, showKey } from '../../model/keys.ts'
import {
  acknowledgeOperation,
  type ClaimedRow,
  isHeldBy,
  isHeldGuard,
  isMessage,
  toMessage,
} from '../../model/message-row.ts'
import type { Applied, Guard, Row, RowChange, SingleOperation } from '../../storage.ts'
import type { Context } from '../context.ts'
import { detached } from '../in-call.ts'
import { applyOrRead } from '../lost-replies.ts'
import { readRows } from '../requests.ts'
import { beforeRepeat, type Doubt, refusal } from '../retry.ts'
import { bury, deadLetterOf } from './dead-letters.ts'
import { departed, gaveBack, viewOf } from './in-flight.ts'
import { dropPayloads, payloadKeyOf } from './payload.ts'

/** Repeats an operation on a message we hold until it is certain: done, or no longer ours. */
async function whileHeld(
  context: Context,
  item: AtomicDbQueueItemKey,
  operation: SingleOperation,
  // The row is as it should be already.
  isDone: (row: Row | undefined) => boolean = () => false,
): Promise<Pick<Applied, 'row' | 'old'>> {
  const key = { pk: item.pk, sk: item.sk }
  const doubt: Doubt = { unanswered: false }
  for (;;) {
    const result = await applyOrRead(context, key, operation, doubt)
    if (result.applied || isDone(result.row)) return result
    if (result.refused) throw refusal(result.refused, [key])
    if (result.doubt) doubt.unanswered = true
    // By bare key there is nothing to lose: a message that is gone needs no release.
    if (item.receipt === undefined && !result.row) return {}
    // By bare key it is done when it is answered, whoever holds the message.
    if (result.doubt && result.row && (item.receipt === undefined || result.row.r === item.receipt)) {
      await beforeRepeat(context, [key], result.doubt, doubt)
      continue
    }
    // After a lost reply of ours, a receipt that is gone means that ours took effect.
    if (doubt.unanswered) return result
    throw noLongerOurs(key)
  }
}

const noLongerOurs = (key: AtomicDbItemKey): StaleReceipt =>
  new StaleReceipt(
    `the message ${showKey(key)} is no longer ours: its visibility timeout passed and it was given out again, or it was acknowledged`,
    { keys: [key] },
  )

export async function acknowledge(context: Context, item: AtomicDbQueueItemKey): Promise<void> {
  checkKey(item)
  const operation = acknowledgeOperation(item)
  // A message as it was pulled says whether it has a payload; by its bare key the row is asked.
  const asked = item.payloadKey === undefined && !('receiveCount' in item)
  const { row: left, old } = await whileHeld(context, item, asked ? { ...operation, old: true } : operation)
  // Still there under another receipt: the request was lost, and meanwhile the message was given out again.
  if (left !== undefined && item.receipt !== undefined) throw noLongerOurs({ pk: item.pk, sk: item.sk })
  departed(context, item)
  await dropPayloads(context, [item.payloadKey ?? payloadKeyOf(old)])
}

export async function release(
  context: Context,
  item: AtomicDbQueueItemKey,
  options: AtomicDbQueueReleaseOptions = {},
): Promise<void> {
  checkKey(item)
  const delay = wholeSeconds(options.delaySeconds ?? 0, 'delaySeconds')
  if (options.deadLetter !== undefined) return toDeadLetters(context, item, options)
  if (options.uncounted && item.receipt === undefined)
    throw new InvalidInput('uncounted', 'needs a receipt: pass the message as it was pulled')
  const at = context.runtime.now() + delay * 1000
  const changes: RowChange[] = [
    { op: 'remove', path: ['r'] },
    delay > 0 ? { op: 'set', path: ['due'], value: at } : { op: 'remove', path: ['due'] },
  ]
  if (options.uncounted) changes.push({ op: 'add', path: ['n'], value: -1 })
  if (options.reason !== undefined)
    changes.push({ op: 'set', path: ['why'], value: shortReason(options.reason) })
  const guard = item.receipt === undefined ? isThere : isHeldGuard(item.receipt)
  await whileHeld(context, item, { op: 'update', key: plain(item), changes, guard })
  gaveBack(context, item, delay > 0 ? at : 0)
}

/** Gives back a claimed row that nobody has seen: it does not count as received. */
export const giveBack = (context: Context, { pk, sk, r }: ClaimedRow, delaySeconds = 0): Promise<void> =>
  release(detached(context), { pk, sk, receipt: r }, { uncounted: true, delaySeconds })

const isThere: Guard = { op: 'exists', path: ['n'] }
const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })
const shortReason = (reason: unknown): string => String(reason).slice(0, 256).toWellFormed()

async function toDeadLetters(
  context: Context,
  item: AtomicDbQueueItemKey,
  options: AtomicDbQueueReleaseOptions,
): Promise<void> {
  const deadLetter = deadLetterOf(queueOfShard(item.pk), options.deadLetter)
  if (options.delaySeconds !== undefined || options.uncounted)
    throw new InvalidInput('deadLetter', 'cannot stand with delaySeconds or uncounted')
  const key = plain(item)
  const [row] = await readRows(context, [key])
  const isOurs = isMessage(row) && (item.receipt === undefined || row.r === item.receipt)
  const reason = options.reason === undefined ? 'given up' : shortReason(options.reason)
  const guard = item.receipt === undefined ? isThere : isHeldGuard(item.receipt)
  if (!isOurs || !(await bury(context, row, deadLetter, { reason, guard }))) throw noLongerOurs(key)
  departed(context, key)
}

/** Only ever later: an extension that arrives late, or is for less than the row has, changes nothing. */
export async function extend<T>(
  context: Context,
  item: AtomicDbQueueItem<T>,
  options: CallOptions & { ttlSeconds: number },
): Promise<AtomicDbQueueItem<T>> {
  checkKey(item)
  const { receipt } = item
  if (typeof receipt !== 'string')
    throw new InvalidInput('receipt', 'is missing: pass the message as it was pulled')
  const seconds = wholeSeconds(options?.ttlSeconds, 'ttlSeconds', { min: 1 })
  const due = context.runtime.now() + seconds * 1000
  const { row } = await whileHeld(
    context,
    item,
    {
      op: 'update',
      key: plain(item),
      changes: [{ op: 'set', path: ['due'], value: due }],
      guard: allGuards(isHeldGuard(receipt), { op: 'lt', left: { path: ['due'] }, right: { value: due } }),
    },
    (found) => isHeldBy(found, receipt) && found.due >= due,
  )
  if (!isHeldBy(row, receipt)) throw noLongerOurs(plain(item))
  viewOf(context, item).becomesDue(item.sk, row.due)
  const extended = toMessage<T>(row, context.runtime.now())
  return row.p === undefined ? extended : { ...extended, data: item.data }
}
