import { withSignal } from './connection.ts'

/**
 * Turns at keys within a process: of those that want the same key the first to come is the first to go. Whoever wants
 * several keys waits at all of them at once, in the order of coming, so nobody waits for anybody who waits for him.
 */
export class KeyTurns {
  /** Settles when the last one to come has gone. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Does the work when all who came before at any of the keys have gone. Who aborts earlier leaves the line. */
  async run<T>(
    keys: readonly string[],
    work: () => Promise<T>,
    signal?: AbortSignal | undefined,
  ): Promise<T> {
    const before = [...new Set(keys.map((key) => this.#last.get(key)))].filter((one) => one !== undefined)
    let leave = (_: unknown): void => {}
    const gone = new Promise<unknown>((resolve) => {
      leave = resolve
    })
    for (const key of keys) this.#last.set(key, gone)
    const first = Promise.all(before)
    try {
      if (before.length > 0) await withSignal(first, signal)
      return await work()
    } finally {
      // Those behind wait for those before, whoever leaves between them.
      leave(first)
      for (const key of keys) if (this.#last.get(key) === gone) void first.then(() => this.#forget(key, gone))
    }
  }

  #forget(key: string, gone: Promise<unknown>): void {
    if (this.#last.get(key) === gone) this.#last.delete(key)
  }
}
