/** How long a program works on without a look at its timers and sockets, ms. */
const longestMs = 5

/**
 * Takes turns with the rest of the program. A database whose calls take microseconds and never wait would keep timers,
 * sockets and signals from their turn for as long as somebody calls it in a loop.
 */
export class Turns {
  #since = performance.now()

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

  /** Whether it is time for the others. */
  get isDue(): boolean {
    return performance.now() - this.#since >= longestMs
  }
}
