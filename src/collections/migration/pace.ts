import type { Runtime } from '../../runtime.ts'

/** Spends so many units a second in the mean: each waits until those before it are paid for. */
export class Pace {
  readonly #runtime: Runtime
  readonly #perSecond: number
  #paidUntil = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime, perSecond: number) {
    this.#runtime = runtime
    this.#perSecond = perSecond
  }

  async spend(units: number, signal?: AbortSignal): Promise<void> {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return
    const now = this.#runtime.monotonic()
    const at = Math.max(now, this.#paidUntil)
    this.#paidUntil = at + (1000 * units) / this.#perSecond
    if (at > now) await this.#runtime.sleep(at - now, { signal })
  }
}
