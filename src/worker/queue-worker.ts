import { type Moment, momentOf } from '../coordination/lease.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { checkDb, checkFunction, checkOptions, seconds, wholeNumber } from '../model/checks.ts'
import { onPush } from '../model/wake.ts'
import { Bell } from './bell.ts'
import { ConsumerLimits } from './consumer-limits.ts'
import { tell } from './events.ts'
import { handleMessage, type QueueHandler } from './handling.ts'
import { checkHandling, checkWaits, type QueueHandling, queueNameOf, visibilityOf } from './options.ts'
import { Pacing, type Pulled, type Wait } from './pacing.ts'
import { pullMessages } from './pull-messages.ts'
import { orAborted, sharedController } from './signals.ts'
import { WorkerStopped } from './stopping.ts'
import { leaseOfPulled } from './visibility.ts'
import { listen, type QueueWakeUp } from './wake-up.ts'

/** Options of `QueueWorker`. */
export interface QueueWorkerOptions extends QueueHandling {
  /** Messages handled at once. @default 1 */
  concurrency?: number
  /**
   * Messages claimed ahead, so that no handler waits for the network: they are kept visible to this worker alone until
   * it is their turn. `stop` releases them, which does not count as received. Worth it for many messages that take
   * less than a second. @default 0
   */
  prefetch?: number
  /** Messages claimed by one query at most. @default as many as there is room for */
  batchSize?: number
  /**
   * Waits between empty pulls: doubles from the first to the second number, ms, and lies in the upper half of that.
   * @default [100, 3860], of which the last lies between 3760 and 3860: at most 480 RRU an hour
   */
  idleMs?: readonly [number, number]
  /** Tells of what other processes push, such as `streamsWakeUp` of `lockrow/streams`. @default none */
  wakeUp?: QueueWakeUp
}

/** How long `stop` waits for a pull under way, so that what it claims can be given back; less with less patience, ms. */
const pullMs = 1000
/** A worker that may not begin anything by its rate waits for so long before it looks again, ms. */
const roomMs = 5000
/** How long `stop` waits for releases once its patience is over, ms. */
const leaveMs = 500

/**
 * Handles the messages of a queue, several at a time, until it is stopped. On the contract alone, so on any backend.
 *
 * ```ts
 * await using worker = new QueueWorker(db, async (item, { signal }) => { ... }, { pk: 'jobs', concurrency: 8 })
 * ```
 * It starts at once. Errors of the handler never end it: the message comes again after a delay, and goes to the
 * dead letters when that happens too often. Cost: that of the messages, 1 WRU per KB for each extension, and
 * 0.5 RRU for each look into an empty queue, every 3.8 s after a while: 475 RRU an hour.
 */
export class QueueWorker<T = unknown> implements AsyncDisposable {
  readonly #db: AtomicDbInterface
  readonly #handler: QueueHandler<T>
  readonly #options: QueueWorkerOptions
  #held = 0
  #handling = 0
  // Those claimed ahead, in order.
  readonly #waiting: (() => void)[] = []
  readonly #closing = sharedController()
  readonly #pulling = sharedController()
  readonly #givingUp = sharedController()
  readonly #leaving = sharedController()
  readonly #ended = new Bell()
  readonly #work = new Bell()
  readonly #limits: ConsumerLimits
  readonly #loop: Promise<void>

  constructor(db: AtomicDbInterface, handler: QueueHandler<T>, options: QueueWorkerOptions) {
    checkDb(db)
    checkFunction(handler, 'handler')
    checkHandling(options, ['concurrency', 'prefetch', 'batchSize', 'idleMs', 'wakeUp'])
    const { concurrency = 1, batchSize = 1, prefetch = 0 } = options
    wholeNumber(concurrency, 'concurrency', { min: 1 })
    wholeNumber(batchSize, 'batchSize', { min: 1 })
    wholeNumber(prefetch, 'prefetch')
    checkWaits(options.idleMs, 'idleMs')
    if (options.wakeUp !== undefined) checkFunction(options.wakeUp, 'wakeUp')
    this.#db = db
    this.#handler = handler
    this.#options = Object.freeze({ ...options })
    this.#limits = new ConsumerLimits(db, options, () => this.#work.ring())
    this.#loop = this.#run()
  }

  /** How many messages are being handled. */
  get running(): number {
    return this.#handling
  }

