import { absent, allOf, anyOf, type Condition } from '../conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'
import { uniqueId } from './certain-update.ts'
import { coordinationKey, mustBeOurs, nameOf } from './coordination-key.ts'
import {
  checkKeep,
  type FencedLease,
  type HeldLease,
  type KeepOptions,
  keepOptionNames,
  runHeld,
} from './held-lease.ts'
import { atOnce, type Holders, lapsed, leaseOfPlace, type Place, takePlace } from './holders.ts'
import { momentOf } from './lease.ts'
import { checkTolerance, NotAcquired, type RunOptions } from './mutex-row.ts'
import { checkWait, type WaitOptions, waitFor } from './wait-for.ts'

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
  readonly #db: AtomicDbInterface
  readonly #ttlMs: number
  readonly #toleranceMs: number

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: ReadWriteLockOptions) {
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

  /** Nobody is there, or who is has crashed. */
  #vacant(field: 'writer' | 'pending', own?: string): Condition {
    const free = anyOf([[field, { exists: false }]], { [`${field}.until`]: { lt: this.#limit } })
    return own === undefined ? free : anyOf(free, { [`${field}.id`]: own })
  }

  /** One try to read; `undefined` while somebody writes or waits to. */
  async tryRead(options: CallOptions = {}): Promise<HeldLease | undefined> {
    checkOptions(options, ['signal', 'timeoutMs'])
    const { signal } = options
    const id = uniqueId(this.#db.runtime)
    const sent = momentOf(this.#db.runtime)
    const place = readerPlace(id)
    const { applied, item } = await takePlace<LockRow>(
      this.#db,
      this.key,
      place,
      this.#ttlMs,
      // A writer whose time is over is taken out, so that it cannot come back beside readers.
      { set: [[place.until, this.#until(sent.wall)]], remove: ['writer', 'pending'] },
      { signal, if: allOf(lockRow, this.#vacant('writer'), this.#vacant('pending')) },
    )
    if (!applied) mustBeOurs(item, ...fields)
    else await this.#takeOutCrashed(item?.data.readers)
    return applied ? leaseOfPlace(this.#db, this.key, id, place, { ttlMs: this.#ttlMs }, sent) : undefined
  }

  #until(now: number): number {
    return Math.ceil(now + this.#ttlMs)
  }

  /** Crashed readers must not fill the row. Best effort: the next reader does it as well. */
  async #takeOutCrashed(readers: Holders | undefined): Promise<void> {
    const crashed = lapsed(readers, this.#limit).slice(0, atOnce)
    if (crashed.length === 0) return
    await this.#db
      .update(
        this.key,
        { remove: crashed.map(([id]) => ['readers', id]) },
        { if: crashed.map(([id, until]): [string[], number] => [['readers', id], until]) },
      )
      .catch(() => {})
  }

  /** One try to write; `undefined` while somebody reads or writes. */
  async tryWrite(options: CallOptions = {}): Promise<FencedLease | undefined> {
    checkOptions(options, ['signal', 'timeoutMs'])
    return this.#tryWrite(options.signal, undefined)
  }

  async #tryWrite(
    signal: AbortSignal | undefined,
    announcement: string | undefined,
  ): Promise<FencedLease | undefined> {
    const vacant = () => allOf(lockRow, this.#vacant('writer'), this.#vacant('pending', announcement))
    const noReaders = anyOf([['readers', { exists: false }]], { readers: { size: 0 } })
    const first = await this.#takeWriter(signal, allOf(vacant(), noReaders))
    if (first.lease) return first.lease
    mustBeOurs(first.item, ...fields)
    const readers = first.item?.data.readers
    const crashed = lapsed(readers, this.#limit).length
    if (!readers || crashed === 0 || crashed < Object.keys(readers).length) return undefined
    // All readers have crashed. If one of them still extends itself, this fails.
    return (await this.#takeWriter(signal, allOf(vacant(), { readers: { eq: readers } }), { readers: {} }))
      .lease
  }

  async #takeWriter(
    signal: AbortSignal | undefined,
    condition: Condition,
    cleared: { readers?: Holders } = {},
  ): Promise<{ lease?: FencedLease; item?: AtomicDbItem<LockRow> }> {
    const id = uniqueId(this.#db.runtime)
    const sent = momentOf(this.#db.runtime)
    const place = writerPlace(id)
    const writer: Holder = { id, until: this.#until(sent.wall) }
    const { applied, item } = await takePlace<LockRow>(
      this.#db,
      this.key,
      place,
      this.#ttlMs,
      { add: { token: 1 }, set: { writer, ...cleared }, remove: ['pending'] },
      { signal, if: condition },
    )
    if (!applied) return { item }
    const settings = { ttlMs: this.#ttlMs, fencingToken: item!.data.token }
    return { item, lease: leaseOfPlace(this.#db, this.key, id, place, settings, sent) as FencedLease }
  }

  /** Waits until reading is allowed. `NotAcquired` when the time is up. */
  async acquireRead(options: WaitOptions = {}): Promise<HeldLease> {
    checkWait(options)
    const { signal } = options
    const attempt = () => this.tryRead({ signal })
    return this.#wait(options, attempt, () => this.#isOpen(signal))
  }

  /** Waits until it is the only one; new readers wait meanwhile. `NotAcquired` when the time is up. */
  async acquireWrite(options: WaitOptions = {}): Promise<FencedLease> {
    checkWait(options)
    const { signal } = options
    const id = uniqueId(this.#db.runtime)
    let announced = Number.NEGATIVE_INFINITY
    const worthATry = async () => {
      if (this.#db.runtime.monotonic() - announced >= pendingMs / 2) {
        announced = this.#db.runtime.monotonic()
        await this.#announce(id, signal)
      }
      return this.#isOpen(signal, id)
    }
    try {
      return await this.#wait(options, () => this.#tryWrite(signal, id), worthATry)
    } catch (error) {
      // Who gives up must not keep readers waiting.
      if (Number.isFinite(announced))
        await this.#db.update(this.key, { remove: ['pending'] }, { if: { 'pending.id': id } }).catch(() => {})
      throw error
    }
  }

  async #announce(id: string, signal: AbortSignal | undefined): Promise<void> {
    const pending: Holder = { id, until: Math.ceil(this.#db.runtime.now() + pendingMs) }
    await this.#db.update(
      this.key,
      { set: { pending } },
      { signal, if: allOf(lockRow, this.#vacant('pending', id)) },
    )
  }

  /** A look that costs no write: is it worth a try, for a reader, or for the writer that announced itself? */
  async #isOpen(signal: AbortSignal | undefined, announcement?: string): Promise<boolean> {
    const item = await this.#db.get<LockRow>(this.key, { signal, consistent: true })
    const { writer, pending, readers }: LockRow = item?.data ?? {}
    const isOver = (holder: Holder | undefined) => holder === undefined || holder.until < this.#limit
    if (!isOver(writer) || !(isOver(pending) || pending?.id === announcement)) return false
    if (announcement === undefined) return true
    return lapsed(readers, this.#limit).length === Object.keys(readers ?? {}).length
  }

  async #wait<L extends HeldLease>(
    options: WaitOptions,
    attempt: () => Promise<L | undefined>,
    probe: () => Promise<boolean>,
  ): Promise<L> {
    const lease = await waitFor(this.#db, options, {
      attempt,
      probe,
      succeeded: (got) => got !== undefined,
    })
    if (lease) return lease
    throw new NotAcquired(`${nameOf(this.key)} is held by others`, this.key)
  }

  /** Runs the callback as one of many readers. `LeaseLost` as for `Mutex.run`. */
  async read<R>(
    fn: (run: { signal: AbortSignal; lease: HeldLease }) => Promise<R> | R,
    options: RunOptions = {},
  ): Promise<R> {
    return runHeld(await this.acquireRead(waitOf(options)), options, [options.signal], fn)
  }

  /** Runs the callback as the only one. `LeaseLost` as for `Mutex.run`. */
  async write<R>(
    fn: (run: { signal: AbortSignal; fencingToken: number; lease: FencedLease }) => Promise<R> | R,
    options: RunOptions = {},
  ): Promise<R> {
    const lease = await this.acquireWrite(waitOf(options))
    const { fencingToken } = lease
    return runHeld(lease, options, [options.signal], (run) => fn({ ...run, fencingToken }))
  }
}

function waitOf(options: WaitOptions & KeepOptions): WaitOptions {
  checkWait(options, keepOptionNames)
  checkKeep(options)
  const { signal, timeoutMs, pollMs } = options
  return { signal, timeoutMs, pollMs }
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
