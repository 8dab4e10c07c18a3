import { Bell } from './bell.ts'

/** Places for messages in hand, which the queues of an invocation share. */
export class Slots {
  readonly #given = new Bell()
  #free: number
  #sharers = 0

  constructor(count: number) {
    this.#free = count
  }

  /** A queue is served from now on, until it calls what this returns. */
  join(): () => void {
    this.#sharers++
    return () => {
      this.#sharers--
      this.#given.ring()
    }
  }

  /** Waits until one is free, and takes a fair part of those that are. 0: the signal came first. */
  async take(signal: AbortSignal): Promise<number> {
    while (this.#free === 0 && !signal.aborted) await this.#given.after(this.#given.count, signal)
    if (signal.aborted) return 0
    const taken = Math.ceil(this.#free / Math.max(1, this.#sharers))
    this.#free -= taken
    return taken
  }

  give(count: number): void {
    if (count === 0) return
    this.#free += count
    this.#given.ring()
  }
}
