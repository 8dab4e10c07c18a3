import type { Runtime } from '../runtime.ts'

/** One moment by both clocks of a process. Differences are in milliseconds. */
export interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** Taken before a request is sent: what it confirms counts from then on. */
export const momentOf = (runtime: Runtime): Moment => ({
  wall: runtime.now(),
  monotonic: runtime.monotonic(),
})

/**
 * How long a process may believe that something is its own: the one rule of leases, for mutexes, permits, messages
 * and processes.
 *
 * - It begins before the request that took it was sent.
 * - It ends when its time has elapsed by either clock: the monotonic one stands still while a machine is suspended,
 *   the wall clock does not. A backward step of the wall clock is ignored.
 * - It only grows, and one that is over stays over: a late reply does not revive it.
 */
export class Lease {
  readonly #runtime: Runtime
  #since: Moment
  #lengthMs: number
  /** The smallest lead of the wall clock over the monotonic one since the lease began. */
  #lead: number
  #over = false

  /** Begins at `sent`, a moment before the request that took it. `lengthMs` may be `Infinity`. */
  constructor(runtime: Runtime, lengthMs: number, sent: Moment = momentOf(runtime)) {
    this.#runtime = runtime
    this.#since = sent
    this.#lengthMs = lengthMs
    this.#lead = sent.wall - sent.monotonic
  }

  /** Milliseconds until it ends; 0 when it is over. */
  get leftMs(): number {
    if (this.#over) return 0
    const left = this.#lengthMs - this.#elapsed()
    if (left > 0) return left
    this.#over = true
    return 0
  }

  get isOver(): boolean {
    return this.leftMs <= 0
  }

  /**
   * The row says that it lasts `lengthMs` from `sent` on. A shorter time than the one it has is ignored.
   * False: it is over already, and stays so.
   */
  grow(sent: Moment, lengthMs: number): boolean {
    const left = this.leftMs
    if (left <= 0) return false
    const grown = new Lease(this.#runtime, lengthMs, sent)
    if (grown.leftMs > left) {
      this.#since = sent
      this.#lengthMs = lengthMs
      this.#lead = grown.#lead
    }
    return true
  }

  /** Ends it at once: it was given back or taken away. */
  end(): void {
    this.#over = true
  }

  #elapsed(): number {
    const { wall, monotonic } = momentOf(this.#runtime)
    const lead = wall - monotonic
    this.#lead = Math.min(this.#lead, lead)
    return monotonic - this.#since.monotonic + (lead - this.#lead)
  }
}
