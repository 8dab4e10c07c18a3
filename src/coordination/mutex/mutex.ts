import { LeaseLost } from '../../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../../interface.ts'
import { checkDb, checkOptions } from '../../model/checks.ts'
import { checkedCall } from '../call-time.ts'
import { coordinationKey, nameOf } from '../coordination-key.ts'
import { HeldLease } from '../held-lease.ts'
import { type ExtendOptions, type Lease, LeaseClock } from '../lease.ts'
import { type LeaseRun, type RunOptions, runWithLease } from '../run-with-lease.ts'
import { checkWait, type WaitOptions } from '../wait-for.ts'
import { Contender, type Held } from './contender.ts'
import { clearMutex } from './mutex-hold.ts'
import { type MutexOptions, type MutexSettings, mutexSettings } from './mutex-options.ts'
import type { MutexState } from './mutex-row.ts'
import { mutexFromText, mutexToText } from './serialized-mutex.ts'

/**
 * A mutex with fencing tokens on one row. Acquire, extend and release are one request and 1 WRU each (the very first
 * acquisition of a key: two); waiting reads (1 RRU a look) and writes only when it is worth it.
 *
 * A lease is a promise about time, and a process can be frozen past it: pass `fencingToken` to what you write
 * (`fencedWrite`), then a late write is refused whatever the clocks did.
 */
export class Mutex {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbItemsInterface
  readonly #settings: MutexSettings
  readonly #contender: Contender
  /** What was held last was given back by `release`. */
  #isReleased = false

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, options: MutexOptions) {
    checkDb(db)
    this.#db = db
    this.key = coordinationKey(key)
    this.#settings = mutexSettings(options)
    this.#contender = new Contender(db, this.key, this.#settings)
  }

  get #held(): Held | undefined {
    return this.#contender.held
  }

  #forget(): void {
    this.#contender.held = undefined
  }

  /** The token of what this object holds. */
  get fencingToken(): number | undefined {
    return this.#held?.lease.fencingToken
  }

  /** Whether this object holds the mutex as far as it can know by itself. */
  get isHeld(): boolean {
    return this.#held?.lease.isHeld ?? false
  }

  /** How long this object holds it without extending, ms; 0: it does not. */
  get leftMs(): number {
    return this.#held?.lease.leftMs ?? 0
  }

  /**
   * One try; `undefined` when it is not free (`peek` says who has it). 1 request, 1 WRU; more where a crashed holder is
   * cleared away.
   */
  async tryAcquire(options: CallOptions = {}): Promise<Lease<number> | undefined> {
    const { held } = await this.#contender.tryOnce(checkedCall(this.#db, options))
    if (held) this.#isReleased = false
    return held?.lease
  }

  /**
   * Waits until it is ours. Survives trouble of the backend while it waits.
   * @throws NotAcquired when the time is up; its `state` says who has it
   * @throws ProcessDraining when the process takes no new work (with `liveness`)
   */
  async acquire(options: WaitOptions = {}): Promise<Lease<number>> {
    checkWait(options)
    return this.#acquire(options)
  }

  async #acquire(options: WaitOptions): Promise<HeldLease<number>> {
    const lease = await this.#contender.acquire(options)
    this.#isReleased = false
    return lease
  }

  /**
   * Runs the callback while holding the mutex, and extends it meanwhile (see `heartbeatMs`; one failure does not
   * end it). `LeaseLost` when it was lost, unless the callback threw: that error takes precedence.
   */
  async run<R>(fn: (run: LeaseRun<number>) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    const { liveness } = this.#settings
    const ending = [liveness?.signal, liveness?.draining]
    let lease: HeldLease<number> | undefined
    const acquire = async (wait: WaitOptions) => {
      lease = await this.#acquire(wait)
      return lease
    }
    try {
      return await runWithLease(acquire, fn, options, ending)
    } finally {
      if (lease && this.#held?.lease === lease) this.#forget()
    }
  }

  /** Who holds it, without taking it. 1 RRU; one more where its owner's process tells whether it is alive. */
  async peek(options: CallOptions = {}): Promise<MutexState> {
    return this.#contender.vacancy.peek(checkedCall(this.#db, options))
  }

  /** False: whoever comes now gets it, unless somebody else is faster. */
  async isLocked(options?: CallOptions): Promise<boolean> {
    return (await this.peek(options)).locked
  }

  /** What is known of the owner: `free`, `ours`, `held`, or the state of the process that holds it (with liveness). */
  async ownerStatus(): Promise<'free' | 'ours' | 'held' | 'running' | 'draining' | 'dead'> {
    const { vacancy } = this.#contender
    const row = await vacancy.read({})
    if (!row?.owner || !vacancy.stateOf(row).locked) return 'free'
    if (row.owner === this.#held?.lease.id) return 'ours'
    return (await vacancy.processOf(row)) ?? 'held'
  }

  /**
   * Holds it for another time to live from now. `LeaseLost` when it is no longer ours. After any other error it is
   * held as long as before.
   */
  async extend(options: ExtendOptions = {}): Promise<void> {
    const held = this.#mustHold()
    try {
      await held.lease.extend(options)
    } catch (error) {
      if (error instanceof LeaseLost && this.#held === held) this.#forget()
      throw error
    }
  }

  /**
   * Gives it back. A second call changes nothing.
   * @throws LeaseLost when it was not ours any more, or never was; then nothing is changed.
   */
  async release(options: CallOptions = {}): Promise<void> {
    checkOptions(options, ['signal', 'timeoutMs'])
    if (!this.#held && this.#isReleased) return
    const held = this.#mustHold()
    try {
      await held.lease.release(options)
      if (this.#held !== held) return
      this.#forget()
      this.#isReleased = true
    } catch (error) {
      if (error instanceof LeaseLost && this.#held === held) this.#forget()
      throw error
    }
  }

  /** Frees it whoever holds it at this moment. Its holder finds out at its next extension, and by its fencing token. */
  async forceRelease(options: CallOptions = {}): Promise<void> {
    const call = checkedCall(this.#db, options)
    const row = await this.#contender.vacancy.read(call)
    if (row?.owner) await clearMutex(this.#db, this.key, row.owner, call)
    if (this.#held?.lease.id === row?.owner) this.#forget()
  }

  /** Text with which another process can go on holding it: `Mutex.restore`. */
  serialize(): string {
    return mutexToText(this.#mustHold().row.serialized())
  }

  /**
   * Goes on with what another process held; the row is not touched. With lease `observed` it counts as held from
   * the first `extend` on, because the clocks of two processes are not compared.
   */
  static restore(db: AtomicDbItemsInterface, text: string, options: MutexOptions): Mutex {
    checkDb(db)
    const taken = mutexFromText(text)
    const mutex = new Mutex(db, taken, options)
    const row = mutex.#contender.hold(taken)
    const left = taken.until === null ? Number.POSITIVE_INFINITY : taken.until - db.runtime.now()
    const clock = mutex.#settings.observed ? undefined : new LeaseClock(db.runtime, left)
    mutex.#contender.held = { lease: new HeldLease<number>(row, clock), row }
    return mutex
  }

  #mustHold(): Held {
    if (this.#held) return this.#held
    throw new LeaseLost(`${nameOf(this.key)}: not held by this object`, { keys: [this.key] })
  }

  /** `await using`: releases what is held. That it was lost is not an error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held?.lease[Symbol.asyncDispose]()
    this.#forget()
  }
}
