import { type Moment, momentOf, type Runtime, stopwatch } from '../runtime.ts'

/**
 * Promises between processes: an attribute of a row, epoch ms, that only grows. Whoever wrote it relies on it until
 * `marginMs` before its end, asked again as the last thing before each request leaves, since a request is taken up to five minutes
 * after it was signed, and clocks differ. The others count it as over `graceMs` after its end.
 */

/** How long a new promise holds, ms. */
export const promiseMs = 3_600_000
/** A promise is relied on until so long before its end, ms: five minutes for signatures, as much for clocks. */
export const marginMs = 600_000
/** After the end of a promise its place is kept for so long, ms: clocks differ. */
export const graceMs = 300_000

/** Whether a promise with this end, as a row shows it, may be over for whoever reads it now. */
export const hasEnded = (until: unknown, now: number): boolean =>
  typeof until !== 'number' || now > until + graceMs

/** What time it may be, for a process whose wall clock is set and which may have been frozen. */
export class PromiseClock {
  readonly #runtime: Runtime
  readonly #begun: Moment
  /** Never goes back, and counts suspensions. */
  readonly #elapsed: () => number

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#begun = momentOf(runtime)
    this.#elapsed = stopwatch(runtime, this.#begun)
  }

  /** The latest time that it may be, epoch ms: a clock that is set back prolongs no promise. */
  now(): number {
    return Math.max(this.#runtime.now(), this.#begun.wall + this.#elapsed())
  }

  /** The earliest time that it may be, epoch ms: a clock that is set forward ends no promise. */
  earliest(): number {
    return Math.min(this.#runtime.now(), this.#begun.wall + this.#runtime.monotonic() - this.#begun.monotonic)
  }
}
