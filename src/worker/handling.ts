import type { LeaseClock } from '../coordination/lease.ts'
import { AtomicDbError, StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { tell } from './events.ts'
import { deadLetterOf, maxReceivesOf, type QueueHandling, retryDelay } from './options.ts'
import { follow, orAborted } from './signals.ts'
import { keepVisible } from './visibility.ts'

/**
 * Handles one message. `signal` is aborted when the receipt is lost, the time for the message is up, or the worker stops
 * without waiting longer.
 */
export type QueueHandler<T> = (item: AtomicDbQueueItem<T>, context: { signal: AbortSignal }) => unknown

/** What a handler returns that has acknowledged its message itself, as `exactlyOnce` does. */
export const acknowledged = Symbol.for('lockrow.acknowledged')

/** The handler took longer than `timeoutSeconds`. */
export class HandlerTimeout extends AtomicDbError {
  static override readonly code: string = 'HandlerTimeout'
}

/** The worker stops, or the time of the invocation is up, and the handler is not waited for any longer. */
export class WorkerStopped extends AtomicDbError {
  static override readonly code: string = 'WorkerStopped'
}

/** The stages in which a consumer ends, each with a signal. */
export interface Ending {
  /** No handler begins any more. */
  closing: AbortSignal
  /** Handlers give up; their messages are released. */
  givingUp: AbortSignal
  /** Nothing is waited for any more: what is not acknowledged or released comes back by its visibility timeout. */
  leaving: AbortSignal
}

/** Waits until the message may be handled; what it gives ends the turn. */
export type Turn = (signal: AbortSignal) => Promise<() => void>

const atOnce: Turn = async () => () => {}

/** What happened to a message before it is acknowledged or given back. */
type Outcome = { handled: false } | { handled: true; result: unknown } | { handled: true; error: unknown }

/**
 * Handles one pulled message to its end: keeps it while it waits for its turn and while the handler runs, then
 * acknowledges it, gives it back with a delay, or moves it to the dead letters. Never rejects.
 */
export async function handleMessage<T>(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem<T>,
  lease: LeaseClock,
  handler: QueueHandler<T>,
  options: QueueHandling,
  ending: Ending,
  turn: Turn = atOnce,
): Promise<void> {
  const abort = new AbortController()
  const over = new AbortController()
  const unfollow = follow(abort, ending.givingUp)
  const keeping = keepVisible(db, item, lease, options, abort, over.signal)
  try {
    const outcome = await handled(db, item, lease, handler, options, ending, turn, abort, over.signal)
    // No more extensions: an acknowledgement could overtake one.
    over.abort()
    await keeping
    await settle(db, item, outcome, abort.signal, options, ending)
  } catch (error) {
    tell(options, error instanceof StaleReceipt ? { type: 'lost', item } : { type: 'error', error })
  } finally {
    unfollow()
    over.abort()
  }
}

/** Waits for the turn and runs the handler, unless the message is lost or the consumer ends before. */
async function handled<T>(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem<T>,
  lease: LeaseClock,
  handler: QueueHandler<T>,
  options: QueueHandling,
  { closing }: Ending,
  turn: Turn,
  abort: AbortController,
  over: AbortSignal,
): Promise<Outcome> {
  const { signal } = abort
  let endTurn: () => void
  try {
    endTurn = await turn(signal)
  } catch {
    return { handled: false }
  }
  try {
    if (closing.aborted || signal.aborted || lease.isOver) return { handled: false }
    tell(options, { type: 'started', item })
    limitTime(db, options, abort, over)
    // A handler that ignores its signal does not hold up the worker.
    return { handled: true, result: await orAborted((async () => handler(item, { signal }))(), signal) }
  } catch (error) {
    return { handled: true, error }
  } finally {
    // Others may be handled while this one is acknowledged.
    endTurn()
  }
}

async function settle(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem,
  outcome: Outcome,
  { reason: aborted }: AbortSignal,
  options: QueueHandling,
  { leaving }: Ending,
): Promise<void> {
  if ('result' in outcome && outcome.result === acknowledged) tell(options, { type: 'done', item })
  else if (aborted instanceof StaleReceipt) tell(options, { type: 'lost', item })
  else if (!outcome.handled) {
    await db.queueRelease(item, { uncounted: true, signal: leaving })
    tell(options, { type: 'released', item })
  } else if (!('error' in outcome)) {
    await db.queueAcknowledge(item, { signal: leaving })
    tell(options, { type: 'done', item })
  } else if (aborted instanceof WorkerStopped && outcome.error === aborted) {
    await db.queueRelease(item, { signal: leaving })
    tell(options, { type: 'released', item })
  } else await failed(db, item, outcome.error, options, leaving)
}

/** The handler failed: the message comes again later, or has come often enough. */
async function failed(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem,
  error: unknown,
  options: QueueHandling,
  signal: AbortSignal,
): Promise<void> {
  const reason = reasonOf(error)
  if (item.receiveCount >= maxReceivesOf(options)) {
    const deadLetter = deadLetterOf(options)
    await db.queueRelease(item, { deadLetter, reason, signal })
    tell(options, { type: 'dead', item, error, reason, deadLetter })
    return
  }
  const delaySeconds = retryDelay(db.runtime, item.receiveCount, options)
  const nextTryAt = db.runtime.now() + delaySeconds * 1000
  await db.queueRelease(item, { delaySeconds, reason, signal })
  tell(options, { type: 'retry', item, error, reason, delaySeconds, nextTryAt })
}

function limitTime(
  { runtime }: AtomicDbInterface,
  { timeoutSeconds }: QueueHandling,
  abort: AbortController,
  over: AbortSignal,
): void {
  if (timeoutSeconds === undefined) return
  runtime.sleep(timeoutSeconds * 1000, { signal: over, unref: true }).then(
    () => abort.abort(new HandlerTimeout(`the handler took longer than ${timeoutSeconds} s`)),
    () => {},
  )
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)
