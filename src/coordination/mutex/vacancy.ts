import { absent, anyOf, type Condition } from '../../contract/conditions.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../../interface.ts'
import { type ProcessStatus, processStatus } from '../heartbeat.ts'
import { remainingAsSeen } from '../sightings.ts'
import { clearMutex } from './mutex-hold.ts'
import type { MutexSettings } from './mutex-options.ts'
import type { MutexRow, MutexState } from './mutex-row.ts'

const never = Number.POSITIVE_INFINITY

/** Whether a mutex is free: its row says so, its lease is over, or the process of its owner is dead. */
export class Vacancy {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #settings: MutexSettings
  /** The ids of attempts that were given up: what they get after all is cleared away. */
  readonly abandoned = new Set<string>()
  /** With lease `observed`: a beat that was seen for a whole lease. */
  #overdueBeat: string | undefined

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, settings: MutexSettings) {
    this.#db = db
    this.#key = key
    this.#settings = settings
  }

  async read(call: CallOptions): Promise<MutexRow | undefined> {
    return (await this.#db.get<MutexRow>(this.#key, { ...call, consistent: true }))?.data
  }

  /** When the row may be taken, as a condition of the write that takes it. */
  condition(now: number): Condition {
    const { observed, toleranceMs } = this.#settings
    const free = anyOf(absent, { owner: null })
    if (!observed) return anyOf(free, { until: { lt: now - toleranceMs, type: 'number' } })
    return this.#overdueBeat === undefined ? free : anyOf(free, { beat: this.#overdueBeat })
  }

  /** How long until the row may be taken, ms; below 0: it may. */
  #remaining(row: MutexRow): number {
    const { observed, toleranceMs } = this.#settings
    if (observed) return remainingAsSeen(this.#db.runtime, this.#key, row)
    return row.until === null ? never : row.until + toleranceMs - this.#db.runtime.now()
  }

  /** What the row says by itself. */
  stateOf(row: MutexRow | undefined): MutexState {
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

  /** What a contender finds. 1 RRU; one more where the owner's process tells whether it is alive. */
  async peek(call: CallOptions): Promise<MutexState> {
    const row = await this.read(call)
    const state = this.stateOf(row)
    if (!state.locked || !row || !(await this.#isOwnerDead(row, call))) return state
    return { ...state, locked: false, remainingMs: 0 }
  }

  /** True: a try is worth it. Frees the row where its owner is dead or was given up. */
  async makeFree(row: MutexRow | undefined, call: CallOptions): Promise<boolean> {
    this.#overdueBeat = undefined
    if (!row?.owner) return true
    if (this.#remaining(row) < 0) {
      if (this.#settings.observed) this.#overdueBeat = row.beat
      return true
    }
    if (!this.abandoned.has(row.owner) && !(await this.#isOwnerDead(row, call))) return false
    await clearMutex(this.#db, this.#key, row.owner, call)
    return true
  }

  async #isOwnerDead(row: MutexRow, call: CallOptions): Promise<boolean> {
    return (await this.processOf(row, call)) === 'dead'
  }

  /** The process that holds it. Undefined: it is held without liveness. */
  async processOf({ process }: MutexRow, call: CallOptions = {}): Promise<ProcessStatus | undefined> {
    return process ? processStatus(this.#db, process, this.#settings.toleranceMs, call) : undefined
  }
}
