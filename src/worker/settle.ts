import { LeaseLost, StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { backoffOf, policyDelay, secondsUntil } from './backoff.ts'
import { tell } from './events.ts'
import { deadLetterOf, maxReceivesOf, type QueueHandling } from './options.ts'
import { type Later, QueueOutcome, reasonOf } from './outcomes.ts'
import { acknowledged, WorkerStopped } from './stopping.ts'

/** How the handler of a message ended. `handled: false`: it never began. */
export type Ended =
  | { handled: false }
  | { handled: true; result: unknown }
  | { handled: true; error: unknown }

/** What is to be done about a message whose handler has ended. */
interface Settling {
  db: AtomicDbInterface
  item: AtomicDbQueueItem
  options: QueueHandling
  /** Ends the requests. */
  signal: AbortSignal
}

/** Acknowledges a message, gives it back, or moves it to the dead letters. `aborted`: why its handler was to give up. */
export async function settle(settling: Settling, ended: Ended, aborted: unknown): Promise<void> {
  const { db, item, options, signal } = settling
  if ('result' in ended && ended.result === acknowledged) tell(options, { type: 'done', item })
  else if (aborted instanceof StaleReceipt) tell(options, { type: 'lost', item })
  else if (!ended.handled) {
    await db.queueRelease(item, { uncounted: true, signal })
    tell(options, { type: 'released', item })
  } else if ('error' in ended) await failed(settling, ended.error, aborted)
  else if (ended.result instanceof QueueOutcome) await wished(settling, ended.result)
  else {
    await db.queueAcknowledge(item, { signal })
    tell(options, { type: 'done', item })
  }
}

async function failed(settling: Settling, error: unknown, aborted: unknown): Promise<void> {
  const { db, item, options, signal } = settling
  // The handler did not fail: it was told to give up, or its permit is lost.
  if ((aborted instanceof WorkerStopped || aborted instanceof LeaseLost) && error === aborted) {
    await db.queueRelease(item, { signal })
    tell(options, { type: 'released', item })
  } else if (error instanceof QueueOutcome) await wished(settling, error)
  else if (item.receiveCount >= maxReceivesOf(options)) await buried(settling, reasonOf(error), { error })
  else {
    const next = delayOf(settling, error)
    if (next instanceof QueueOutcome) await wished(settling, next, error)
    else await retried(settling, { seconds: next }, reasonOf(error), error)
  }
}

/** What the backoff says; where it throws, what it would be without one. */
function delayOf({ db, item, options }: Settling, error: unknown): number | QueueOutcome {
  const receives = item.receiveCount
  try {
    return backoffOf(db.runtime, { item, error, receives }, options.backoff)
  } catch (cause) {
    tell(options, { type: 'error', error: cause })
    return policyDelay(db.runtime, receives)
  }
}

/** As the handler, or the backoff, says. `error`: what failed before. */
async function wished(
  settling: Settling,
  outcome: QueueOutcome,
  error: unknown = outcome.cause,
): Promise<void> {
  const { item, options } = settling
  const reason = outcome.reason || (error === undefined ? '' : reasonOf(error))
  if (outcome.kind === 'snooze') await snoozed(settling, outcome.later!, reason)
  else if (outcome.kind === 'dead' || item.receiveCount >= maxReceivesOf(options))
    await buried(settling, reason || `received ${item.receiveCount} times`, { error })
  else await retried(settling, outcome.later!, reason, error)
}

async function buried(
  { db, item, options, signal }: Settling,
  reason: string,
  { error }: { error: unknown },
): Promise<void> {
  const deadLetter = deadLetterOf(options)
  await db.queueRelease(item, { deadLetter, reason, signal })
  tell(options, { type: 'dead', item, error, reason, deadLetter })
}

async function retried(settling: Settling, later: Later, reason: string, error: unknown): Promise<void> {
  const { db, item, options, signal } = settling
  const when = timeOf(settling, later)
  await db.queueRelease(item, { delaySeconds: when.delaySeconds, ...(reason && { reason }), signal })
  tell(options, { type: 'retry', item, error, reason, ...when })
}

async function snoozed(settling: Settling, later: Later, reason: string): Promise<void> {
  const { db, item, options, signal } = settling
  const when = timeOf(settling, later)
  await db.queueRelease(item, {
    delaySeconds: when.delaySeconds,
    uncounted: true,
    ...(reason && { reason }),
    signal,
  })
  tell(options, { type: 'snoozed', item, reason, ...when })
}

function timeOf({ db }: Settling, later: Later): { delaySeconds: number; nextTryAt: number } {
  const now = db.runtime.now()
  const at = 'at' in later ? later.at : now + later.seconds * 1000
  const delaySeconds = secondsUntil(at, now)
  return { delaySeconds, nextTryAt: now + delaySeconds * 1000 }
}
