import { type Moment, momentOf } from '../coordination/lease.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { checkDb, checkFunction, milliseconds, wholeNumber } from '../model/checks.ts'
import { Bell } from './bell.ts'
import { tell } from './events.ts'
import { type Ending, handleMessage, type QueueHandler, WorkerStopped } from './handling.ts'
import { checkHandling, type QueueHandling, visibilityOf } from './options.ts'
import { pullMessages } from './pull-messages.ts'
import { type LambdaContext, remainingMs } from './remaining-time.ts'
import { sharedController } from './signals.ts'
import { leaseOfPulled } from './visibility.ts'

/** Options of `queueLambda`. */
export interface QueueLambdaOptions extends QueueHandling {
  /** Messages handled at once. @default 10 */
  concurrency?: number
  /**
   * How long before the end of the invocation handlers are told to give up and their messages are given back, ms.
   * @default 5000, or a quarter of the time of the invocation where that is less
   */
  reserveMs?: number
}

/** Maximum number of shards that one pull looks at. */
const shardsPerPull = 64

/**
 * A Lambda handler that drains a queue within the time of its invocation, whatever the event (a schedule, a stream
 * record, a direct call). It ends when nothing can be taken (`empty`; delayed messages, and under `strict` those behind
 * one that waits for its retry, may still be there), or `reserveMs` before the time is up: handlers still running
 * then have their signal aborted and their messages are released, and no request is waited for beyond nine tenths of
 * that reserve. Returns how many were acknowledged. A pull that fails ends it: what is in hand is finished, then the
 * error is thrown, so that the invocation counts as failed. Throws `InvalidInput` when `reserveMs` leaves no time.
 */
export function queueLambda<T = unknown>(
  db: AtomicDbInterface,
  handler: QueueHandler<T>,
  options: QueueLambdaOptions,
): (event: unknown, context: LambdaContext) => Promise<{ handled: number; empty: boolean }> {
  checkDb(db)
  checkFunction(handler, 'handler')
  checkHandling(options, ['concurrency', 'reserveMs'])
  if (options.concurrency !== undefined) wholeNumber(options.concurrency, 'concurrency', { min: 1 })
  if (options.reserveMs !== undefined) milliseconds(options.reserveMs, 'reserveMs', { zero: true })
  const fixed = Object.freeze({ ...options })
  return async (_event, context) => new Invocation(db, handler, fixed, remainingMs(context)).run()
}

/** One invocation: drains until the queue is empty, a pull fails, or the time is up. */
class Invocation<T> {
  readonly #db: AtomicDbInterface
  readonly #handler: QueueHandler<T>
  readonly #options: QueueLambdaOptions
  readonly #timeMs: number
  readonly #reserveMs: number
  readonly #giveUp = sharedController()
  readonly #pulling = sharedController()
  readonly #leave = sharedController()
  readonly #ended = new Bell()
  #running = 0
  #handled = 0

  constructor(
    db: AtomicDbInterface,
    handler: QueueHandler<T>,
    options: QueueLambdaOptions,
    remainingMs: number,
  ) {
    this.#db = db
    this.#handler = handler
    this.#reserveMs = options.reserveMs ?? Math.min(5000, remainingMs / 4)
    this.#timeMs = remainingMs - this.#reserveMs
    if (!(this.#timeMs > 0))
      throw new InvalidInput('reserveMs', 'leaves no time to handle anything: give the function more time', {
        given: `${this.#reserveMs} of ${Math.floor(remainingMs)} ms`,
      })
    this.#options = {
      ...options,
      onEvent: (event) => {
        if (event.type === 'done') this.#handled++
        tell(options, event)
      },
    }
  }

  async run(): Promise<{ handled: number; empty: boolean }> {
    const done = new AbortController()
    const alarm = this.#endInTime(done.signal)
    let empty = false
    try {
      empty = await this.#drain()
    } finally {
      // What is in hand is finished, or given back when the time is up.
      await this.#untilRunning(0)
      done.abort()
      await alarm
    }
    return { handled: this.#handled, empty }
  }

  async #endInTime(done: AbortSignal): Promise<void> {
    const { runtime } = this.#db
    try {
      await runtime.sleep(this.#timeMs, { signal: done })
      this.#giveUp.abort(new WorkerStopped('the time of this invocation is up'))
      // A pull under way may still end, so that what it claims can be given back.
      await runtime.sleep(0.3 * this.#reserveMs, { signal: done })
      this.#pulling.abort(new WorkerStopped('the time of this invocation is up'))
      await runtime.sleep(0.6 * this.#reserveMs, { signal: done })
      this.#leave.abort(new WorkerStopped('this invocation has left'))
    } catch {}
  }

  /** Whether the queue was empty. */
  async #drain(): Promise<boolean> {
    const { concurrency = 10, shards = 1 } = this.#options
    const { signal } = this.#giveUp
    const enough = Math.ceil(shards / shardsPerPull)
    let misses = 0
    while (!signal.aborted) {
      if (!(await this.#untilRunning(concurrency - 1)) || signal.aborted) return false
      const ended = this.#ended.count
      const begun = momentOf(this.#db.runtime)
      const items = await this.#pull(concurrency - this.#running)
      for (const item of items) this.#take(item, begun)
      if (signal.aborted) return false
      misses = items.length > 0 ? 0 : misses + 1
      if (misses < enough) continue
      if (this.#running === 0) return !signal.aborted
      // What is being handled may push more, or come back.
      await this.#ended.after(ended, signal)
      misses = 0
    }
    return false
  }

  async #pull(limit: number): Promise<AtomicDbQueueItem<T>[]> {
    const { signal } = this.#pulling
    try {
      return await pullMessages<T>(this.#db, this.#options, limit, signal)
    } catch (error) {
      if (signal.aborted) return []
      tell(this.#options, { type: 'error', error })
      throw error
    }
  }

  #take(item: AtomicDbQueueItem<T>, begun: Moment): void {
    const lease = leaseOfPulled(this.#db.runtime, item, visibilityOf(this.#options), begun)
    const ending: Ending = {
      closing: this.#giveUp.signal,
      givingUp: this.#giveUp.signal,
      leaving: this.#leave.signal,
    }
    this.#running++
    void handleMessage(this.#db, item, lease, this.#handler, this.#options, ending).then(() => {
      this.#running--
      this.#ended.ring()
    })
  }

  /** Waits until no more are running; false when it must leave before. */
  async #untilRunning(most: number): Promise<boolean> {
    const { signal } = this.#leave
    for (let ended = this.#ended.count; this.#running > most; ended = this.#ended.count) {
      if (signal.aborted) return false
      await this.#ended.after(ended, signal)
    }
    return true
  }
}
