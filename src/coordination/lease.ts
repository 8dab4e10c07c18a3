import { type Moment, momentOf, type Runtime, stopwatch } from '../runtime.ts'

export { type Moment, momentOf }

/**
 * How long a process may believe that something is its own: the one rule of leases, for mutexes, permits, messages
 * and processes.
 *
 * - It begins before the request that took it was sent.
 * - It ends when its time has elapsed by either clock: the monotonic one stands still while a machine is suspended,
 *   the wall clock does not. A backward step of the wall clock is ignored (see `stopwatch`).
 * - It only grows, and one that is over stays over: a late reply does not revive it.
 */
export class Lease {
  readonly #runtime: Runtime
  #elapsed: () => number
  #lengthMs: number
  #over = false

  /** Begins at `sent`, a moment before the request that took it. `lengthMs` may be `Infinity`. */
  constructor(runtime: Runtime, lengthMs: number, sent: Moment = momentOf(runtime)) {
    this.#runtime = runtime
    this.#elapsed = stopwatch(runtime, sent)
    this.#lengthMs = lengthMs
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
      this.#elapsed = grown.#elapsed
      this.#lengthMs = lengthMs
    }
    return true
  }

  /** Ends it at once: it was given back or taken away. */
  end(): void {
    this.#over = true
  }
}