  async #run(): Promise<void> {
    const { concurrency = 1, prefetch = 0 } = this.#options
    const most = concurrency + prefetch
    const { batchSize = most } = this.#options
    const { signal } = this.#closing
    const ring = () => this.#work.ring()
    const stopListening = onPush(this.#db.runtime, queueNameOf(this.#options), ring)
    const stopWakeUp = listen(this.#options.wakeUp, this.#options, ring)
    const pacing = new Pacing(this.#db.runtime, this.#options.idleMs)
    let isIdle = false
    try {
      while (!signal.aborted) {
        const ended = this.#ended.count
        const room = most - this.#held
        if (room <= 0) {
          await this.#ended.after(ended, signal)
          continue
        }
        const rung = this.#work.count
        const begun = momentOf(this.#db.runtime)
        const pulled = await this.#pull(Math.min(room, batchSize), isIdle, begun)
        const wait = pacing.after(pulled)
        if (pacing.emptyPulls === 1 && !signal.aborted) tell(this.#options, { type: 'idle' })
        isIdle = wait.isIdle
        if (wait.ms === 0 || !(await this.#idle(wait, rung))) continue
        pacing.woken()
        isIdle = false
      }
    } finally {
      stopListening()
      stopWakeUp()
      void this.#limits.close()
    }
  }

  /** Waits until it is time for another look; true when there is a reason to look often again. */
  async #idle({ ms }: Wait, rung: number): Promise<boolean> {
    const done = new AbortController()
    const slept = this.#db.runtime.sleep(ms, { signal: done.signal }).then(
      () => done.abort(),
      () => {},
    )
    const { signal } = this.#closing
    const close = () => done.abort()
    signal.addEventListener('abort', close, { once: true })
    if (signal.aborted) close()
    await this.#work.after(rung, done.signal)
    signal.removeEventListener('abort', close)
    done.abort()
    await slept
    return this.#work.count > rung
  }

  async #pull(limit: number, isIdle: boolean, begun: Moment): Promise<Pulled> {
    const { signal } = this.#pulling
    try {
      const room = await this.#limits.room(limit, this.#closing.signal, roomMs)
      if (room === 0) return { found: 0, wanted: limit }
      const pulled = await pullMessages<T>(
        this.#db,
        this.#limits.forPull(this.#options),
        room,
        signal,
        !isIdle,
      )
      for (const item of pulled.items) this.#take(item, begun)
      if (pulled.items.length < room) this.#limits.foundFewer()
      return { ...pulled, found: pulled.items.length, wanted: room }
    } catch (error) {
      if (!signal.aborted) tell(this.#options, { type: 'error', error })
      return { found: 0, wanted: limit }
    }
  }

  #take(item: AtomicDbQueueItem<T>, begun: Moment): void {
    const lease = leaseOfPulled(this.#db.runtime, item, visibilityOf(this.#options), begun)
    const ending = {
      closing: this.#closing.signal,
      givingUp: this.#givingUp.signal,
      leaving: this.#leaving.signal,
    }
    this.#held++
    const turn = this.#limits.turn(item, (signal) => this.#turn(signal))
    void handleMessage(this.#db, item, lease, this.#handler, this.#options, ending, turn).then(() => {
      this.#held--
      this.#ended.ring()
      // The next one of its group can come now.
      if (this.#options.strict) this.#work.ring()
    })
  }

  /** At once while there is room, else in the order in which they were claimed; never once the worker is stopped. */
  async #turn(signal: AbortSignal): Promise<() => void> {
    const { concurrency = 1 } = this.#options
    if (this.#handling >= concurrency) {
      let call = () => {}
      const called = new Promise<void>((resolve) => {
        call = resolve
      })
      this.#waiting.push(call)
      try {
        await orAborted(called, signal, this.#closing.signal)
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
   * Takes no more messages, begins no more handlers, and resolves when those in hand are finished. After
   * `graceSeconds` (default: no limit) the handlers' signals are aborted and their messages released; what cannot be
   * released within half a second more comes back by its visibility timeout. May be called again, also with less
   * patience. A handler must not await it without `graceSeconds`: it waits for that handler.
   */
  async stop(options: { graceSeconds?: number } = {}): Promise<void> {
    checkOptions(options, ['graceSeconds'])
    const { graceSeconds } = options
    if (graceSeconds !== undefined) seconds(graceSeconds, 'graceSeconds', { zero: true })
    const first = !this.#closing.signal.aborted
    this.#closing.abort(new WorkerStopped('the worker is stopped'))
    const done = new AbortController()
    const patience = this.#losePatience(graceSeconds, done.signal)
    await this.#over()
    done.abort()
    await patience
    if (first) tell(this.#options, { type: 'stopped' })
  }

  async #losePatience(graceSeconds = Number.POSITIVE_INFINITY, signal: AbortSignal): Promise<void> {
    const { runtime } = this.#db
    const graceMs = graceSeconds * 1000
    const first = Math.min(pullMs, graceMs)
    try {
      await runtime.sleep(first, { signal })
      this.#pulling.abort(new WorkerStopped('the worker is stopped'))
      if (graceMs === Number.POSITIVE_INFINITY) return
      await runtime.sleep(graceMs - first, { signal })
      this.#givingUp.abort(new WorkerStopped('the worker was stopped'))
      await runtime.sleep(leaveMs, { signal })
      this.#leaving.abort(new WorkerStopped('the worker has left'))
    } catch {}
  }

  /** Resolves when nothing is in hand, or nothing is waited for any more. */
  async #over(): Promise<void> {
    const { signal } = this.#leaving
    await orAborted(this.#loop, signal).catch(() => {})
    for (let ended = this.#ended.count; this.#held > 0 && !signal.aborted; ended = this.#ended.count)
      await this.#ended.after(ended, signal)
    await orAborted(this.#limits.close(), signal).catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
