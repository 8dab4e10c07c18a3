import type { RateLimiter } from '../coordination/index.ts'
import type { Runtime } from '../runtime.ts'
import { Bell } from './bell.ts'
import { NotNow } from './permits.ts'

/** A message waits for its turn for so long at most, ms; it is given back where that takes longer. */
const holdMs = 5000
/** Wait after a request that failed, ms. */
const troubleMs = 1000
/** Longest wait beside what the limit asks for, ms: where many wait, they do not all ask at once. */
const spreadMs = 2000

/** Lets messages begin one after the other, as a limit of all consumers allows. */
export class RateGate {
  readonly #runtime: Runtime
  readonly #limiter: RateLimiter
  readonly #onError: (error: unknown) => void
  readonly #passed = new Bell()
  #isBusy = false
  #closedUntil = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime, limiter: RateLimiter, onError: (error: unknown) => void) {
    this.#runtime = runtime
    this.#limiter = limiter
    this.#onError = onError
  }

  /** Waits until something may begin. False: that takes longer, or the signal was aborted. */
  async open(signal: AbortSignal, longestMs: number): Promise<boolean> {
    const ms = this.#closedUntil - this.#runtime.monotonic()
    if (ms <= 0) return true
    if (ms > longestMs) return false
    try {
      await this.#runtime.sleep(ms, { signal })
      return true
    } catch {
      return false
    }
  }

  /** Waits until it is this message's turn. @throws NotNow when that takes long */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#isBusy) {
      await this.#passed.after(this.#passed.count, signal)
      signal.throwIfAborted()
    }
    this.#isBusy = true
    try {
      await this.#ask(signal)
    } finally {
      this.#isBusy = false
      this.#passed.ring()
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { random, monotonic } = {
      random: () => this.#runtime.random(),
      monotonic: () => this.#runtime.monotonic(),
    }
    for (let denied = 1; ; denied++) {
      if (this.#closedUntil - monotonic() > holdMs) throw new NotNow('the rate of the queue is reached')
      const { allowed, retryAfterMs } = await this.#take()
      if (allowed) return
      const ms = retryAfterMs + random() * Math.min(spreadMs, retryAfterMs * 2 ** Math.min(denied, 10))
      this.#closedUntil = monotonic() + ms
      if (ms > holdMs) continue
      await this.#runtime.sleep(ms, { signal })
    }
  }

  /** A request whose outcome is not known may have counted: nothing begins for it. */
  async #take(): Promise<{ allowed: boolean; retryAfterMs: number }> {
    try {
      return await this.#limiter.take()
    } catch (error) {
      this.#onError(error)
      return { allowed: false, retryAfterMs: troubleMs }
    }
  }
}
