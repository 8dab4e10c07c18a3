import { LeaseLost } from '../errors.ts'
import type { AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'
import type { Runtime } from '../runtime.ts'
import { nameOf } from './coordination-key.ts'
import { Lease, type Moment } from './lease.ts'
import { keep } from './lease-keeper.ts'
import type { Liveness } from './liveness.ts'

export interface ExtendOptions extends CallOptions {
  /** For how long from now, ms; never shorter than it is held already. @default the time to live it was taken with */
  ttlMs?: number
}

/** How a lease is kept in its row. */
export interface LeaseRow {
  runtime: Runtime
  key: AtomicDbItemKey
  /** The attempt that took it. */
  id: string
  /** Infinity: until it is released. */
  ttlMs: number
  /** How often it is extended in the background, ms. */
  heartbeatMs: number
  fencingToken?: number
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

/** Something held for a time: a mutex, a permit, a place among readers. */
export class HeldLease {
  readonly #row: LeaseRow
  /** Undefined: not confirmed yet by the row, as after `restore` without comparable clocks. */
  #lease: Lease | undefined
  #watch: { lost: AbortController; done: AbortController } | undefined
  /** The row does not show it any more. */
  #gone = false

  constructor(row: LeaseRow, lease: Lease | undefined) {
    this.#row = row
    this.#lease = lease
  }

  /** Tells this acquisition from all others. */
  get id(): string {
    return this.#row.id
  }

  /** Grows with every acquisition: pass it to what you write (`fencedWrite`). Permits and readers have none. */
  get fencingToken(): number | undefined {
    return this.#row.fencingToken
  }

  /** How long it is held without being extended, as far as this process can know, ms. Infinity: until it is released. */
  get leftMs(): number {
    if (!this.#lease) return 0
    return Math.min(this.#lease.leftMs, this.#row.liveness?.leftMs ?? Number.POSITIVE_INFINITY)
  }

  get isHeld(): boolean {
    return this.leftMs > 0
  }

  /** Aborted with `LeaseLost` when it is over or taken away. Its first use starts a timer, which ends with the lease. */
  get signal(): AbortSignal {
    if (!this.#watch) {
      const watch = { lost: new AbortController(), done: new AbortController() }
      this.#watch = watch
      void this.keepUntil(watch.done.signal, watch.lost, { extend: false })
    }
    return this.#watch.lost.signal
  }

  /**
   * Holds it for another time to live from now. `LeaseLost` when it is no longer ours. After any other error it is
   * held as long as before. 1 request, 1 WRU.
   */
  async extend(options: ExtendOptions = {}): Promise<void> {
    checkOptions(options, ['signal', 'ttlMs', 'timeoutMs'])
    const ttlMs = options.ttlMs === undefined ? this.#row.ttlMs : milliseconds(options.ttlMs, 'ttlMs')
    if (this.#lease && !this.isHeld) throw this.#lost('the lease is over: acquire it again')
    try {
      const sent = await this.#row.extend(ttlMs, this.leftMs, { signal: options.signal })
      if (!this.#lease) this.#lease = new Lease(this.#row.runtime, ttlMs, sent)
      else this.#lease.grow(sent, ttlMs)
    } catch (error) {
      if (error instanceof LeaseLost) this.#end(error)
      throw error
    }
    if (!this.isHeld) throw this.#lost('the lease ran out before the reply came')
  }

  /** Gives it back. `LeaseLost` when it was not ours any more; then nothing is changed. 1 request, 1 WRU. */
  async release(options: CallOptions = {}): Promise<void> {
    checkOptions(options, ['signal', 'timeoutMs'])
    const released = await this.#row.release({ signal: options.signal })
    this.#end(this.#lost('it was released'))
    if (!released) throw this.#lost('it was lost before it was released')
  }

  /** `await using`: releases it. That it was lost is not an error here. */
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
      extend: (signal) => this.extend({ signal }),
      isLost: (error) => error instanceof LeaseLost,
      overdue: (cause) =>
        this.#lost(
          'the lease ran out before it could be extended',
          this.#row.liveness?.signal.aborted ? this.#row.liveness.signal.reason : cause,
        ),
      lost,
      done,
      ...(onWarning && { warning: { beforeMs: warnMs ?? heartbeatMs, warn: onWarning } }),
    })
  }

  #end(reason: LeaseLost): void {
    this.#gone = true
    this.#lease?.end()
    this.#watch?.lost.abort(reason)
    this.#watch?.done.abort()
  }

  #lost(why: string, cause?: unknown): LeaseLost {
    return new LeaseLost(`${nameOf(this.#row.key)}: ${why}`, { keys: [this.#row.key], cause })
  }
}

/** A lease with a token that grows. */
export type FencedLease = HeldLease & { readonly fencingToken: number }

export interface KeepOptions {
  /** Extend while the callback runs. @default true */
  extend?: boolean
  /** Called when only `warnMs` are left because extending fails or is off. Must not throw. */
  onWarning?: (leftMs: number) => void
  /** How long before the end `onWarning` is called, ms. @default a third of the time to live */
  warnMs?: number
}

export const keepOptionNames = ['extend', 'onWarning', 'warnMs'] as const

export function checkKeep({ warnMs }: KeepOptions): void {
  if (warnMs !== undefined) milliseconds(warnMs, 'warnMs')
}

export type Settled<R> = { result: R } | { error: unknown }

/** Runs the callback and extends the lease meanwhile. `ending`: more signals that end the callback. Never rejects. */
export async function whileHeld<R>(
  held: HeldLease,
  options: KeepOptions,
  ending: readonly (AbortSignal | undefined)[],
  fn: (signal: AbortSignal) => Promise<R> | R,
): Promise<{ settled: Settled<R>; lost: AbortSignal }> {
  const lost = new AbortController()
  const run = new AbortController()
  const done = new AbortController()
  const unfollow = [lost.signal, ...ending].map((signal) => follow(signal, run))
  const keeping = held.keepUntil(done.signal, lost, options)
  const settled = await settle(() => fn(run.signal))
  done.abort()
  await keeping
  for (const stop of unfollow) stop()
  return { settled, lost: lost.signal }
}

/**
 * Runs the callback while the lease is held, extends it meanwhile and gives it back. Rejects with `LeaseLost` when
 * it was lost, unless the callback threw: that error goes first.
 */
export async function runHeld<H extends HeldLease, R>(
  held: H,
  options: KeepOptions,
  ending: readonly (AbortSignal | undefined)[],
  fn: (run: { signal: AbortSignal; lease: H }) => Promise<R> | R,
): Promise<R> {
  const { settled, lost } = await whileHeld(held, options, ending, (signal) => fn({ signal, lease: held }))
  const released = await settle(() => held.release())
  // The callback's own error must not be hidden by what became of the lease.
  if ('error' in settled) throw settled.error
  if (lost.aborted) throw lost.reason
  if ('error' in released) throw released.error
  return settled.result
}

async function settle<R>(call: () => Promise<R> | R): Promise<Settled<R>> {
  try {
    return { result: await call() }
  } catch (error) {
    return { error }
  }
}

/** `AbortSignal.any` keeps what it follows for ever where that outlives it; this lets go. */
export function follow(signal: AbortSignal | undefined, run: AbortController): () => void {
  if (!signal) return () => {}
  const abort = () => run.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
