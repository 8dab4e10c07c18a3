/** The clock of the server, epoch ms. It goes on within a statement. */
export const serverTime = `(date_part('epoch', clock_timestamp()) * 1000)`

/**
 * To be returned by what writes: fails, and so undoes the statement, where it is later than a parameter says. A statement may have waited
 * behind a lock for longer than its client, which has given it up and must not see it come true afterwards.
 */
export const inTime = (parameter: string): string => `1 / (${serverTime} < ${parameter}::float8)::int`

/** SQLSTATE of `inTime`: a division by zero. */
export const tooLate = '22012'

/** How long a reading counts, ms. */
const readingMs = 60_000

/** What the clock of the server says, by the time that has passed since it was read: both clocks may be wrong. */
export class ServerClock {
  readonly #ask: () => Promise<number>
  #reading: { server: number; at: number } | undefined
  #asking: Promise<void> | undefined

  constructor(ask: () => Promise<number>) {
    this.#ask = ask
  }

  /** Reads it, unless that was done lately. */
  async read(): Promise<void> {
    if (this.#reading && performance.now() - this.#reading.at < readingMs) return
    this.#asking ??= this.#ask()
      .then((server) => {
        this.#reading = { server, at: performance.now() }
      })
      .finally(() => {
        this.#asking = undefined
      })
    await this.#asking
  }

  /** It was set, or stands still: a statement was refused. */
  forget(): void {
    this.#reading = undefined
  }

  /** When it will be so many ms from now, or a little earlier: the reply took its time. */
  after(ms: number): number {
    const { server, at } = this.#reading ?? { server: Number.POSITIVE_INFINITY, at: 0 }
    return server + performance.now() - at + ms
  }
}
