import { Lease, momentOf } from '../coordination/lease.ts'
import { keep } from '../coordination/lease-keeper.ts'
import { InvalidInput, StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'

/** What happened to a message, for logs and metrics. */
export type QueueWorkerEvent =
  /** `started`: given to the handler. `done`: acknowledged. `lost`: its receipt is no longer ours. */
  | { type: 'started' | 'done' | 'lost'; item: AtomicDbQueueItem }
  /** The handler failed (or took too long): the message comes again after `delaySeconds`. */
  | { type: 'failed'; item: AtomicDbQueueItem; error: unknown; delaySeconds: number }
  /** Given back unhandled or unfinished by `stop`. */
  | { type: 'released'; item: AtomicDbQueueItem }
  /** The database could not be reached or refused; the worker goes on. */
  | { type: 'error'; error: unknown }
  | { type: 'idle' | 'stopped' }

/** What a handler gets beside the message. */
export interface QueueHandlerContext {
  /** Aborted when the receipt is lost, the time for the message is up, or the worker stops without waiting longer. */
  signal: AbortSignal
}

export type QueueHandler<T> = (item: AtomicDbQueueItem<T>, context: QueueHandlerContext) => unknown

/** What a handler returns that has acknowledged its message itself, as `exactlyOnce` does. */
export const acknowledged = Symbol.for('lockrow.acknowledged')

export interface QueueHandling {
  /** Visibility timeout; extended at half of it for as long as the handler runs. Default 60. */
  visibilitySeconds?: number
  /** Longest time for one message, seconds: then its signal is aborted and it counts as failed. Default none. */
  timeoutSeconds?: number
  /** Delay before a failed message comes again: doubles from the first to the second number, with full jitter. Default [1, 300]. */
  retrySeconds?: readonly [number, number]
  /** Received so often it goes to the dead letters. Default 5; `Infinity`: never. */
  maxReceives?: number
  /** Default: `pk` with `#dead`. */
  deadLetter?: string
  /** For a queue that is pushed to with `shards`: the same number. */
  shards?: number
  /** Order within groups, see `queuePull`. */
  strict?: boolean
  /** Told of every transition; what it throws is ignored. */
  onEvent?: (event: QueueWorkerEvent) => void
}

export function tell(options: QueueHandling, event: QueueWorkerEvent): void {
  try {
    options.onEvent?.(event)
  } catch {
    // An observer must not change what happens.
  }
}

/** Rejects as soon as the signal is aborted; takes its listener away in any case. */
export function orAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

export class HandlerTimeout extends Error {
  override readonly name = 'HandlerTimeout'
}

/** `stop` did not wait any longer. */
export class WorkerStopped extends Error {
  override readonly name = 'WorkerStopped'
}

/** Waits for its turn to be handled; what it gives ends the turn. */
export type Turn = (signal: AbortSignal) => Promise<() => void>

const atOnce: Turn = async () => () => {}

/**
 * Handles one pulled message to its end: keeps it while it waits for its turn and while the handler runs, then
 * acknowledges it, or gives it back with a delay. Never rejects. `stop`: aborted when the handler is to give up; the
 * message is then released at once.
 */
export async function handleMessage<T>(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem<T>,
  handler: QueueHandler<T>,
  options: QueueHandling,
  stop: AbortSignal,
  turn: Turn = atOnce,
): Promise<void> {
  const lost = new AbortController()
  const over = new AbortController()
  const signal = AbortSignal.any([lost.signal, stop])
  const keeping = keepVisible(db, item, options, lost, over.signal)
  let done: (() => void) | undefined
  try {
    let failure: { error: unknown } | undefined
    let result: unknown
    try {
      done = await turn(signal)
      tell(options, { type: 'started', item })
      // A handler that ignores its signal does not hold up the worker.
      limitTime(db, options, lost, over.signal)
      result = await orAborted((async () => handler(item, { signal }))(), signal)
    } catch (error) {
      failure = { error }
    }
    // Others may be handled while this one is acknowledged.
    const wasHandled = done !== undefined
    done?.()
    done = undefined
    over.abort()
    await keeping
    if (result === acknowledged) tell(options, { type: 'done', item })
    else if (lost.signal.reason instanceof StaleReceipt) tell(options, { type: 'lost', item })
    else if (!failure) {
      await db.queueAcknowledge(item)
      tell(options, { type: 'done', item })
    } else if (!wasHandled || (stop.aborted && failure.error === stop.reason)) {
      await db.queueRelease(item)
      tell(options, { type: 'released', item })
    } else {
      const delaySeconds = retryDelay(db, item.receiveCount, options)
      await db.queueRelease(item, { delaySeconds, reason: reasonOf(failure.error) })
      tell(options, { type: 'failed', item, error: failure.error, delaySeconds })
    }
  } catch (error) {
    tell(options, error instanceof StaleReceipt ? { type: 'lost', item } : { type: 'error', error })
  } finally {
    done?.()
    over.abort()
  }
}

function limitTime(
  { runtime }: AtomicDbInterface,
  { timeoutSeconds }: QueueHandling,
  lost: AbortController,
  over: AbortSignal,
): void {
  if (timeoutSeconds === undefined) return
  runtime.sleep(timeoutSeconds * 1000, { signal: over, unref: true }).then(
    () => lost.abort(new HandlerTimeout(`the handler took longer than ${timeoutSeconds} s`)),
    () => {},
  )
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

function retryDelay(
  db: AtomicDbInterface,
  receives: number,
  { retrySeconds = [1, 300] }: QueueHandling,
): number {
  const bound = Math.min(retrySeconds[1], retrySeconds[0] * 2 ** (receives - 1))
  return Math.round(db.runtime.random() * bound)
}

/** Extends the visibility until `over`; aborts `lost` when the receipt is no longer ours. Never rejects. */
function keepVisible(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem,
  options: QueueHandling,
  lost: AbortController,
  over: AbortSignal,
): Promise<void> {
  const { runtime } = db
  const ttlSeconds = options.visibilitySeconds ?? 60
  const lease = new Lease(runtime, ttlSeconds * 1000)
  return keep({
    runtime,
    lease,
    everyMs: ttlSeconds * 500,
    async extend(signal) {
      const sent = momentOf(runtime)
      await db.queueExtend(item, { ttlSeconds, signal })
      lease.grow(sent, ttlSeconds * 1000)
    },
    isLost: (error) => error instanceof StaleReceipt,
    overdue: (cause) =>
      new StaleReceipt('the visibility could not be extended in time', {
        keys: [{ pk: item.pk, sk: item.sk }],
        cause,
      }),
    lost,
    done: over,
    onError: (error) => tell(options, { type: 'error', error }),
  })
}

export function checkHandling(options: QueueHandling): void {
  const positive = (value: unknown, field: string) => {
    if (value !== undefined && !(typeof value === 'number' && value > 0))
      throw new InvalidInput(field, 'must be positive', { given: String(value) })
  }
  if (options.visibilitySeconds !== undefined && !Number.isSafeInteger(options.visibilitySeconds))
    throw new InvalidInput('visibilitySeconds', 'must be a whole number of seconds from 1', {
      given: String(options.visibilitySeconds),
    })
  positive(options.visibilitySeconds, 'visibilitySeconds')
  positive(options.timeoutSeconds, 'timeoutSeconds')
  positive(options.maxReceives, 'maxReceives')
}

/** What a pull needs to know of the handling. */
export const pullOptions = (options: QueueHandling) => ({
  ttlSeconds: options.visibilitySeconds ?? 60,
  strict: options.strict,
  maxReceives: options.maxReceives === Number.POSITIVE_INFINITY ? undefined : (options.maxReceives ?? 5),
  deadLetter: options.deadLetter,
  shards: options.shards,
})
