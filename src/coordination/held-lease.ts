import { LeaseLost } from '../errors.ts'
import type { AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'
import type { Runtime } from '../runtime.ts'
import { callTime } from './call-time.ts'
import { nameOf } from './coordination-key.ts'
import { type ExtendOptions, type Fence, type Lease, LeaseClock, type Moment } from './lease.ts'
import { keep } from './lease-keeper.ts'
import type { Liveness } from './liveness.ts'

/** How a lease is kept in its row. */
export interface LeaseRow<Token extends Fence = Fence> {
  runtime: Runtime
  key: AtomicDbItemKey
  /** The attempt that took it. */
  id: string
  /** Infinity: until it is released. */
  ttlMs: number
  /** How often it is extended in the background, ms. */
  heartbeatMs: number
  fencingToken: Token
  /** Bound on each call of the database, ms. */
  timeoutMs: number
  /** It ends with the life of this process. */
  liveness?: Liveness
  /**
   * Writes that it lasts `ttlMs` from `sent` on. Resolves with the moment from which the row says so; rejects with
   * `LeaseLost` when it is no longer ours. `leftMs`: what the row must not go below.
   */
  extend(ttlMs: number, leftMs: number, options: CallOptions): Promise<Moment>
  /** False: it was not ours any more. */
  release(options: CallOptions): Promise<boolean>
}

/** How a lease is kept in the background. */
export interface KeepOptions {
  /** Extend while the callback runs. @default true */
  extend?: boolean
  /**
   * Called when only `warnMs` are left because extending fails or is off. What it throws or rejects with is ignored.
   */
  onWarning?: (leftMs: number) => unknown
  /** How long before the end `onWarning` is called, ms. @default a third of the time to live */
  warnMs?: number
}

/** A lease and the row that shows it. */
export class HeldLease<Token extends Fence = Fence> implements Lease<Token> {
  readonly #row: LeaseRow<Token>
  /** Undefined: not confirmed yet by the row, as after `restore` without comparable clocks. */
  #clock: LeaseClock | undefined
  #watch: { lost: AbortController; done: AbortController } | undefined
  /** Why the last extension failed. */
  #failure: unknown
  /** The row does not show it any more. */
  #gone = false
  /** The release under way. */
  #releasing: Promise<void> | undefined
  #isReleased = false
  /** A release was sent that was not answered: it may have freed the row. */
  #mayBeReleased = false

  constructor(row: LeaseRow<Token>, clock: LeaseClock | undefined) {
    this.#row = row
    this.#clock = clock
  }

  get id(): string {
    return this.#row.id
  }

  get fencingToken(): Token {
    return this.#row.fencingToken
  }

  get key(): AtomicDbItemKey {
    return this.#row.key
  }

  get leftMs(): number {
    if (!this.#clock) return 0
    return Math.min(this.#clock.leftMs, this.#row.liveness?.leftMs ?? Number.POSITIVE_INFINITY)
  }

  get isHeld(): boolean {
    return this.leftMs > 0
  }

  get signal(): AbortSignal {
    if (!this.#watch) {
      const watch = { lost: new AbortController(), done: new AbortController() }
      this.#watch = watch
      void this.keepUntil(watch.done.signal, watch.lost, { extend: false })
    }
    return this.#watch.lost.signal
  }

  async extend(options: ExtendOptions = {}): Promise<void> {
    checkOptions(options, ['signal', 'ttlMs', 'timeoutMs'])
    const ttlMs = options.ttlMs === undefined ? this.#row.ttlMs : milliseconds(options.ttlMs, 'ttlMs')
    if (this.#clock && !this.isHeld) throw this.#lost('the lease is over: acquire it again')
    try {
      const sent = await this.#row.extend(ttlMs, this.leftMs, callTime(this.#row, options))
      if (!this.#clock) this.#clock = new LeaseClock(this.#row.runtime, ttlMs, sent)
      else this.#clock.grow(sent, ttlMs)
      this.#failure = undefined
    } catch (error) {
      if (error instanceof LeaseLost) this.#end(error)
      else this.#failure = error
      throw error
    }
    if (!this.isHeld) throw this.#lost('the lease ran out before the reply came')
  }

  async release(options: CallOptions = {}): Promise<void> {
    checkOptions(options, ['signal', 'timeoutMs'])
    // A call beside another one has its answer, unless that one fails.
    while (this.#releasing) await this.#releasing.catch(() => {})
    if (this.#isReleased) return
    this.#releasing = this.#giveBack(options)
    try {
      await this.#releasing
    } finally {
      this.#releasing = undefined
    }
  }

  async #giveBack(options: CallOptions): Promise<void> {
    const wasHeld = this.isHeld
    let isOurs: boolean
    try {
      isOurs = await this.#row.release(callTime(this.#row, options))
    } catch (error) {
      this.#mayBeReleased = true
      throw error
    }
    this.#isReleased = isOurs || (wasHeld && this.#mayBeReleased)
    this.#end(this.#lost('it was released'))
    if (!this.#isReleased) throw this.#lost('it was lost before it was released')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#gone) return
    await this.release().catch((error) => {
      if (!(error instanceof LeaseLost)) throw error
    })
  }

  /** Extends in the background until `done`; aborts `lost` when it is over. Never rejects. */
  keepUntil(done: AbortSignal, lost: AbortController, options: KeepOptions): Promise<void> {
    const { runtime, heartbeatMs } = this.#row
    const { warnMs, onWarning } = options
    return keep({
      runtime,
      lease: this,
      everyMs: (options.extend ?? true) ? heartbeatMs : Number.POSITIVE_INFINITY,
      extend: (call) => this.extend(call),
      timeoutMs: this.#row.timeoutMs,
      isLost: (error) => error instanceof LeaseLost,
      overdue: () => this.#overdue(),
      lost,
      done,
      ...(onWarning && { warning: { beforeMs: warnMs ?? heartbeatMs, warn: onWarning } }),
    })
  }

  /** Aborts `lost` when it is over and nobody has looked since. */
  endIfOver(lost: AbortController): void {
    if (!this.#gone && this.#clock && !this.isHeld) lost.abort(this.#overdue())
  }

  #overdue(): LeaseLost {
    const dead = this.#row.liveness?.signal
    const cause = dead?.aborted ? dead.reason : this.#failure
    return this.#lost('the lease ran out before it could be extended', cause)
  }

  #end(reason: LeaseLost): void {
    this.#gone = true
    this.#clock?.end()
    this.#watch?.lost.abort(reason)
    this.#watch?.done.abort()
  }

  #lost(why: string, cause?: unknown): LeaseLost {
    return new LeaseLost(`${nameOf(this.#row.key)}: ${why}`, { keys: [this.#row.key], cause })
  }
}
