import { InvalidInput, StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { keep } from '../keep.ts'
import { onPush } from '../wake.ts'

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

export interface QueueWorkerOptions extends QueueHandling {
  pk: string
  /** Messages handled at once. Default 1. */
  concurrency?: number
  /** Messages claimed by one query at most. Default: as many as there is room for. */
  batchSize?: number
  /** Waits between empty pulls: doubles from the first to the second number, ms, with jitter. Default [100, 5000]. */
  idleMs?: readonly [number, number]
}

export function tell(options: QueueHandling, event: QueueWorkerEvent): void {
  try {
    options.onEvent?.(event)
  } catch {
    // An observer must not change what happens.
  }
}

/** Rejects as soon as the signal is aborted; takes its listener away in any case. */
function orAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
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

/**
 * Handles one pulled message to its end: keeps it while the handler runs, then acknowledges it, or gives it back with
 * a delay. Never rejects. `stop`: aborted when the handler is to give up; the message is then released at once.
 */
export async function handleMessage<T>(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem<T>,
  handler: QueueHandler<T>,
  options: QueueHandling,
  stop: AbortSignal,
): Promise<void> {
  const { runtime } = db
  const lost = new AbortController()
  const over = new AbortController()
  const signal = AbortSignal.any([lost.signal, stop])
  const watches = [keepVisible(db, item, options, lost, over.signal)]
  if (options.timeoutSeconds !== undefined) {
    const seconds = options.timeoutSeconds
    watches.push(
      runtime.sleep(seconds * 1000, { signal: over.signal, unref: true }).then(
        () => lost.abort(new HandlerTimeout(`the handler took longer than ${seconds} s`)),
        () => {},
      ),
    )
  }
  tell(options, { type: 'started', item })
  try {
    let failure: { error: unknown } | undefined
    let result: unknown
    try {
      // A handler that ignores its signal does not hold up the worker.
      result = await orAborted((async () => handler(item, { signal }))(), signal)
    } catch (error) {
      failure = { error }
    }
    over.abort()
    await Promise.all(watches)
    if (result === acknowledged) tell(options, { type: 'done', item })
    else if (lost.signal.reason instanceof StaleReceipt) tell(options, { type: 'lost', item })
    else if (!failure) {
      await db.queueAcknowledge(item)
      tell(options, { type: 'done', item })
    } else if (stop.aborted && failure.error === stop.reason) {
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
    over.abort()
  }
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
  let until = runtime.monotonic() + ttlSeconds * 1000
  return keep({
    runtime,
    until: () => until,
    everyMs: ttlSeconds * 500,
    async extend(signal) {
      const sent = runtime.monotonic()
      await db.queueExtend(item, { ttlSeconds, signal })
      until = sent + ttlSeconds * 1000
    },
    isLost: (error) => error instanceof StaleReceipt,
    overdue: () =>
      new StaleReceipt('the visibility could not be extended in time', {
        keys: [{ pk: item.pk, sk: item.sk }],
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

/**
 * Handles the messages of a queue, several at a time, until it is stopped. On the contract alone, so on any backend.
 *
 * ```ts
 * await using worker = new QueueWorker(db, async (item, { signal }) => { ... }, { pk: 'jobs', concurrency: 8 })
 * ```
 * It starts at once. Errors of the handler never end it: the message comes again after a delay, and goes to the
 * dead letters when that happens too often. Cost: that of the messages, 1 WRU per KB for each extension, and
 * 0.5 to 1 RRU for each look into an empty queue.
 */
export class QueueWorker<T = unknown> implements AsyncDisposable {
  readonly #db: AtomicDbInterface
  readonly #handler: QueueHandler<T>
  readonly #options: QueueWorkerOptions
  readonly #running = new Set<Promise<void>>()
  // `pulling` ends the waiting for messages, `giveUp` the handlers.
  readonly #pulling = new AbortController()
  readonly #giveUp = new AbortController()
  #wake: () => void = () => {}
  readonly #loop: Promise<void>

  constructor(db: AtomicDbInterface, handler: QueueHandler<T>, options: QueueWorkerOptions) {
    const { concurrency = 1, batchSize } = options
    for (const [field, value] of Object.entries({ concurrency, batchSize: batchSize ?? 1 }))
      if (!Number.isSafeInteger(value) || value < 1)
        throw new InvalidInput(field, 'must be a whole number from 1', { given: String(value) })
    if (typeof handler !== 'function') throw new InvalidInput('handler', 'must be a function')
    if (typeof options.pk !== 'string' || options.pk === '')
      throw new InvalidInput('pk', 'must be the name of a queue')
    checkHandling(options)
    this.#db = db
    this.#handler = handler
    this.#options = Object.freeze({ ...options })
    this.#loop = this.#run()
  }

  /** How many messages are being handled. */
  get running(): number {
    return this.#running.size
  }

  async #run(): Promise<void> {
    const { concurrency = 1, batchSize = concurrency, idleMs = [100, 5000], pk } = this.#options
    const stopped = this.#pulling.signal
    const off = onPush(pk, () => this.#wake())
    let idle = 0
    try {
      while (!stopped.aborted) {
        const room = concurrency - this.#running.size
        if (room <= 0) {
          await Promise.race(this.#running)
          continue
        }
        let pushed = false
        const woken = new Promise<void>((resolve) => {
          this.#wake = () => {
            pushed = true
            resolve()
          }
        })
        const items = await this.#pull(Math.min(room, batchSize))
        for (const item of items) this.#start(item)
        if (items.length > 0) {
          idle = 0
          continue
        }
        if (idle === 0) tell(this.#options, { type: 'idle' })
        const bound = Math.min(idleMs[1], idleMs[0] * 2 ** idle++)
        if (!pushed) await this.#sleep(bound * (0.5 + this.#db.runtime.random() / 2), woken)
        if (pushed) idle = 0
      }
    } finally {
      off()
    }
  }

  async #sleep(ms: number, woken: Promise<void>): Promise<void> {
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#pulling.signal])
    await Promise.race([this.#db.runtime.sleep(ms, { signal }).catch(() => {}), woken])
    done.abort()
  }

  async #pull(limit: number): Promise<AtomicDbQueueItem<T>[]> {
    try {
      const { items } = await this.#db.queuePullMany<T>({
        pk: this.#options.pk,
        limit,
        ...pullOptions(this.#options),
      })
      return items
    } catch (error) {
      tell(this.#options, { type: 'error', error })
      return []
    }
  }

  #start(item: AtomicDbQueueItem<T>): void {
    const work = handleMessage(this.#db, item, this.#handler, this.#options, this.#giveUp.signal).finally(
      () => {
        this.#running.delete(work)
      },
    )
    this.#running.add(work)
  }

  /**
   * Takes no more messages and resolves when those in hand are finished. After `graceSeconds` (default: no limit)
   * the handlers' signals are aborted and their messages released. May be called again, also with less patience.
   */
  async stop({ graceSeconds }: { graceSeconds?: number } = {}): Promise<void> {
    const first = !this.#pulling.signal.aborted
    this.#pulling.abort()
    this.#wake()
    const done = new AbortController()
    const patience =
      graceSeconds === undefined
        ? undefined
        : this.#db.runtime.sleep(graceSeconds * 1000, { signal: done.signal }).then(
            () => this.#giveUp.abort(new WorkerStopped('the worker was stopped')),
            () => {},
          )
    await this.#loop
    while (this.#running.size > 0) await Promise.all(this.#running)
    done.abort()
    await patience
    if (first) tell(this.#options, { type: 'stopped' })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
