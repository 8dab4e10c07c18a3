import { absent, allOf, anyOf, type Condition } from '../conditions.ts'
import { BackendError, InvalidInput, LeaseLost, Throttled } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds, suggestion } from '../model/checks.ts'
import { certainUpdate, uniqueId, withdraw } from './certain-update.ts'
import { coordinationKey, mustBeOurs, nameOf } from './coordination-key.ts'
import {
  checkKeep,
  type ExtendOptions,
  type FencedLease,
  follow,
  HeldLease,
  keepOptionNames,
  runHeld,
} from './held-lease.ts'
import { Lease, momentOf } from './lease.ts'
import { Line } from './line.ts'
import { type Liveness, type ProcessStatus, processStatus } from './liveness.ts'
import { clearMutex, MutexHold } from './mutex-hold.ts'
import {
  type AcquireResult,
  checkHeartbeat,
  checkLabel,
  checkTolerance,
  type MutexOptions,
  type MutexRow,
  type MutexRun,
  type MutexState,
  mutexOptionNames,
  NotAcquired,
  type RunOptions,
} from './mutex-row.ts'
import { mutexFromText, mutexToText } from './serialized-mutex.ts'
import { remainingAsSeen } from './sightings.ts'
import { checkWait, type WaitOptions, waitFor } from './wait-for.ts'

const never = Number.POSITIVE_INFINITY
/** Tries of one `tryAcquire`: each but the first cleared away what stood in the way, or repeats a lost request. */
const mostTurns = 30
const mostLost = 3

/**
 * A mutex with fencing tokens on one row. Acquire, extend and release are one request and 1 WRU each (the very first
 * acquisition of a key: two); waiting reads (1 RRU a look) and writes only when it is worth it.
 *
 * A lease is a promise about time, and a process can be frozen past it: pass `fencingToken` to what you write
 * (`fencedWrite`), then a late write is refused whatever the clocks did.
 */
