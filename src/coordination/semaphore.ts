import { absent, allOf, anyOf, type Condition } from '../conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import { uniqueId } from './certain-update.ts'
import { coordinationKey, mustBeOurs, nameOf } from './coordination-key.ts'
import { checkKeep, type HeldLease, keepOptionNames, runHeld } from './held-lease.ts'
import { atOnce, type Holders, lapsed, leaseOfPlace, type Place, takePlace } from './holders.ts'
import { momentOf } from './lease.ts'
import { checkTolerance, NotAcquired, type RunOptions } from './mutex-row.ts'
import { checkWait, type WaitOptions, waitFor } from './wait-for.ts'

interface SemaphoreRow {
  holders?: Holders
}

export interface SemaphoreOptions {
  /** How many hold at once, 1 to 2000. */
  permits: number
  /** How long a permit is held without being extended, ms: that of a crashed holder comes back then. */
  ttlMs: number
  /** By how much the clocks of different machines may differ, ms. @default 1000 */
  clockToleranceMs?: number
}

/** Tries of one `tryAcquire`: each but the first took out crashed holders, or repeats a lost request. */
const mostTurns = 120

/**
 * A number of holders at once, over all processes. Acquire, extend and release are one request each; taking the place
 * of a crashed holder is one more. All holders are in one row of about 23 bytes each: a request is 1 WRU up to 40
 * holders, 7 WRU with 300, 42 WRU with 2000.
 */
export class Semaphore {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #permits: number
  readonly #ttlMs: number
  readonly #toleranceMs: number

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: SemaphoreOptions) {
    this.key = coordinationKey(key)
    this.#db = db
    if (options === undefined) throw new InvalidInput('options', 'are required: permits and ttlMs')
    checkOptions(options, ['permits', 'ttlMs', 'clockToleranceMs'])
    this.#permits = wholeNumber(options.permits, 'permits', { min: 1, max: 2000 })
    this.#ttlMs = milliseconds(options.ttlMs, 'ttlMs')
    this.#toleranceMs = checkTolerance(options.clockToleranceMs)
  }

  /** One try; `undefined` when all permits are taken. */
  async tryAcquire(options: CallOptions = {}): Promise<HeldLease | undefined> {
    checkOptions(options, ['signal', 'timeoutMs'])
    let turn = await this.#take([], options)
    for (let count = 0; count < mostTurns; count++) {
      if (turn.permit || !turn.again) return turn.permit
      turn = await this.#take(turn.crashed, options)
    }
    return undefined
  }

  /** Takes a place, and those of crashed holders out. */
  async #take(
    crashed: readonly [string, number][],
    { signal }: CallOptions,
  ): Promise<{ permit?: HeldLease; again: boolean; crashed: [string, number][] }> {
    const id = uniqueId(this.#db.runtime)
    const place = placeOf(id)
    const sent = momentOf(this.#db.runtime)
    const gone = crashed.map(([other]) => ['holders', other])
    const stillThere = crashed.map(([other, until]): [string[], number] => [['holders', other], until])
    const room = { holders: { size: { lt: this.#permits + crashed.length } } }
    const isFree: Condition = crashed.length > 0 ? allOf(stillThere, room) : anyOf(absent, room)
    const { applied, item } = await takePlace<SemaphoreRow>(
      this.#db,
      this.key,
      place,
      this.#ttlMs,
      { set: [[place.until, Math.ceil(sent.wall + this.#ttlMs)]], remove: gone },
      { signal, if: isFree },
    )
    if (applied) {
      const permit = leaseOfPlace(this.#db, this.key, id, place, { ttlMs: this.#ttlMs }, sent)
      return { permit, again: false, crashed: [] }
    }
    mustBeOurs(item, 'holders')
    return this.#next(item?.data.holders ?? {}, { signal })
  }

  /** What to do about a row that has no room, or whose reply was lost. */
  async #next(
    holders: Holders,
    options: CallOptions,
  ): Promise<{ again: boolean; crashed: [string, number][] }> {
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

  async #takeOut(crashed: readonly [string, number][], { signal }: CallOptions): Promise<void> {
    await this.#db.update(
      this.key,
      { remove: crashed.map(([id]) => ['holders', id]) },
      { signal, if: crashed.map(([id, until]): [string[], number] => [['holders', id], until]) },
    )
  }

  get #limit(): number {
    return this.#db.runtime.now() - this.#toleranceMs
  }

  /** Waits for a permit. `NotAcquired` when the time is up. */
  async acquire(options: WaitOptions = {}): Promise<HeldLease> {
    checkWait(options)
    const { signal } = options
    const permit = await waitFor(this.#db, options, {
      attempt: () => this.tryAcquire({ signal }),
      succeeded: (got) => got !== undefined,
      probe: async () => (await this.available({ signal })) > 0,
    })
    if (permit) return permit
    throw new NotAcquired(`all ${this.#permits} permits of ${nameOf(this.key)} are taken`, this.key)
  }

  /** How many permits are free at this moment. 1 RRU per 4 KB of the row. */
  async available({ signal }: CallOptions = {}): Promise<number> {
    const item = await this.#db.get<SemaphoreRow>(this.key, { consistent: true, signal })
    const holders = item?.data.holders ?? {}
    const living = Object.keys(holders).length - lapsed(holders, this.#limit).length
    return Math.max(0, this.#permits - living)
  }

  /**
   * Runs the callback with a permit, extended meanwhile. `LeaseLost` when it was lost, unless the callback threw: that
   * error goes first.
   */
  async run<R>(
    fn: (run: { signal: AbortSignal; lease: HeldLease }) => Promise<R> | R,
    options: RunOptions = {},
  ): Promise<R> {
    checkWait(options, keepOptionNames)
    checkKeep(options)
    const { signal, timeoutMs, pollMs } = options
    const permit = await this.acquire({ signal, timeoutMs, pollMs })
    return runHeld(permit, options, [signal], fn)
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
