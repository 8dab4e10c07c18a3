import { absent, allOf, anyOf, type Condition } from '../conditions.ts'
import { BackendError, InvalidInput, LeaseLost } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemKey,
  CallOptions,
  UpdateResult,
} from '../interface.ts'
import {
  certainUpdate,
  checkMs,
  coordinationKey,
  mustBeOurs,
  uniqueId,
  type WaitOptions,
  waitFor,
} from './common.ts'
import { type Held, heldFromText, heldToText } from './held.ts'
import { keep } from './lease-keeper.ts'
import { Line } from './line.ts'
import { type Liveness, type ProcessStatus, processStatus } from './liveness.ts'
import {
  type AcquireResult,
  checkHeartbeat,
  type MutexOptions,
  type MutexRow,
  type MutexRun,
  type MutexState,
  NotAcquired,
  type RunOptions,
} from './mutex-row.ts'

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
  readonly #ttlMs: number | null
  readonly #observed: boolean
  readonly #toleranceMs: number
  readonly #liveness: Liveness | undefined
  readonly #heartbeatMs: number
  readonly #line: Line | undefined
  #held: Held | undefined
  // Attempts of unknown outcome, and when they were sent, monotonic: their requests may arrive late.
  readonly #doubted = new Map<string, number>()
  // In `observed` mode: the beat last seen, and since when by our own clock.
  #seen: { beat: string; since: number } | undefined

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: MutexOptions) {
    this.#db = db
    this.key = coordinationKey(key)
    if (options?.ttlMs === undefined)
      throw new InvalidInput('ttlMs', 'is required: milliseconds, or null for no time to live')
    this.#ttlMs = options.ttlMs === null ? null : checkMs(options.ttlMs, 'ttlMs')
    this.#observed = options.lease === 'observed'
    if (this.#observed && this.#ttlMs === null)
      throw new InvalidInput('ttlMs', "must be given with lease 'observed'")
    const tolerance = options.clockToleranceMs ?? 1000
    if (!(tolerance >= 0))
      throw new InvalidInput('clockToleranceMs', 'must be 0 or more', { given: String(tolerance) })
    this.#toleranceMs = tolerance
    this.#liveness = options.liveness
    this.#heartbeatMs = checkHeartbeat(options.heartbeatMs, this.#ttlMs)
    const { ticketMs = 10_000 } = typeof options.fair === 'object' ? options.fair : {}
    checkMs(ticketMs, 'fair.ticketMs')
    this.#line = options.fair ? new Line(db, this.key, ticketMs, tolerance) : undefined
  }

  /** The token of what this object holds. */
  get fencingToken(): number | undefined {
    return this.#held?.token
  }

  /** Whether this object holds the mutex as far as it can know by itself. */
  get isHeld(): boolean {
    return (
      this.#held !== undefined &&
      this.#db.runtime.monotonic() < this.#held.deadline &&
      this.#liveness?.signal.aborted !== true
    )
  }

  /** One try. Not free: who has it, and for how long. */
  async tryAcquire(options: CallOptions = {}): Promise<AcquireResult> {
    if (this.#held) {
      const state = await this.peek(options)
      // Held by this very object: another try must not touch what it holds.
      if (state.owner === this.#held.owner && this.isHeld) return { acquired: false, ...state }
      this.#held = undefined
    }
    for (;;) {
      const result = await this.#take(options)
      if (result.applied) return { acquired: true, fencingToken: result.item!.data.token }
      // Only crashed ones stand in the way: once more without them.
      if (!this.#line || !(await this.#line.sweep(result.item?.data, options)))
        return { acquired: false, ...this.#state(result.item) }
    }
  }

  async #take(options: CallOptions): Promise<UpdateResult<MutexRow>> {
    const { runtime } = this.#db
    const owner = uniqueId(runtime)
    const sent = runtime.monotonic()
    const free = this.#takeable()
    // Forgotten once the outcome is certain.
    this.#doubted.set(owner, sent)
    const result = await certainUpdate<MutexRow>(
      this.#db,
      this.key,
      { ...this.#taking(owner), ...this.#line?.leaving },
      { ...options, if: this.#line ? allOf(free, this.#line.turn) : free },
      (item) => item?.data.owner === owner,
    )
    if (result.applied || !result.doubt) this.#doubted.delete(owner)
    const row = result.item?.data
    if (!result.applied) mustBeOurs(result.item, 'token')
    if (result.applied) this.#hold(owner, row!.token, sent)
    // A request of ours that was given up has arrived after all.
    else if (row?.owner && this.#doubted.has(row.owner)) {
      this.#hold(row.owner, row.token, this.#doubted.get(row.owner)!)
      if (this.isHeld) return { applied: true, item: result.item! }
      this.#held = undefined
    } else this.#observe(result.item)
    return result
  }

  #hold(owner: string, token: number, sent: number): void {
    this.#doubted.clear()
    this.#line?.done()
    this.#held = { owner, token, deadline: this.#deadline(sent) }
  }

  #taking(owner: string) {
    const until = this.#ttlMs === null ? null : this.#db.runtime.now() + this.#ttlMs
    return {
      add: { token: 1 },
      set: {
        owner,
        until,
        beat: owner,
        leaseMs: this.#ttlMs,
        process: this.#liveness ? this.#liveness.key : null,
      },
    }
  }

  #deadline(sent: number): number {
    return this.#ttlMs === null ? Number.POSITIVE_INFINITY : sent + this.#ttlMs
  }

  /** When the row may be taken. */
  #takeable(): Condition {
    const free = anyOf(absent, { owner: null })
    if (this.#observed) {
      const seen = this.#seen
      const over = seen && this.#db.runtime.monotonic() - seen.since > this.#ttlMs!
      return over ? anyOf(free, { beat: seen.beat }) : free
    }
    return anyOf(free, { until: { lt: this.#db.runtime.now() - this.#toleranceMs, type: 'number' } })
  }

  #observe(item: AtomicDbItem<MutexRow> | undefined): void {
    const beat = item?.data.owner ? item.data.beat : undefined
    if (beat === undefined) this.#seen = undefined
    else if (this.#seen?.beat !== beat) this.#seen = { beat, since: this.#db.runtime.monotonic() }
  }

  #state(item: AtomicDbItem<MutexRow> | undefined): MutexState {
    const row = item?.data
    const fencingToken = row?.token ?? 0
    if (!row?.owner) return { locked: false, fencingToken }
    const remainingMs = row.until === null ? undefined : Math.max(0, row.until - this.#db.runtime.now())
    const locked = this.#observed || remainingMs === undefined || remainingMs > 0
    return { locked, owner: row.owner, ...(remainingMs === undefined ? {} : { remainingMs }), fencingToken }
  }

  /** Who holds it, without taking it. 1 RRU. */
  async peek(options: CallOptions = {}): Promise<MutexState> {
    return this.#state(await this.#db.get<MutexRow>(this.key, { ...options, consistent: true }))
  }

  async isLocked(options?: CallOptions): Promise<boolean> {
    return (await this.peek(options)).locked
  }

  /** What is known of the owner: `free`, `ours`, or the state of the process that holds it (with liveness). */
  async ownerStatus(): Promise<'free' | 'ours' | 'held' | ProcessStatus> {
    const item = await this.#db.get<MutexRow>(this.key, { consistent: true })
    if (!item?.data.owner || !this.#state(item).locked) return 'free'
    if (item.data.owner === this.#held?.owner) return 'ours'
    return item.data.process ? processStatus(this.#db, item.data.process, this.#toleranceMs) : 'held'
  }

  /** Waits until it is ours; returns the fencing token. `NotAcquired` when the time is up. */
  async acquire(options: WaitOptions = {}): Promise<number> {
    try {
      return await this.#acquire(options)
    } catch (error) {
      await this.#line?.leave()
      throw error
    }
  }

  async #acquire(options: WaitOptions): Promise<number> {
    const result = await waitFor(
      this.#db,
      options,
      () => this.#tryOrDraw(options),
      (answer) => answer.acquired,
      () => this.#worthATry({ signal: options.signal }),
      () => this.#line?.movedUp() ?? false,
    )
    if (result.acquired) return result.fencingToken
    const remaining =
      result.remainingMs === undefined
        ? 'until it is released'
        : `for another ${Math.ceil(result.remainingMs)} ms`
    throw new NotAcquired(
      `${this.key.pk}/${this.key.sk} is held by ${result.owner} ${remaining}`,
      this.key,
      result,
    )
  }

  /** A try; a fair one that fails draws a ticket, once. */
  async #tryOrDraw(options: WaitOptions): Promise<AcquireResult> {
    const answer = await this.tryAcquire({ signal: options.signal })
    if (!answer.acquired && options.timeoutMs !== 0 && this.#line?.waits === false)
      await this.#line.enter({ signal: options.signal })
    return answer
  }

  /** A look at the row: free, lapsed, or its owner's process is dead; and our turn. */
  async #worthATry(options: CallOptions): Promise<boolean> {
    const item = await this.#db.get<MutexRow>(this.key, { consistent: true, ...options })
    this.#observe(item)
    const free = await this.#looksFree(item?.data, options)
    if (!this.#line) return free
    await this.#line.keep(item?.data, options)
    // What is seen here is taken at the next look.
    if (await this.#line.sweep(item?.data, options)) return false
    return free && this.#line.isOurTurn(item?.data)
  }

  async #looksFree(row: MutexRow | undefined, options: CallOptions): Promise<boolean> {
    if (!row?.owner || this.#doubted.has(row.owner)) return true
    if (row.process && (await processStatus(this.#db, row.process, this.#toleranceMs)) === 'dead') {
      await this.#clear(row.owner, options)
      return true
    }
    if (this.#observed) return this.#db.runtime.monotonic() - this.#seen!.since > this.#ttlMs!
    return row.until !== null && row.until < this.#db.runtime.now() - this.#toleranceMs
  }

  /** Frees it if this attempt still has it. */
  async #clear(owner: string, options: CallOptions): Promise<boolean> {
    for (let turn = 0; ; turn++) {
      const result = await certainUpdate<MutexRow>(
        this.#db,
        this.key,
        { set: { owner: null, until: null } },
        { ...options, if: { owner } },
        (item) => item?.data.owner !== owner,
      )
      // The request was lost, and the row is still ours: once more, or it would stay held until its lease is over.
      if (result.applied || result.item?.data.owner !== owner || turn >= 10) return result.applied
    }
  }

  #lost(why: string): LeaseLost {
    return new LeaseLost(`${this.key.pk}/${this.key.sk}: ${why}`, { keys: [this.key] })
  }

  /**
   * Holds it for another time to live from now. `LeaseLost` when it is no longer ours; `BackendError` when the
   * requests kept being lost: it is held as long as before.
   */
  async extend(options: CallOptions = {}): Promise<void> {
    const held = this.#held
    if (!held) throw this.#lost('not held by this object')
    for (let turn = 0; turn < 5; turn++) {
      if (!this.isHeld) throw this.#lost('the lease is over: acquire it again')
      const { runtime } = this.#db
      const beat = uniqueId(runtime)
      const sent = runtime.monotonic()
      const until = this.#ttlMs === null ? null : runtime.now() + this.#ttlMs
      const result = await certainUpdate<MutexRow>(
        this.#db,
        this.key,
        { set: { until, beat } },
        { ...options, if: { owner: held.owner } },
        (item) => item?.data.beat === beat,
      )
      if (result.applied) {
        held.deadline = this.#deadline(sent)
        return
      }
      if (result.item?.data.owner !== held.owner) {
        if (this.#held === held) this.#held = undefined
        const owner = result.item?.data.owner
        throw this.#lost(owner ? `taken over by ${owner}` : 'released by force')
      }
      // The request was lost, and the row is still ours as it was: once more.
    }
    throw new BackendError('the requests to extend the mutex were lost', { keys: [this.key] })
  }

  /** Gives it back. `LeaseLost` when it was not ours any more; then nothing is changed. */
  async release(options: CallOptions = {}): Promise<void> {
    const held = this.#held
    if (!held) throw this.#lost('not held by this object')
    const released = await this.#clear(held.owner, options)
    this.#held = undefined
    if (!released) throw this.#lost('it was lost before it was released')
  }

  /** Frees it whoever holds it. Its holder finds out at its next extension, and by its fencing token. */
  async forceRelease(options: CallOptions = {}): Promise<void> {
    await this.#db.update(
      this.key,
      { set: { owner: null, until: null } },
      { ...options, if: { token: { exists: true } } },
    )
    this.#held = undefined
  }

  /**
   * Runs the callback while holding the mutex, and extends it meanwhile (see `heartbeatMs`; one failure does not
   * end it). `LeaseLost` when it was lost, unless the callback threw: that error goes first.
   */
  async run<R>(fn: (run: MutexRun) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    const fencingToken = await this.acquire(options)
    const lost = new AbortController()
    const done = new AbortController()
    const signals = [lost.signal, options.signal, this.#liveness?.signal].filter(
      (signal) => signal !== undefined,
    )
    const held = this.#held!
    const { runtime } = this.#db
    const keeping =
      this.#ttlMs === null
        ? undefined
        : keep({
            runtime,
            lease: {
              get leftMs() {
                return held.deadline - runtime.monotonic()
              },
            },
            everyMs: (options.extend ?? true) ? this.#heartbeatMs : Number.POSITIVE_INFINITY,
            extend: () => this.extend(),
            isLost: (error) => error instanceof LeaseLost,
            overdue: () => this.#lost('the lease ran out before it could be extended'),
            lost,
            done: done.signal,
          })
    let result: R
    try {
      result = await fn({ signal: AbortSignal.any(signals), fencingToken })
    } catch (error) {
      done.abort()
      await keeping
      // The callback's own error must not be hidden by what became of the lock.
      if (this.#held) await this.release().catch(() => {})
      throw error
    }
    done.abort()
    await keeping
    if (lost.signal.aborted) {
      if (this.#held) await this.release().catch(() => {})
      throw lost.signal.reason
    }
    await this.release()
    return result
  }

  /** Text with which another process can go on holding it: `Mutex.restore`. */
  serialize(): string {
    if (!this.#held) throw this.#lost('not held by this object')
    return heldToText(this.key, this.#held, this.#db.runtime)
  }

  /** Goes on with what another process held; the row is not touched. Use `extend` to learn whether it is still ours. */
  static restore(db: AtomicDbInterface, text: string, options: MutexOptions): Mutex {
    const { key, held } = heldFromText(text, db.runtime)
    const mutex = new Mutex(db, key, options)
    mutex.#held = held
    return mutex
  }

  /** `await using`: releases what is held; that it was lost is no error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#held) return
    await this.release().catch((error) => {
      if (!(error instanceof LeaseLost)) throw error
    })
  }
}
