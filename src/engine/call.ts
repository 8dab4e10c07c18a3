import { setMaxListeners } from 'node:events'
import type { Runtime } from '../runtime.ts'
import { type RequestOptions, StorageFault } from '../storage.ts'

/**
 * One call of the contract. All its requests share its signal, its deadline and its retries. It ends at once when the
 * caller aborts or the time is up, also in the middle of a request.
 */
export class Call {
  /** The signal for requests and waits. The caller or the deadline aborts it. */
  readonly signal: AbortSignal | undefined
  /** Number of retries since the last request that succeeded. */
  repeats = 0
  /** Whether the time is up. */
  timedOut = false
  readonly #runtime: Runtime
  readonly #deadline: number
  /** Rejects when the call must end. */
  readonly #over: Promise<never> | undefined
  readonly #release: () => void

  constructor(runtime: Runtime, caller?: AbortSignal, timeoutMs?: number) {
    this.#runtime = runtime
    this.#deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : runtime.monotonic() + timeoutMs
    if (caller === undefined && timeoutMs === undefined) {
      this.#release = () => {}
      return
    }
    const ending = new AbortController()
    // There is one listener for each request and wait under way. All of them are released.
    setMaxListeners(0, ending.signal)
    const done = new AbortController()
    const abort = () => ending.abort(caller?.reason)
    if (caller?.aborted) abort()
    else caller?.addEventListener('abort', abort, { once: true })
    if (timeoutMs !== undefined) void this.#atDeadline(ending, done.signal, timeoutMs)
    this.signal = ending.signal
    this.#over = new Promise<never>((_, reject) => {
      if (ending.signal.aborted) reject(ending.signal.reason)
      else ending.signal.addEventListener('abort', () => reject(ending.signal.reason), { once: true })
    })
    this.#over.catch(() => {})
    this.#release = () => {
      caller?.removeEventListener('abort', abort)
      done.abort()
    }
  }

  /** Whether the caller ended the call. */
  get aborted(): boolean {
    return this.signal?.aborted === true && !this.timedOut
  }

  /** Options of the next request. */
  request(): RequestOptions {
    return { signal: this.signal, attempt: this.repeats + 1 }
  }

  /** Milliseconds until the deadline. */
  get left(): number {
    // Without a deadline no clock is looked at: most calls have none.
    return this.#deadline === Number.POSITIVE_INFINITY
      ? this.#deadline
      : this.#deadline - this.#runtime.monotonic()
  }

  /**
   * Called before a request: throws the caller's reason, or the fault of a request that is too late. That fault is
   * `unreachable`, not the `unknown` of a request under way: this request was never sent.
   */
  check(): void {
    if (this.timedOut) throw tooLate()
    this.signal?.throwIfAborted()
    if (this.left <= 0) throw tooLate()
  }

  /** The result of the promise, or the end of the call if that comes first. */
  bound<T>(work: Promise<T>): Promise<T> {
    return this.#over === undefined ? work : Promise.race([work, this.#over])
  }

  /** Releases listeners and timers. */
  end(): void {
    this.#release()
  }

  async #atDeadline(ending: AbortController, signal: AbortSignal, timeoutMs: number): Promise<void> {
    try {
      await this.#runtime.sleep(timeoutMs, { signal })
      // Timers may fire a moment early by the other clock.
      if (this.left > 0) await this.#runtime.sleep(Math.ceil(this.left), { signal })
    } catch {
      return
    }
    if (this.left > 0 || ending.signal.aborted) return
    this.timedOut = true
    ending.abort(new StorageFault('unknown', 'no answer within timeoutMs'))
  }
}

const tooLate = (): StorageFault => new StorageFault('unreachable', 'timeoutMs is over')
