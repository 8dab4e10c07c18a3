import type { AtomicDbInterface } from '../interface.ts'
import { milliseconds, seconds } from '../model/checks.ts'
import { dueSchedulesPk } from '../model/key-names.ts'
import { notify } from '../model/notify.ts'
import { optionsCheck } from '../model/options-check.ts'
import { onPush } from '../model/wake.ts'
import { type DriverOptions, drivingOf } from './driver-options.ts'
import { type Driving, fireDue } from './fire-due.ts'

/** Options of `Scheduler`. */
export interface SchedulerOptions extends DriverOptions {
  /**
   * Longest time between two looks at what is due, ms: a schedule that another process has made or changed is seen so
   * late. Each look costs 0.5 RRU, however many schedules there are.
   * @default 15000
   */
  lookMs?: number
  /** Ends it as `stop` does. */
  signal?: AbortSignal
}

const checkSchedulerOptions = /* @__PURE__ */ optionsCheck<SchedulerOptions>(() => [
  { pk: true, leadMs: true, lookMs: true, onEvent: true, signal: true },
  { idleMs: "use 'lookMs'", interval: "use 'lookMs'" },
])
const checkStopOptions = /* @__PURE__ */ optionsCheck<{ graceSeconds?: number }>(() => [
  { graceSeconds: true },
])

/** Shortest wait between two looks, ms: what somebody else is just doing is over then. */
const shortestMs = 100

/**
 * Drives the schedules of a table: sends the messages of those that are due, until it is stopped. Any number of
 * processes may: each tick sends its message once. It starts at once.
 *
 * ```ts
 * await using scheduler = new Scheduler(db)
 * process.once('SIGINT', () => scheduler.stop())
 * ```
 * Cost: 0.5 RRU for each look (120 RRU an hour with the defaults), and for each tick 1 RRU and 6 WRU beside the 2 WRU
 * per KB of its message; a driver that comes second pays for a refused transaction at most.
 */
export class Scheduler implements AsyncDisposable {
  readonly #db: AtomicDbInterface
  readonly #driving: Driving
  readonly #lookMs: number
  readonly #closing = new AbortController()
  readonly #leaving = new AbortController()
  readonly #loop: Promise<void>
  #wake: (() => void) | undefined

  constructor(db: AtomicDbInterface, options: SchedulerOptions = {}) {
    checkSchedulerOptions(options)
    const { lookMs = 15_000, signal } = options
    this.#db = db
    this.#driving = { ...drivingOf(db, options, 2000), signal: this.#leaving.signal }
    this.#lookMs = milliseconds(lookMs, 'lookMs')
    const close = () => void this.stop()
    signal?.addEventListener('abort', close, { once: true })
    this.#loop = this.#run().finally(() => signal?.removeEventListener('abort', close))
    if (signal?.aborted) close()
  }

  async #run(): Promise<void> {
    const { runtime } = this.#db
    let isMade = false
    const stopListening = onPush(runtime, dueSchedulesPk(this.#driving.pk), () => {
      isMade = true
      this.#wake?.()
    })
    try {
      while (!this.#closing.signal.aborted) {
        isMade = false
        const nextAt = await this.#look()
        if (!isMade) await this.#wait(nextAt)
      }
    } finally {
      stopListening()
    }
  }

  /** When the next schedule is due, epoch ms. */
  async #look(): Promise<number | undefined> {
    try {
      return (await fireDue(this.#db, this.#driving)).nextAt
    } catch (error) {
      if (!this.#leaving.signal.aborted) notify(this.#driving.onEvent, { type: 'error', error })
      return undefined
    }
  }

  /** Until something is due, or it is time for a look. Drivers spread over half of the lead, so that one comes first. */
  async #wait(nextAt = Number.POSITIVE_INFINITY): Promise<void> {
    const { runtime } = this.#db
    const chance = runtime.random()
    const left = nextAt - runtime.now() - this.#driving.leadMs * (1 - chance / 2)
    const ms = Math.min(this.#lookMs * (0.8 + chance / 5), Math.max(shortestMs * (0.5 + chance), left))
    const done = new AbortController()
    const end = () => done.abort()
    this.#wake = end
    this.#closing.signal.addEventListener('abort', end, { once: true })
    if (this.#closing.signal.aborted) end()
    await runtime.sleep(ms, { signal: done.signal }).catch(() => {})
    this.#closing.signal.removeEventListener('abort', end)
    this.#wake = undefined
  }

  /**
   * Begins nothing new, and resolves when what is under way has ended, at the latest after `graceSeconds` (default 5).
   * What is not sent by then is sent by another driver, or by the next one.
   */
  async stop(options: { graceSeconds?: number } = {}): Promise<void> {
    checkStopOptions(options)
    const graceMs = 1000 * seconds(options.graceSeconds ?? 5, 'graceSeconds', { zero: true })
    this.#closing.abort(new Error('the scheduler is stopped'))
    const done = new AbortController()
    const patience = this.#db.runtime.sleep(graceMs, { signal: done.signal }).then(
      () => this.#leaving.abort(new Error('the scheduler was stopped')),
      () => {},
    )
    await this.#loop
    done.abort()
    await patience
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
