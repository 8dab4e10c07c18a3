import { setMaxListeners } from 'node:events'
import { BackendError } from '../errors.ts'
import type { CallOptions } from '../interface.ts'
import type { OptionsCheck } from '../model/options-check.ts'
import type { Runtime } from '../runtime.ts'
import { StorageFault } from '../storage.ts'
import type { Context } from './context.ts'

/**
 * One call of the contract, however many requests it makes: they share its signal, its deadline and its repeats.
 * Ends at once when the caller aborts or the time is up, also in the middle of a request.
 */
export class Call {
  /** For requests and waits: aborted by the caller or by the deadline. */
  readonly signal: AbortSignal | undefined
  /** Repeats since the last request that got somewhere. */
  repeats = 0
  /** The time is up. */
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
    // As many as there are requests and waits side by side; all of them are released.
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

  /** Whether it was the caller who ended the call. */
  get aborted(): boolean {
    return this.signal?.aborted === true && !this.timedOut
  }

  /** Milliseconds until the deadline. */
  get left(): number {
    return this.#deadline - this.#runtime.monotonic()
  }

  /** Throws the caller's reason, or the fault of a request that came too late. */
  check(): void {
    this.signal?.throwIfAborted()
    if (this.left <= 0) throw tooLate()
  }

  /** The promise, or the end of the call if that comes first. */
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

/** Runs one call of the contract once its options are checked; `options` come back with a signal that also ends at the deadline. */
export async function inCall<O extends CallOptions | undefined, T>(
  database: Context,
  check: OptionsCheck,
  options: O,
  work: (context: Context, options: O) => Promise<T>,
): Promise<T> {
  check(options)
  const timeoutMs = options?.timeoutMs ?? database.timeoutMs
  const call = new Call(database.runtime, options?.signal, timeoutMs)
  const context = { ...database, call }
  try {
    if (call.signal === undefined) return await work(context, options)
    return await work(context, { ...options, signal: call.signal } as O)
  } catch (error) {
    throw error instanceof StorageFault ? toCaller(error) : error
  } finally {
    call.end()
  }
}

/** A fault that no part of the engine has an answer to: refused for its content. */
const toCaller = (fault: StorageFault): BackendError =>
  new BackendError(`the backend refused the request: ${fault.message}`, { cause: fault.cause })

/** For work that goes on after the call has ended. */
export const detached = (context: Context): Context => ({ ...context, call: new Call(context.runtime) })
