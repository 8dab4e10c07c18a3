import type { Changes } from '../contract/changes.ts'
import { absent, allOf, anyOf, type Condition } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkDb, checkOptions, milliseconds } from '../model/checks.ts'
import { endingOf } from '../model/time-left.ts'
import { checkedCall, during, tidying } from './call-time.ts'
import { uniqueId } from './certain-update.ts'
import { coordinationKey, nameOf } from './coordination-key.ts'
import type { HeldLease } from './held-lease.ts'
import { atOnce, claimOfPlace, type Holders, lapsed, type Place } from './holders.ts'
import { checkTolerance, type Fence, type Lease } from './lease.ts'
import { claimLease } from './lease-claim.ts'
import { type LeaseRun, type RunOptions, runWithLease } from './run-with-lease.ts'
import { checkWait, NotAcquired, type WaitOptions, waitFor } from './wait-for.ts'

interface Holder {
  id: string
  /** Epoch ms by its clock. */
  until: number
}

interface LockRow {
  /** Grows with every writer. */
  token?: number
  writer?: Holder
  readers?: Holders
  /** A writer that waits: no new readers until then, or writers would starve. */
  pending?: Holder
}

const fields = ['readers', 'token', 'pending'] as const
/** Nothing there yet, or such a lock. */
const lockRow = anyOf(absent, ...fields.map((field): Condition => [[field, { exists: true }]]))

/** A waiting writer that crashes keeps new readers out for so long, ms. */
const pendingMs = 10_000

/** Options of `ReadWriteLock`. */
export interface ReadWriteLockOptions {
  /** How long it is held without being extended, ms. */
  ttlMs: number
  /** By how much the clocks of different machines may differ, ms. @default 1000 */
  clockToleranceMs?: number
}

/**
 * Many readers or one writer, over all processes, on one row. Acquire, extend and release are one request and 1 WRU
 * each (up to 40 readers at once, see `Semaphore`); one more where crashed readers are taken out. A writer that has to
 * wait announces itself (1 WRU each five seconds), and new readers let it go first.
 */
