import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { onPush } from '../wake.ts'
import {
  checkHandling,
  handleMessage,
  orAborted,
  pullOptions,
  type QueueHandler,
  type QueueHandling,
  type Turn,
  tell,
  WorkerStopped,
} from './handling.ts'

export interface QueueWorkerOptions extends QueueHandling {
  pk: string
  /** Messages handled at once. Default 1. */
  concurrency?: number
  /**
   * Messages claimed ahead, so that no handler waits for the network: they are kept visible to this worker alone until
   * it is their turn, and released by `stop`. Default 0; worth it for many messages that take less than a second.
   */
  prefetch?: number
  /** Messages claimed by one query at most. Default: as many as there is room for. */
  batchSize?: number
  /** Waits between empty pulls: doubles from the first to the second number, ms, with jitter. Default [100, 5000]. */
  idleMs?: readonly [number, number]
}

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
  #handling = 0
  // Those claimed ahead, in order.
  readonly #waiting: (() => void)[] = []
  // `pulling` ends the waiting for messages, `giveUp` the handlers.
  readonly #pulling = new AbortController()
  readonly #giveUp = new AbortController()
  #wake: () => void = () => {}
  readonly #loop: Promise<void>

  constructor(db: AtomicDbInterface, handler: QueueHandler<T>, options: QueueWorkerOptions) {
    const { concurrency = 1, batchSize, prefetch = 0 } = options
    for (const [field, value] of Object.entries({ concurrency, batchSize: batchSize ?? 1 }))
      if (!Number.isSafeInteger(value) || value < 1)
        throw new InvalidInput(field, 'must be a whole number from 1', { given: String(value) })
    if (!Number.isSafeInteger(prefetch) || prefetch < 0)
      throw new InvalidInput('prefetch', 'must be a whole number from 0', { given: String(prefetch) })
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
    return this.#handling
  }

  async #run(): Promise<void> {
    const { concurrency = 1, prefetch = 0, idleMs = [100, 5000], pk } = this.#options
    const most = concurrency + prefetch
    const { batchSize = most } = this.#options
    const stopped = this.#pulling.signal
    const off = onPush(pk, () => this.#wake())
    let idle = 0
    try {
      while (!stopped.aborted) {
        const room = most - this.#running.size
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
    const turn: Turn = (signal) => this.#turn(signal)
    const work = handleMessage(
      this.#db,
      item,
      this.#handler,
      this.#options,
      this.#giveUp.signal,
      turn,
    ).finally(() => {
      this.#running.delete(work)
    })
    this.#running.add(work)
  }

  /** At once while there is room, else in the order in which they were claimed; never once the worker is stopped. */
  async #turn(signal: AbortSignal): Promise<() => void> {
    const { concurrency = 1 } = this.#options
    if (this.#handling >= concurrency) {
      const ended = AbortSignal.any([signal, this.#pulling.signal])
      let call = () => {}
      const called = new Promise<void>((resolve) => {
        call = resolve
      })
      this.#waiting.push(call)
      try {
        await orAborted(called, ended)
      } catch (error) {
        const place = this.#waiting.indexOf(call)
        if (place >= 0) this.#waiting.splice(place, 1)
        // Called in the same moment: the turn is the next one's.
        else this.#next()
        throw error
      }
    } else this.#handling++
    return () => this.#next()
  }

  /** Passes a turn on, or gives it back. */
  #next(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#handling--
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
