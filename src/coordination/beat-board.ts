import { systemRuntime } from '../runtime.ts'
import type { Moment } from './lease.ts'

/** The monotonic clocks of two threads begin at different times; this one is the same for all of a process, ms. */
const processClock = (): number => Number(process.hrtime.bigint()) / 1e6

/** Cells: how many heartbeats were written, and two moments of two cells each, written in turn. */
const cells = 5

/**
 * When the last heartbeat was sent, as one thread of a process writes it and another one reads it without a message:
 * the reader may just have come back from work that blocked its event loop.
 */
export class BeatBoard {
  readonly buffer: SharedArrayBuffer
  readonly #count: Int32Array
  readonly #times: Float64Array
  /** Of this thread's monotonic clock to that of the process, ms. */
  readonly #offset = processClock() - systemRuntime.monotonic()

  constructor(buffer = new SharedArrayBuffer(cells * 8)) {
    this.buffer = buffer
    this.#count = new Int32Array(buffer, 0, 1)
    this.#times = new Float64Array(buffer, 8)
  }

  write(sent: Moment): void {
    const next = Atomics.load(this.#count, 0) + 1
    const at = (next % 2) * 2
    this.#times[at] = sent.wall
    this.#times[at + 1] = sent.monotonic + this.#offset
    Atomics.store(this.#count, 0, next)
  }

  /** The number of the last heartbeat, and when it was sent. */
  read(): { count: number; sent: Moment } | undefined {
    for (;;) {
      const count = Atomics.load(this.#count, 0)
      if (count === 0) return undefined
      const at = (count % 2) * 2
      const sent = { wall: this.#times[at]!, monotonic: this.#times[at + 1]! - this.#offset }
      // Unchanged: the writer was not at work on this moment.
      if (Atomics.load(this.#count, 0) === count) return { count, sent }
    }
  }
}
