/** Wakes everybody who waits. Unlike `Promise.race`, it keeps nothing of what nobody waits for any more. */
export class Bell {
  #count = 0
  #waiting: (() => void)[] = []

  /** How often it has rung: what `after` is given, so that no ring in between is missed. */
  get count(): number {
    return this.#count
  }

  ring(): void {
    this.#count++
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Resolves once it has rung more often than `count`, or the signal is aborted. */
  after(count: number, signal?: AbortSignal): Promise<void> {
    if (this.#count > count || signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', give)
        resolve()
      }
      const give = () => {
        const place = this.#waiting.indexOf(wake)
        if (place >= 0) this.#waiting.splice(place, 1)
        resolve()
      }
      signal?.addEventListener('abort', give, { once: true })
      this.#waiting.push(wake)
    })
  }
}