export class Mutex {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #ttlMs: number
  readonly #observed: boolean
  readonly #toleranceMs: number
  readonly #liveness: Liveness | undefined
  readonly #heartbeatMs: number
  readonly #label: string | undefined
  readonly #line: Line | undefined
  #held: { lease: FencedLease; row: MutexHold } | undefined
  /** Attempts that were given up: what they get after all is cleared away. */
  readonly #abandoned = new Set<string>()
  /** In `observed` mode: a beat that was seen for a whole lease. */
  #overdueBeat: string | undefined

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: MutexOptions) {
    this.#db = db
    this.key = coordinationKey(key)
    if (options?.ttlMs === undefined)
      throw new InvalidInput('ttlMs', 'is required: milliseconds, or null for no time to live')
    checkOptions(options, mutexOptionNames)
    this.#ttlMs = options.ttlMs === null ? never : milliseconds(options.ttlMs, 'ttlMs')
    const { lease = 'wall' } = options
    if (lease !== 'wall' && lease !== 'observed')
      throw new InvalidInput('lease', suggestion(String(lease), ['wall', 'observed']))
    this.#observed = lease === 'observed'
    if (this.#observed && this.#ttlMs === never)
      throw new InvalidInput('ttlMs', "must be given with lease 'observed'")
    this.#toleranceMs = checkTolerance(options.clockToleranceMs)
    this.#liveness = options.liveness
    this.#heartbeatMs = checkHeartbeat(options.heartbeatMs, this.#ttlMs)
    this.#label = checkLabel(options.label)
    const { ticketMs = 10_000 } = typeof options.fair === 'object' ? options.fair : {}
    milliseconds(ticketMs, 'fair.ticketMs')
    this.#line = options.fair ? new Line(db, this.key, ticketMs, this.#toleranceMs) : undefined
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

  /** One try. Not free: who has it, and for how long. 1 WRU; more where a crashed holder is cleared away. */
  async tryAcquire(options: CallOptions = {}): Promise<AcquireResult> {
    checkOptions(options, ['signal', 'timeoutMs'])
    return this.#tryAcquire({ signal: options.signal })
  }

  async #tryAcquire(options: CallOptions): Promise<AcquireResult> {
    this.#liveness?.draining.throwIfAborted()
    if (this.isHeld) {
      const state = await this.peek(options)
      // Held by this very object: another try must not touch what it holds.
      if (state.owner === this.#held?.lease.id && this.isHeld) return { acquired: false, ...state }
      this.#held = undefined
    }
    for (let turn = 0, lost = 0; turn < mostTurns && lost < mostLost; turn++) {
      const taken = await this.#take(options)
      if (taken.doubt) lost++
      if (taken.lease) return { acquired: true, fencingToken: taken.lease.fencingToken, lease: taken.lease }
      if (!(await this.#clearWay(taken.item?.data, options)))
        return { acquired: false, ...this.#state(taken.item?.data) }
    }
    throw new BackendError(`the requests to acquire ${nameOf(this.key)} were lost`, { keys: [this.key] })
  }

  async #take(
    options: CallOptions,
  ): Promise<{ lease?: FencedLease; item?: AtomicDbItem<MutexRow>; doubt?: true }> {
    options.signal?.throwIfAborted()
    const { runtime } = this.#db
    const owner = uniqueId(runtime)
    const sent = momentOf(runtime)
    const until = this.#ttlMs === never ? null : Math.ceil(sent.wall + this.#ttlMs)
    const set = {
      owner,
      until,
      beat: owner,
      leaseMs: this.#ttlMs === never ? null : Math.ceil(this.#ttlMs),
      process: this.#liveness ? this.#liveness.key : null,
      since: sent.wall,
      label: this.#label ?? null,
    }
    const free = this.#takeable(sent.wall)
    let mayArrive = true
    try {
      const { applied, doubt, item } = await certainUpdate<MutexRow>(
        this.#db,
        this.key,
        { add: { token: 1 }, set, ...this.#line?.leaving },
        { signal: options.signal, if: this.#line ? allOf(free, this.#line.turn) : free },
        (found) => found?.data.owner === owner,
      )
      mayArrive = doubt === true
      if (!applied) {
        mustBeOurs(item, 'token', 'line')
        return { item, doubt }
      }
      this.#line?.done()
      const token = item!.data.token
      const row = this.#hold({ ...this.key, owner, token, beat: owner, until })
      const lease = new HeldLease(row, new Lease(runtime, this.#ttlMs, sent)) as FencedLease
      this.#held = { lease, row }
      return { lease, item }
    } catch (error) {
      if (error instanceof InvalidInput || error instanceof Throttled) mayArrive = false
      throw error
    } finally {
      if (mayArrive) this.#abandon(owner)
    }
  }

  #hold(taken: ConstructorParameters<typeof MutexHold>[1]): MutexHold {
    return new MutexHold(this.#db, taken, {
      ttlMs: this.#ttlMs,
      heartbeatMs: this.#heartbeatMs,
      observed: this.#observed,
      liveness: this.#liveness,
    })
  }

  /** Nobody waits for this attempt any more: if it still arrives, it is cleared away. */
  #abandon(owner: string): void {
    this.#abandoned.add(owner)
    void withdraw<MutexRow>(
      this.#db,
      this.key,
      this.#ttlMs,
      (item) => item?.data.owner === owner,
      () => clearMutex(this.#db, this.key, owner, {}),
    ).then(() => this.#abandoned.delete(owner))
  }

  /** When the row may be taken. */
  #takeable(now: number): Condition {
    const free = anyOf(absent, { owner: null })
    if (!this.#observed) return anyOf(free, { until: { lt: now - this.#toleranceMs, type: 'number' } })
    return this.#overdueBeat === undefined ? free : anyOf(free, { beat: this.#overdueBeat })
  }

  /** How long until the row may be taken, ms; below 0: it may. */
  #remaining(row: MutexRow): number {
    if (this.#observed) return remainingAsSeen(this.#db.runtime, this.key, row)
    return row.until === null ? never : row.until + this.#toleranceMs - this.#db.runtime.now()
  }

  /** Takes out of the way what nobody alive holds. True: another try is worth it. */
  async #clearWay(row: MutexRow | undefined, options: CallOptions): Promise<boolean> {
    if (!(await this.#isFree(row, options))) return false
    if (!this.#line || this.#line.isOurTurn(row)) return true
    // Only crashed ones stand before us: once more without them.
    return this.#line.sweep(row, options)
  }

  async #isFree(row: MutexRow | undefined, options: CallOptions): Promise<boolean> {
    this.#overdueBeat = undefined
    if (!row?.owner) return true
    if (this.#remaining(row) < 0) {
      if (this.#observed) this.#overdueBeat = row.beat
      return true
    }
    if (!this.#abandoned.has(row.owner) && !(await this.#isOwnerDead(row, options))) return false
    await clearMutex(this.#db, this.key, row.owner, options)
    return true
  }

  async #isOwnerDead({ process }: MutexRow, options: CallOptions): Promise<boolean> {
    if (!process) return false
    return (await processStatus(this.#db, process, this.#toleranceMs, options)) === 'dead'
  }

  #state(row: MutexRow | undefined): MutexState {
    const fencingToken = row?.token ?? 0
    if (!row?.owner) return { locked: false, fencingToken }
    const remainingMs = Math.max(0, this.#remaining(row))
    return {
      locked: this.#remaining(row) >= 0,
      owner: row.owner,
      ...(row.label ? { label: row.label } : {}),
      ...(row.since === undefined ? {} : { heldSince: row.since }),
      ...(remainingMs === never ? {} : { remainingMs }),
      fencingToken,
    }
  }

  /** Who holds it, without taking it. 1 RRU; one more where its owner's process tells whether it is alive. */
  async peek(options: CallOptions = {}): Promise<MutexState> {
    checkOptions(options, ['signal', 'timeoutMs'])
    const row = await this.#read(options)
    const state = this.#state(row)
    if (!state.locked || !row || !(await this.#isOwnerDead(row, options))) return state
    return { ...state, locked: false, remainingMs: 0 }
  }

  async #read({ signal }: CallOptions): Promise<MutexRow | undefined> {
    return (await this.#db.get<MutexRow>(this.key, { signal, consistent: true }))?.data
  }

  /** False: whoever comes now gets it, unless somebody else is faster. */
  async isLocked(options?: CallOptions): Promise<boolean> {
    return (await this.peek(options)).locked
  }

  /** What is known of the owner: `free`, `ours`, or the state of the process that holds it (with liveness). */
  async ownerStatus(): Promise<'free' | 'ours' | 'held' | ProcessStatus> {
    const row = await this.#read({})
    if (!row?.owner || !this.#state(row).locked) return 'free'
    if (row.owner === this.#held?.lease.id) return 'ours'
    return row.process ? processStatus(this.#db, row.process, this.#toleranceMs) : 'held'
  }

  /**
   * Waits until it is ours. Survives trouble of the backend while it waits. `NotAcquired` when the time is up,
   * `ProcessDraining` when the process takes no new work (with `liveness`).
   */
  async acquire(options: WaitOptions = {}): Promise<FencedLease> {
    checkWait(options)
    return this.#acquire(options)
  }

  async #acquire(options: WaitOptions): Promise<FencedLease> {
    const ending = new AbortController()
    const unfollow = [options.signal, this.#liveness?.draining].map((signal) => follow(signal, ending))
    const call = { signal: ending.signal }
    try {
      const answer = await waitFor<AcquireResult>(
        this.#db,
        { ...options, ...call },
        {
          attempt: () => this.#tryOrDraw(options.timeoutMs !== 0, call),
          succeeded: ({ acquired }) => acquired,
          probe: () => this.#worthATry(call),
          slowestMs: () => this.#line?.slowestMs ?? 250,
          isNear: () => this.#line?.movedUp() ?? false,
        },
      )
      if (answer.acquired) return answer.lease
      const { acquired: _, ...state } = answer
      throw this.#notAcquired(state)
    } catch (error) {
      await this.#line?.leave()
      throw error
    } finally {
      for (const stop of unfollow) stop()
    }
  }

  #notAcquired(state: MutexState): NotAcquired {
    const { owner, label, remainingMs } = state
    const who = label === undefined ? owner : `${label} (${owner})`
    const until =
      remainingMs === undefined ? 'until it is released' : `for another ${Math.ceil(remainingMs)} ms`
    return new NotAcquired(`${nameOf(this.key)} is held by ${who} ${until}`, this.key, state)
  }

  /** A try; a fair one that fails draws a ticket, once. */
  async #tryOrDraw(waits: boolean, options: CallOptions): Promise<AcquireResult> {
    const answer = await this.#tryAcquire(options)
    if (!answer.acquired && waits && this.#line?.waits === false) await this.#line.enter(options)
    return answer
  }

  /** A look at the row: free, lapsed, or its owner is gone; and our turn. */
  async #worthATry(options: CallOptions): Promise<boolean> {
    const row = await this.#read(options)
    const free = await this.#isFree(row, options)
    if (!this.#line) return free
    await this.#line.keep(row, options)
    // What is seen here is taken at the next look.
    if (await this.#line.sweep(row, options)) return false
    return free && this.#line.isOurTurn(row)
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
      if (error instanceof LeaseLost && this.#held === held) this.#held = undefined
      throw error
    }
  }

  /** Gives it back. `LeaseLost` when it was not ours any more; then nothing is changed. */
  async release(options: CallOptions = {}): Promise<void> {
    const held = this.#mustHold()
    try {
      await held.lease.release(options)
      this.#held = undefined
    } catch (error) {
      if (error instanceof LeaseLost) this.#held = undefined
      throw error
    }
  }

  /** Frees it whoever holds it at this moment. Its holder finds out at its next extension, and by its fencing token. */
  async forceRelease(options: CallOptions = {}): Promise<void> {
    checkOptions(options, ['signal', 'timeoutMs'])
    const { signal } = options
    const row = await this.#read({ signal })
    if (row?.owner) await clearMutex(this.#db, this.key, row.owner, { signal })
    if (this.#held?.lease.id === row?.owner) this.#held = undefined
  }

  /**
   * Runs the callback while holding the mutex, and extends it meanwhile (see `heartbeatMs`; one failure does not
   * end it). `LeaseLost` when it was lost, unless the callback threw: that error goes first.
   */
  async run<R>(fn: (run: MutexRun) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    checkWait(options, keepOptionNames)
    checkKeep(options)
    const { signal, timeoutMs, pollMs } = options
    const lease = await this.#acquire({ signal, timeoutMs, pollMs })
    const ending = [signal, this.#liveness?.signal, this.#liveness?.draining]
    try {
      return await runHeld(lease, options, ending, (run) => fn({ ...run, fencingToken: lease.fencingToken }))
    } finally {
      if (this.#held?.lease === lease) this.#held = undefined
    }
  }

  /** Text with which another process can go on holding it: `Mutex.restore`. */
  serialize(): string {
    return mutexToText(this.#mustHold().row.serialized())
  }

  /**
   * Goes on with what another process held; the row is not touched. With lease `observed` it counts as held from
   * the first `extend` on, because the clocks of two processes are not compared.
   */
  static restore(db: AtomicDbInterface, text: string, options: MutexOptions): Mutex {
    const taken = mutexFromText(text)
    const mutex = new Mutex(db, taken, options)
    const row = mutex.#hold(taken)
    const left = taken.until === null ? never : taken.until - db.runtime.now()
    const lease = new HeldLease(row, mutex.#observed ? undefined : new Lease(db.runtime, left))
    mutex.#held = { lease: lease as FencedLease, row }
    return mutex
  }

  #mustHold(): { lease: FencedLease; row: MutexHold } {
    if (this.#held) return this.#held
    throw new LeaseLost(`${nameOf(this.key)}: not held by this object`, { keys: [this.key] })
  }

  /** `await using`: releases what is held. That it was lost is not an error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held?.lease[Symbol.asyncDispose]()
    this.#held = undefined
  }
}
