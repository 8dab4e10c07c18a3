import { absent, allOf, anyOf, type Condition } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkDb, checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import { checkedCall, during } from './call-time.ts'
import { coordinationKey, nameOf } from './coordination-key.ts'
import type { HeldLease } from './held-lease.ts'
import { atOnce, claimOfPlace, type Holders, lapsed, type Place } from './holders.ts'
import { checkTolerance, type Lease } from './lease.ts'
import { claimLease } from './lease-claim.ts'
import { type LeaseRun, type RunOptions, runWithLease } from './run-with-lease.ts'
import { checkWait, NotAcquired, type WaitOptions, waitFor } from './wait-for.ts'

interface SemaphoreRow {
  holders?: Holders
}

/** Options of `Semaphore`. */
export interface SemaphoreOptions {
  /** How many hold at once, 1 to 2000. */
  permits: number
  /** How long a permit is held without being extended, ms: that of a crashed holder comes back then. */
  ttlMs: number
  /** By how much the clocks of different machines may differ, ms. @default 1000 */
  clockToleranceMs?: number
}

/** What to do after a request that got nothing. */
interface Next {
  again: boolean
  /** Lapsed holders that the next request takes out. */
  crashed: [string, number][]
}

type Permit = HeldLease<undefined>

/** Maximum requests of one `tryAcquire`: each but the first takes out crashed holders, or repeats a lost request. */
const mostTurns = 120

/**
 * A number of holders at once, over all processes. Acquire, extend and release are one request each; taking the place
 * of a crashed holder is one more. All holders are in one row of about 23 bytes each: a request is 1 WRU up to 40
 * holders, 7 WRU with 300, 42 WRU with 2000.
 */
export class Semaphore {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbItemsInterface
  readonly #permits: number
  readonly #ttlMs: number
  readonly #toleranceMs: number

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, options: SemaphoreOptions) {
    checkDb(db)
    this.key = coordinationKey(key)
    this.#db = db
    if (options === undefined) throw new InvalidInput('options', 'are required: permits and ttlMs')
    checkOptions(options, ['permits', 'ttlMs', 'clockToleranceMs'])
    this.#permits = wholeNumber(options.permits, 'permits', { min: 1, max: 2000 })
    this.#ttlMs = milliseconds(options.ttlMs, 'ttlMs')
    this.#toleranceMs = checkTolerance(options.clockToleranceMs)
  }

  /** One try; `undefined` when all permits are taken. 1 request. */
  async tryAcquire(options: CallOptions = {}): Promise<Lease<undefined> | undefined> {
    return this.#tryAcquire(checkedCall(this.#db, options))
  }

  async #tryAcquire(call: CallOptions): Promise<Permit | undefined> {
    let next: Next = { again: true, crashed: [] }
    for (let turn = 0; turn < mostTurns && next.again; turn++) {
      const { lease, item } = await this.#claim(next.crashed, call)
      if (lease) return lease
      next = await this.#next(item?.data.holders ?? {}, call)
    }
    return undefined
  }

  /** Claims a place; `crashed` holders go with the same write. */
  #claim(crashed: readonly [string, number][], call: CallOptions) {
    const stillThere = crashed.map(([id, until]): [string[], number] => [['holders', id], until])
    const room = { holders: { size: { lt: this.#permits + crashed.length } } }
    const isFree: Condition = crashed.length > 0 ? allOf(stillThere, room) : anyOf(absent, room)
    const remove = crashed.map(([id]) => ['holders', id])
    return claimLease<SemaphoreRow, undefined>(this.#db, this.key, call, (id, sent) => {
      const place = placeOf(id)
      const changes = { set: [[place.until, Math.ceil(sent.wall + this.#ttlMs)] as const], remove }
      const settings = { ttlMs: this.#ttlMs, changes, if: isFree, fields: ['holders'] }
      return claimOfPlace(this.#db, this.key, id, place, settings, () => undefined)
    })
  }

  /** What to do about a row that has no room, or whose reply was lost. */
  async #next(holders: Holders, options: CallOptions): Promise<Next> {
    const crashed = lapsed(holders, this.#limit)
    const count = Object.keys(holders).length
    if (count - crashed.length >= this.#permits) return { again: false, crashed: [] }
    // More than are taken out by one write, as after the number of permits was lowered.
    if (count - Math.min(atOnce, crashed.length) >= this.#permits) {
      await this.#takeOut(crashed.slice(0, atOnce), options)
      return { again: true, crashed: crashed.slice(atOnce, 2 * atOnce) }
    }
    return { again: true, crashed: count < this.#permits ? [] : crashed.slice(0, atOnce) }
  }

  async #takeOut(crashed: readonly [string, number][], options: CallOptions): Promise<void> {
    await this.#db.update(
      this.key,
      { remove: crashed.map(([id]) => ['holders', id]) },
      during(options, { if: crashed.map(([id, until]): [string[], number] => [['holders', id], until]) }),
    )
  }

  get #limit(): number {
    return this.#db.runtime.now() - this.#toleranceMs
  }

  /**
   * Waits for a permit.
   * @throws NotAcquired when the time is up
   */
  async acquire(options: WaitOptions = {}): Promise<Lease<undefined>> {
    checkWait(options)
    return this.#acquire(options)
  }

  async #acquire(options: WaitOptions): Promise<Permit> {
    const permit = await waitFor(this.#db, options, {
      attempt: (call) => this.#tryAcquire(call),
      succeeded: (got) => got !== undefined,
      probe: async (call) => (await this.#available(call)) > 0,
    })
    if (permit) return permit
    throw new NotAcquired(`all ${this.#permits} permits of ${nameOf(this.key)} are taken`, this.key)
  }

  /** How many permits are free at this moment. 1 RRU per 4 KB of the row. */
  async available(options: CallOptions = {}): Promise<number> {
    return this.#available(checkedCall(this.#db, options))
  }

  async #available(options: CallOptions): Promise<number> {
    const item = await this.#db.get<SemaphoreRow>(this.key, { ...options, consistent: true })
    const holders = item?.data.holders ?? {}
    const living = Object.keys(holders).length - lapsed(holders, this.#limit).length
    return Math.max(0, this.#permits - living)
  }

  /**
   * Runs the callback with a permit, extended meanwhile. `LeaseLost` when it was lost, unless the callback threw: that
   * error goes first.
   */
  async run<R>(fn: (run: LeaseRun<undefined>) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    return runWithLease((wait) => this.#acquire(wait), fn, options)
  }
}

function placeOf(id: string): Place<SemaphoreRow> {
  const at = ['holders', id]
  return {
    until: at,
    removal: { remove: [at] },
    read: (item: AtomicDbItem<SemaphoreRow> | undefined) => item?.data.holders?.[id],
    ours: [[at, { exists: true }]],
  }
}
