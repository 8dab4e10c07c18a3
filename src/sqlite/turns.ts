/** How long a program works on without a look at its timers and sockets, ms. */
const longestMs = 5
/** Reads between two looks at the clock. */
const uncounted = 15

/**
 * Takes turns with the rest of the program. A database whose calls take microseconds and never wait would keep timers,
 * sockets and signals from their turn for as long as somebody calls it in a loop.
 */
export class Turns {
  #since = performance.now()
  #unlooked = 0

  /** Resolves after all that runs now; after a turn of the event loop where the last one was too long ago. */
  next(): Promise<void> {
    if (performance.now() - this.#since < longestMs)
      return new Promise((resolve) => process.nextTick(resolve))
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = performance.now()
        resolve()
      })
    })
  }

  /** Whether it is time for the others. Looks at the clock now and then: that takes longer than a look at most rows. */
  get isDue(): boolean {
    if (this.#unlooked++ < uncounted) return false
    this.#unlooked = 0
    return performance.now() - this.#since >= longestMs
  }
}
