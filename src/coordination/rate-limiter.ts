import { absent, anyOf } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkDb, checkOptions, milliseconds, suggestion, wholeNumber } from '../model/checks.ts'
import { checkedCall } from './call-time.ts'
import { coordinationKey, mustBeOurs } from './coordination-key.ts'

/** How far sums of times of today are rounded, ms: a share of a window need not be a whole number. */
const roundingMs = 0.001

/** What a `RateLimiter` allows. */
export interface RateLimit {
  /** Maximum calls per window. */
  limit: number
  /** Length of the window, ms. */
  windowMs: number
  /** `window`: fixed windows, sharp edges. `gcra` (default): evenly, with bursts up to `burst`. */
  kind?: 'window' | 'gcra'
  /** Calls that may come at once with `gcra`. Default: `limit`. */
  burst?: number
}

/** Whether a call is allowed, and when the next one is. */
export interface RateLimitResult {
  allowed: boolean
  /** How long to wait until the next call is allowed, ms; 0 when this one is. */
  retryAfterMs: number
}

/**
 * Limits how often something happens, over all processes: one update of 1 WRU per call (two when the row is made, or
 * at the start of a window). Clocks of the callers are compared; a difference of theirs shifts the limit by as much.
 * GCRA: ITU-T I.371, the generic cell rate algorithm.
 */
export class RateLimiter {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #limit: Required<RateLimit>

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, limit: RateLimit) {
    checkDb(db)
    this.#db = db
    this.#key = coordinationKey(key)
    wholeNumber(limit?.limit, 'limit', { min: 1 })
    checkOptions(limit, ['limit', 'windowMs', 'kind', 'burst'])
    milliseconds(limit.windowMs, 'windowMs')
    const { kind = 'gcra' } = limit
    if (kind !== 'gcra' && kind !== 'window')
      throw new InvalidInput('kind', suggestion(String(kind), ['gcra', 'window']))
    const burst = wholeNumber(limit.burst ?? limit.limit, 'burst', { min: 1 })
    this.#limit = { ...limit, kind, burst }
  }

  /** Counts one call for this subject (a user, an address), if it is allowed. */
  async take(subject = '', options: CallOptions = {}): Promise<RateLimitResult> {
    const key = subject === '' ? this.#key : { pk: this.#key.pk, sk: `${this.#key.sk}#${subject}` }
    const call = checkedCall(this.#db, options)
    return this.#limit.kind === 'gcra' ? this.#gcra(key, call) : this.#window(key, call)
  }

  /** The row may go when nothing that it remembers counts any more. */
  #ttl(until: number): number {
    return Math.ceil((until + 2 * this.#limit.windowMs) / 1000) + 1
  }

  /** `at` is when the last call allowed would have been due if all came evenly. */
  async #gcra(key: AtomicDbItemKey, options: CallOptions): Promise<RateLimitResult> {
    const now = this.#db.runtime.now()
    const step = this.#limit.windowMs / this.#limit.limit
    const slack = step * this.#limit.burst
    const latest = now + slack - step + Math.min(roundingMs, step / 2)
    // Usual: `at` lies ahead of now, within the burst. Else it is behind: it starts from now.
    for (let turn = 0; turn < 20; turn++) {
      const busy = await this.#db.update<{ at: number }>(
        key,
        { add: { at: step }, ttl: this.#ttl(now + slack) },
        { ...options, if: { at: { between: [now, latest] } } },
      )
      if (busy.applied) return { allowed: true, retryAfterMs: 0 }
      mustBeOurs(busy.item, 'at')
      const at = busy.item?.data.at
      if (at !== undefined && at > latest) return { allowed: false, retryAfterMs: Math.ceil(at - latest) }
      const idle = await this.#db.update(
        key,
        { set: { at: now + step }, ttl: this.#ttl(now + slack) },
        { ...options, if: anyOf(absent, { at: { lt: now } }) },
      )
      if (idle.applied) return { allowed: true, retryAfterMs: 0 }
    }
    return { allowed: false, retryAfterMs: Math.ceil(step) }
  }

  async #window(key: AtomicDbItemKey, options: CallOptions): Promise<RateLimitResult> {
    const { limit, windowMs } = this.#limit
    const now = this.#db.runtime.now()
    const start = Math.floor(now / windowMs) * windowMs
    const wait = { allowed: false, retryAfterMs: Math.ceil(start + windowMs - now) }
    for (let turn = 0; turn < 20; turn++) {
      const counted = await this.#db.update<{ start: number; count: number }>(
        key,
        { add: { count: 1 }, ttl: this.#ttl(now) },
        { ...options, if: { start, count: { lt: limit } } },
      )
      if (counted.applied) return { allowed: true, retryAfterMs: 0 }
      mustBeOurs(counted.item, 'start')
      if (counted.item && counted.item.data.start >= start) return wait
      const first = await this.#db.update(
        key,
        { set: { start, count: 1 }, ttl: this.#ttl(now) },
        { ...options, if: anyOf(absent, { start: { lt: start } }) },
      )
      if (first.applied) return { allowed: true, retryAfterMs: 0 }
    }
    return wait
  }
}
