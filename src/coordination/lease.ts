import type { AtomicDbItemKey, CallOptions } from '../interface.ts'
import { milliseconds } from '../model/checks.ts'
import { type Moment, momentOf, type Runtime, stopwatch } from '../runtime.ts'

export { type Moment, momentOf }

/**
 * The one rule of leases: how long a process may believe that something is its own. Mutexes, permits, readers,
 * writers, idempotent runs, messages and processes follow it.
 *
 * | question | answer | where |
 * |---|---|---|
 * | When does it begin? | At the moment before the request that takes it is sent. | `momentOf` in `claim.ts` |
 * | When does it end? | When its time has elapsed by the monotonic or the wall clock, whichever is first. The monotonic clock stands still in a suspended machine. | `LeaseClock`, `stopwatch` |
 * | Does a backward step of the wall clock make it longer? | No. | `stopwatch` |
 * | Can it become shorter? | No. An extension for a shorter time changes nothing, in the process and in the row. | `LeaseClock.grow`, `MutexHold.extend`, `leaseOfPlace` |
 * | How long is it for others? | As long as its row says, plus the tolerance of the clocks. | `mutex/vacancy.ts`, `lapsed` in `holders.ts` |
 * | Can a lapsed one come back? | No. Whoever takes its place removes it from the row in the same write. | the changes of each claim |
 * | What if a reply comes when the lease is over? | It is not handed out: it is given back and claimed again. | `claimLease` |
 * | What if a reply is lost? | The row is read; it shows the id of the attempt or it does not. | `certainUpdate` |
 * | What if a claim was given up and arrives later? | It is taken away again in the background. | `withdraw` |
 * | What if an extension fails? | It is tried again until the lease is over. The last error is the cause of the loss. | `lease-keeper.ts` |
 * | What if the owner's process counts as dead? | Its lease is over at once, for itself first. | `HeldLease.leftMs`, `liveness.ts` |
 */
export class LeaseClock {
  readonly #runtime: Runtime
  #elapsed: () => number
  #lengthMs: number
  #over = false

  /** Begins at `sent`, a moment before the request that took it. `lengthMs` may be `Infinity`. */
  constructor(runtime: Runtime, lengthMs: number, sent: Moment = momentOf(runtime)) {
    this.#runtime = runtime
    this.#elapsed = stopwatch(runtime, sent)
    this.#lengthMs = lengthMs
  }

  /** Milliseconds until it ends; 0 when it is over. */
  get leftMs(): number {
    // What has elapsed never decreases: over stays over.
    return this.#over ? 0 : Math.max(0, this.#lengthMs - this.#elapsed())
  }

  get isOver(): boolean {
    return this.leftMs <= 0
  }

  /**
   * The row says that it lasts `lengthMs` from `sent` on. A shorter time than the one it has is ignored.
   * False: it is over already, and stays so.
   */
  grow(sent: Moment, lengthMs: number): boolean {
    const left = this.leftMs
    if (left <= 0) return false
    const grown = new LeaseClock(this.#runtime, lengthMs, sent)
    if (grown.leftMs > left) {
      this.#elapsed = grown.#elapsed
      this.#lengthMs = lengthMs
    }
    return true
  }

  /** Ends it at once: it was given back or taken away. */
  end(): void {
    this.#over = true
  }
}

/** Options of `extend`. */
export interface ExtendOptions extends CallOptions {
  /** For how long from now, ms; never shorter than it is held already. @default the time to live it was taken with */
  ttlMs?: number
}

/** A lease has a fencing token where only one can hold it: mutexes and writers. Permits and readers have none. */
export type Fence = number | undefined

/**
 * What `acquire` and `tryAcquire` of every coordination class return: a mutex, a permit, a place among readers or the
 * place of the writer, held for a time.
 *
 * @example
 * ```ts
 * await using lease = await mutex.acquire()
 * await lease.extend({ ttlMs: 60_000 })
 * lease.signal.throwIfAborted()
 * ```
 */
export interface Lease<Token extends number | undefined = number | undefined> extends AsyncDisposable {
  /** The id of this acquisition. No other acquisition has it. */
  readonly id: string
  /** The key of its row. */
  readonly key: AtomicDbItemKey
  /** Grows with every acquisition: pass it to what you write (`fencedWrite`). Permits and readers have none. */
  readonly fencingToken: Token
  /** How long it is held without being extended, as far as this process can know, ms. Infinity: until it is released. */
  readonly leftMs: number
  /** Whether there is time left. */
  readonly isHeld: boolean
  /** Aborted with `LeaseLost` when it is over or taken away. Its first use starts a timer, which ends with the lease. */
  readonly signal: AbortSignal
  /**
   * Holds it for another time to live from now. After any other error than `LeaseLost` it is held as long as before.
   * 1 request, 1 WRU.
   * @throws LeaseLost when it is no longer held
   */
  extend(options?: ExtendOptions): Promise<void>
  /**
   * Gives it back. 1 request, 1 WRU; none once it was given back: a second call changes nothing.
   * @throws LeaseLost when it was lost before; then nothing is changed
   */
  release(options?: CallOptions): Promise<void>
  /** `await using`: releases it. That it was lost is not an error here. */
  [Symbol.asyncDispose](): Promise<void>
}

export const checkTolerance = (value: number | undefined): number =>
  milliseconds(value ?? 1000, 'clockToleranceMs', { zero: true })
