import { absent, allOf, anyOf, type Condition } from '../conditions.ts'
import { InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import {
  certainUpdate,
  checkMs,
  coordinationKey,
  mustBeOurs,
  uniqueId,
  type WaitOptions,
  waitFor,
} from './common.ts'
import { NotAcquired } from './mutex-row.ts'
import { makePermit, type Permit, withPermit } from './permit.ts'

interface Holder {
  id: string
  until: number
}

interface LockRow {
  /** Grows with every writer. */
  token?: number
  writer?: Holder
  /** Readers by id, with the epoch ms at which they count as crashed. */
  readers?: Record<string, number>
  /** A writer that waits: no new readers until then, or writers would starve. */
  pending?: Holder
}

/** Nothing there yet, or such a lock. */
const lockRow = anyOf(absent, [['readers', { exists: true }]], [['token', { exists: true }]])

export interface ReadWriteLockOptions {
  /** How long it is held without being extended, ms. */
  ttlMs: number
  /** By how much clocks of different machines may differ, ms. Default 1000. */
  clockToleranceMs?: number
}

/** A writer's permit, with its fencing token. */
export interface WritePermit extends Permit {
  readonly fencingToken: number
}

/**
 * Many readers or one writer, over all processes, on one row. Acquire, extend and release are one request and 1 WRU
 * each; a writer that has to wait announces itself (1 WRU per time to live), and new readers let it go first.
 */
export class ReadWriteLock {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #ttlMs: number
  readonly #toleranceMs: number

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: ReadWriteLockOptions) {
    this.key = coordinationKey(key)
    this.#db = db
    this.#ttlMs = checkMs(options?.ttlMs, 'ttlMs')
    const tolerance = options.clockToleranceMs ?? 1000
    if (!(tolerance >= 0))
      throw new InvalidInput('clockToleranceMs', 'must be 0 or more', { given: String(tolerance) })
    this.#toleranceMs = tolerance
  }

  #until(): number {
    return this.#db.runtime.now() + this.#ttlMs
  }

  /** Nobody is there, or who is has crashed. */
  #vacant(field: 'writer' | 'pending', own?: string): Condition {
    const lapsed = { [`${field}.until`]: { lt: this.#db.runtime.now() - this.#toleranceMs } }
    const free = anyOf([[field, { exists: false }]], lapsed)
    return own === undefined ? free : anyOf(free, { [`${field}.id`]: own })
  }

  /** One try to read; `undefined` while somebody writes or waits to. */
  async tryRead(options: CallOptions = {}): Promise<Permit | undefined> {
    const id = uniqueId(this.#db.runtime)
    const place = ['readers', id]
    const ours = (item: AtomicDbItem<LockRow> | undefined) => item?.data.readers?.[id] !== undefined
    const condition = allOf(lockRow, this.#vacant('writer'), this.#vacant('pending'))
    const { applied, item } = await certainUpdate<LockRow>(
      this.#db,
      this.key,
      { set: [[place, this.#until()]] },
      { ...options, if: condition },
      ours,
    )
    if (!applied) {
      mustBeOurs(item, 'readers', 'token')
      return undefined
    }
    const held = [[place, { exists: true }]] as const
    return makePermit(
      id,
      (call) => this.#change({ set: [[place, this.#until()]] }, held, ours, call),
      (call) => this.#change({ remove: [place] }, held, (item) => !ours(item), call),
    )
  }

  /** One try to write; `undefined` while somebody reads or writes. */
  async tryWrite(
    options: CallOptions = {},
    id = uniqueId(this.#db.runtime),
  ): Promise<WritePermit | undefined> {
    const ours = (item: AtomicDbItem<LockRow> | undefined) => item?.data.writer?.id === id
    const vacant = allOf(lockRow, this.#vacant('writer'), this.#vacant('pending', id))
    const take = (condition: Condition, clear: { readers: Record<string, number> } | object) =>
      certainUpdate<LockRow>(
        this.#db,
        this.key,
        { add: { token: 1 }, set: { writer: { id, until: this.#until() }, ...clear }, remove: ['pending'] },
        { ...options, if: condition },
        ours,
      )
    let result = await take(
      allOf(vacant, anyOf([['readers', { exists: false }]], { readers: { size: 0 } })),
      {},
    )
    if (!result.applied) mustBeOurs(result.item, 'readers', 'token')
    const readers = result.item?.data.readers
    const limit = this.#db.runtime.now() - this.#toleranceMs
    if (!result.applied && readers && Object.values(readers).every((until) => until < limit)) {
      // All readers have crashed; if one of them still extends itself, this fails.
      result = await take(allOf(vacant, { readers: { eq: readers } }), { readers: {} })
    }
    if (!result.applied) return undefined
    const held = { 'writer.id': id }
    const permit = makePermit(
      id,
      (call) => this.#change({ set: { 'writer.until': this.#until() } }, held, ours, call),
      (call) => this.#change({ remove: ['writer'] }, held, (item) => !ours(item), call),
    )
    return { ...permit, fencingToken: result.item!.data.token! }
  }

  async #change(
    changes: Parameters<AtomicDbInterface['update']>[1],
    held: Condition,
    done: (item: AtomicDbItem<LockRow> | undefined) => boolean,
    options: CallOptions = {},
  ): Promise<void> {
    const { applied } = await certainUpdate<LockRow>(
      this.#db,
      this.key,
      changes,
      { ...options, if: held },
      done,
    )
    if (!applied)
      throw new LeaseLost(`${this.key.pk}/${this.key.sk}: not held any more`, { keys: [this.key] })
  }

  /** Waits until reading is allowed. `NotAcquired` when the time is up. */
  async acquireRead(options: WaitOptions = {}): Promise<Permit> {
    return this.#wait(
      options,
      () => this.tryRead({ signal: options.signal }),
      () => this.#open({ signal: options.signal }),
    )
  }

  /** Waits until it is the only one; new readers wait meanwhile. `NotAcquired` when the time is up. */
  async acquireWrite(options: WaitOptions = {}): Promise<WritePermit> {
    const id = uniqueId(this.#db.runtime)
    let announced = Number.NEGATIVE_INFINITY
    try {
      return await this.#wait(
        options,
        () => this.tryWrite({ signal: options.signal }, id),
        async () => {
          if (this.#db.runtime.monotonic() - announced < this.#ttlMs / 2)
            return this.#open({ signal: options.signal }, id)
          announced = this.#db.runtime.monotonic()
          await this.#db.update(
            this.key,
            { set: { pending: { id, until: this.#until() } } },
            { signal: options.signal, if: this.#vacant('pending', id) },
          )
          return this.#open({ signal: options.signal }, id)
        },
      )
    } catch (error) {
      // Who gives up must not keep readers waiting.
      if (Number.isFinite(announced))
        await this.#db.update(this.key, { remove: ['pending'] }, { if: { 'pending.id': id } }).catch(() => {})
      throw error
    }
  }

  /** A look that costs no write: is it worth a try, for a reader, or for the writer with this id? */
  async #open(options: CallOptions, writer?: string): Promise<boolean> {
    const item = await this.#db.get<LockRow>(this.key, { ...options, consistent: true })
    const data: LockRow = item?.data ?? {}
    const limit = this.#db.runtime.now() - this.#toleranceMs
    const over = (holder: Holder | undefined) => holder === undefined || holder.until < limit
    if (!over(data.writer) || !(over(data.pending) || data.pending?.id === writer)) return false
    return writer === undefined || Object.values(data.readers ?? {}).every((until) => until < limit)
  }

  async #wait<P extends Permit>(
    options: WaitOptions,
    attempt: () => Promise<P | undefined>,
    worthATry: () => Promise<boolean>,
  ): Promise<P> {
    const permit = await waitFor(this.#db, options, attempt, (got) => got !== undefined, worthATry)
    if (permit) return permit
    throw new NotAcquired(`${this.key.pk}/${this.key.sk} is held by others`, this.key, {
      locked: true,
      fencingToken: 0,
    })
  }

  /** Runs the callback as one of many readers. */
  async read<R>(fn: (run: { signal: AbortSignal }) => Promise<R> | R, options: WaitOptions = {}): Promise<R> {
    return withPermit(this.#db, await this.acquireRead(options), this.#ttlMs, options.signal, (signal) =>
      fn({ signal }),
    )
  }

  /** Runs the callback as the only one. */
  async write<R>(
    fn: (run: { signal: AbortSignal; fencingToken: number }) => Promise<R> | R,
    options: WaitOptions = {},
  ): Promise<R> {
    const permit = await this.acquireWrite(options)
    return withPermit(this.#db, permit, this.#ttlMs, options.signal, (signal) =>
      fn({ signal, fencingToken: permit.fencingToken }),
    )
  }
}