export class ReadWriteLock {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbItemsInterface
  readonly #ttlMs: number
  readonly #toleranceMs: number

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, options: ReadWriteLockOptions) {
    checkDb(db)
    this.key = coordinationKey(key)
    this.#db = db
    if (options === undefined) throw new InvalidInput('options', 'are required: ttlMs')
    checkOptions(options, ['ttlMs', 'clockToleranceMs'])
    this.#ttlMs = milliseconds(options.ttlMs, 'ttlMs')
    this.#toleranceMs = checkTolerance(options.clockToleranceMs)
  }

  /** Before that, a lease is over for everybody. */
  get #limit(): number {
    return this.#db.runtime.now() - this.#toleranceMs
  }

  /** No holder, or only crashed ones. */
  #vacant(field: 'writer' | 'pending', own?: string): Condition {
    const free = anyOf([[field, { exists: false }]], { [`${field}.until`]: { lt: this.#limit } })
    return own === undefined ? free : anyOf(free, { [`${field}.id`]: own })
  }

  /** One try to read; `undefined` while somebody writes or waits to. 1 request. */
  async tryAcquireRead(options: CallOptions = {}): Promise<Lease<undefined> | undefined> {
    return this.#tryRead(checkedCall(this.#db, options))
  }

  async #tryRead(call: CallOptions): Promise<HeldLease<undefined> | undefined> {
    const { lease, item } = await claimLease<LockRow, undefined>(this.#db, this.key, call, (id, sent) => {
      const place = readerPlace(id)
      // A writer whose time is over is taken out, so that it cannot come back beside readers.
      const changes: Changes = {
        set: [[place.until, this.#until(sent.wall)]],
        remove: ['writer', 'pending'],
      }
      const isFree = allOf(lockRow, this.#vacant('writer'), this.#vacant('pending'))
      const settings = { ttlMs: this.#ttlMs, changes, if: isFree, fields }
      return claimOfPlace(this.#db, this.key, id, place, settings, () => undefined)
    })
    if (lease) await this.#takeOutCrashed(item?.data.readers, call)
    return lease
  }

  #until(now: number): number {
    return Math.ceil(now + this.#ttlMs)
  }

  /** Crashed readers must not fill the row. Best effort: the next reader does it as well. */
  async #takeOutCrashed(readers: Holders | undefined, options: CallOptions): Promise<void> {
    const crashed = lapsed(readers, this.#limit).slice(0, atOnce)
    if (crashed.length === 0) return
    await this.#db
      .update(
        this.key,
        { remove: crashed.map(([id]) => ['readers', id]) },
        during(options, { if: crashed.map(([id, until]): [string[], number] => [['readers', id], until]) }),
      )
      .catch(() => {})
  }

  /** One try to write; `undefined` while somebody reads or writes. 1 request, or 2 where all readers have crashed. */
  async tryAcquireWrite(options: CallOptions = {}): Promise<Lease<number> | undefined> {
    return this.#tryWrite(checkedCall(this.#db, options))
  }

  async #tryWrite(call: CallOptions, announcement?: string): Promise<HeldLease<number> | undefined> {
    const noReaders = anyOf([['readers', { exists: false }]], { readers: { size: 0 } })
    const first = await this.#claimWriter(call, announcement, noReaders)
    if (first.lease) return first.lease
    const readers = first.item?.data.readers
    const crashed = lapsed(readers, this.#limit).length
    if (!readers || crashed === 0 || crashed < Object.keys(readers).length) return undefined
    // All readers have crashed. If one of them still extends itself, this fails.
    const second = await this.#claimWriter(call, announcement, { readers: { eq: readers } }, { readers: {} })
    return second.lease
  }

  #claimWriter(
    call: CallOptions,
    announcement: string | undefined,
    noReaders: Condition,
    cleared: { readers?: Holders } = {},
  ) {
    return claimLease<LockRow, number>(this.#db, this.key, call, (id, sent) => {
      const writer: Holder = { id, until: this.#until(sent.wall) }
      const changes: Changes = { add: { token: 1 }, set: { writer, ...cleared }, remove: ['pending'] }
      const isFree = allOf(lockRow, this.#vacant('writer'), this.#vacant('pending', announcement), noReaders)
      const settings = { ttlMs: this.#ttlMs, changes, if: isFree, fields }
      return claimOfPlace(this.#db, this.key, id, writerPlace(id), settings, (item) => item.data.token!)
    })
  }

  /**
   * Waits until reading is allowed.
   * @throws NotAcquired when the time is up
   */
  async acquireRead(options: WaitOptions = {}): Promise<Lease<undefined>> {
    checkWait(options)
    return this.#acquireRead(options)
  }

  #acquireRead(options: WaitOptions): Promise<HeldLease<undefined>> {
    const attempt = (call: CallOptions) => this.#tryRead(call)
    return this.#wait(options, attempt, (call) => this.#isOpen(call))
  }

  /**
   * Waits until it is the only one; new readers wait meanwhile.
   * @throws NotAcquired when the time is up
   */
  async acquireWrite(options: WaitOptions = {}): Promise<Lease<number>> {
    checkWait(options)
    return this.#acquireWrite(options)
  }

  async #acquireWrite(options: WaitOptions): Promise<HeldLease<number>> {
    const id = uniqueId(this.#db.runtime)
    let announced = Number.NEGATIVE_INFINITY
    const worthATry = async (call: CallOptions) => {
      if (this.#db.runtime.monotonic() - announced >= pendingMs / 2) {
        announced = this.#db.runtime.monotonic()
        await this.#announce(id, call)
      }
      return this.#isOpen(call, id)
    }
    try {
      return await this.#wait(options, (call) => this.#tryWrite(call, id), worthATry)
    } catch (error) {
      // Who gives up must not keep readers waiting.
      if (Number.isFinite(announced)) await this.#withdraw(id)
      throw error
    }
  }

  /** Best effort: an announcement that stays lapses. */
  async #withdraw(id: string): Promise<void> {
    const ending = endingOf(this.#db)
    const options = during(tidying(ending), { if: { 'pending.id': id } })
    await ending.update(this.key, { remove: ['pending'] }, options).catch(() => {})
  }

  async #announce(id: string, options: CallOptions): Promise<void> {
    const pending: Holder = { id, until: Math.ceil(this.#db.runtime.now() + pendingMs) }
    await this.#db.update(
      this.key,
      { set: { pending } },
      during(options, { if: allOf(lockRow, this.#vacant('pending', id)) }),
    )
  }

  /** A look that costs no write: is it worth a try, for a reader, or for the writer that announced itself? */
  async #isOpen(options: CallOptions, announcement?: string): Promise<boolean> {
    const item = await this.#db.get<LockRow>(this.key, { ...options, consistent: true })
    const { writer, pending, readers }: LockRow = item?.data ?? {}
    const isOver = (holder: Holder | undefined) => holder === undefined || holder.until < this.#limit
    if (!isOver(writer) || !(isOver(pending) || pending?.id === announcement)) return false
    if (announcement === undefined) return true
    return lapsed(readers, this.#limit).length === Object.keys(readers ?? {}).length
  }

  async #wait<Token extends Fence>(
    options: WaitOptions,
    attempt: (call: CallOptions) => Promise<HeldLease<Token> | undefined>,
    probe: (call: CallOptions) => Promise<boolean>,
  ): Promise<HeldLease<Token>> {
    const lease = await waitFor(this.#db, options, {
      attempt,
      probe,
      succeeded: (got) => got !== undefined,
    })
    if (lease) return lease
    throw new NotAcquired(`${nameOf(this.key)} is held by others`, this.key)
  }

  /** Runs the callback as one of many readers. `LeaseLost` as for `Mutex.run`. */
  async runRead<R>(fn: (run: LeaseRun<undefined>) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    return runWithLease((wait) => this.#acquireRead(wait), fn, options)
  }

  /** Runs the callback as the only one. `LeaseLost` as for `Mutex.run`. */
  async runWrite<R>(fn: (run: LeaseRun<number>) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    return runWithLease((wait) => this.#acquireWrite(wait), fn, options)
  }
}

function readerPlace(id: string): Place<LockRow> {
  const at = ['readers', id]
  return {
    until: at,
    removal: { remove: [at] },
    read: (item) => item?.data.readers?.[id],
    ours: [[at, { exists: true }]],
  }
}

function writerPlace(id: string): Place<LockRow> {
  return {
    until: ['writer', 'until'],
    removal: { remove: ['writer'] },
    read: (item) => (item?.data.writer?.id === id ? item.data.writer.until : undefined),
    ours: { 'writer.id': id },
  }
}
