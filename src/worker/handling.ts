import type { LeaseClock } from '../coordination/lease.ts'
import { AtomicDbError, StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { tell } from './events.ts'
import { type QueueHandling, timeoutOf } from './options.ts'
import { type Ended, settle } from './settle.ts'
import { follow, orAborted } from './signals.ts'
import type { Ending } from './stopping.ts'
import { atOnce, type Turn } from './turn.ts'
import { keepVisible } from './visibility.ts'

/**
 * Handles one message. `signal` is aborted when the receipt is lost, the time for the message is up, or the worker stops
 * without waiting longer. What it returns does not matter, unless `retryAt`, `snooze` or `deadLetter` made it: then the
 * message is not acknowledged. Each of them may be thrown as well.
 */
export type QueueHandler<T> = (item: AtomicDbQueueItem<T>, context: { signal: AbortSignal }) => unknown

/** The handler took longer than `timeoutSeconds`. */
export class HandlerTimeout extends AtomicDbError {
  static override readonly code: string = 'HandlerTimeout'
}

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
    const ended = await handled(db, item, lease, handler, options, ending, turn, abort, over.signal)
    // No more extensions: an acknowledgement could overtake one.
    over.abort()
    await keeping
    await settle({ db, item, options, signal: ending.leaving }, ended, abort.signal.reason)
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
): Promise<Ended> {
  const { signal } = abort
  let endTurn: () => void
  try {
    endTurn = await turn(signal, (reason) => abort.abort(reason))
  } catch {
    return { handled: false }
  }
  try {
    if (closing.aborted || signal.aborted || lease.isOver) return { handled: false }
    tell(options, { type: 'started', item })
    limitTime(db, timeoutOf(options, item), abort, over)
    // A handler that ignores its signal does not hold up the worker.
    return { handled: true, result: await orAborted((async () => handler(item, { signal }))(), signal) }
  } catch (error) {
    return { handled: true, error }
  } finally {
    // Others may be handled while this one is acknowledged.
    endTurn()
  }
}

function limitTime(
  { runtime }: AtomicDbInterface,
  timeoutSeconds: number | undefined,
  abort: AbortController,
  over: AbortSignal,
): void {
  if (timeoutSeconds === undefined) return
  runtime.sleep(timeoutSeconds * 1000, { signal: over, unref: true }).then(
    () => abort.abort(new HandlerTimeout(`the handler took longer than ${timeoutSeconds} s`)),
    () => {},
  )
}
