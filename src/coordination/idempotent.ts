import { anyOf } from '../contract/conditions.ts'
import { AtomicDbError, InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import {
  checkBoolean,
  checkDb,
  checkFunction,
  checkOptions,
  checkSignal,
  milliseconds,
  seconds,
} from '../model/checks.ts'
import { endingOf, timeLeftOf } from '../model/time-left.ts'
import { callTime } from './call-time.ts'
import { certainUpdate } from './certain-update.ts'
import { coordinationKey, nameOf } from './coordination-key.ts'
import type { HeldLease } from './held-lease.ts'
import { claimOfPlace, type Place, removePlace } from './holders.ts'
import { checkTolerance } from './lease.ts'
import { type Claimed, claimLease } from './lease-claim.ts'
import { whileHeld } from './run-with-lease.ts'
import { waitFor } from './wait-for.ts'

interface RunRow<R> {
  state: 'running' | 'done'
  by: string
  until: number
  result?: R
  /** The run succeeded, but what it returned cannot be stored. */
  unstorable?: true
}

/** Options of `idempotent`. */
export interface IdempotentOptions extends CallOptions {
  /** Bound on finding out who runs it, ms; `fn` and the storing of its result take as long as they take. @default that of the database */
  timeoutMs?: number
  /** How long the result is remembered, seconds. @default 86400, one day */
  ttlSeconds?: number
  /** How long after the death of the process that runs it another one may run it again, ms. @default 60000 */
  leaseMs?: number
  /** How long a caller waits for another one's run, ms; then `InProgress`. 0: it does not. @default `leaseMs` */
  waitMs?: number
  /** Extend the lease while it runs. False: a run that takes longer than `leaseMs` may be run again. @default true */
  extend?: boolean
  /** By how much the clocks of different machines may differ, ms. @default 1000 */
  clockToleranceMs?: number
}

const names = [
  'signal',
  'timeoutMs',
  'ttlSeconds',
  'leaseMs',
  'waitMs',
  'extend',
  'clockToleranceMs',
] as const

/** Another caller runs it at this moment. */
export class InProgress extends AtomicDbError {
  static override readonly code = 'InProgress'
}

/**
 * Runs `fn` once per key and remembers its result: later callers get that, those who come meanwhile wait for it. A run
 * that throws is forgotten (the next caller runs it); one whose process died can be run again after its lease.
 * The effects of `fn` itself happen at least once: where they lie in the table, use `transact` with `idempotencyKey`.
 * A result that cannot be stored is `InvalidInput` for this caller and all later ones; `fn` is not run again.
 * First run: 2 requests, 2 WRU (3 for a key that is new), and 1 WRU per third of `leaseMs` for as long as it takes;
 * later ones: 1 failed write of 1 WRU.
 */
export async function idempotent<R>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  fn: (run: { signal: AbortSignal }) => Promise<R> | R,
  options: IdempotentOptions = {},
): Promise<R> {
  checkDb(db)
  checkFunction(fn, 'fn')
  const run = new IdempotentRun<R>(db, coordinationKey(key), settingsOf(options), callTime(db, options))
  const { lease, item } = await run.claimOrWait()
  if (lease) return run.execute(lease, fn)
  if (item?.data.state === 'done') return run.resultOf(item.data)
  throw run.inProgress()
}

type Settings = Required<Pick<IdempotentOptions, 'ttlSeconds' | 'leaseMs' | 'waitMs' | 'clockToleranceMs'>> &
  Pick<IdempotentOptions, 'extend' | 'signal'>

function settingsOf(options: IdempotentOptions): Settings {
  checkOptions(options, names, 'options', { ttl: "use 'ttlSeconds'" })
  const { extend, signal, timeoutMs } = options
  const ttlSeconds = seconds(options.ttlSeconds ?? 86_400, 'ttlSeconds')
  const leaseMs = milliseconds(options.leaseMs ?? 60_000, 'leaseMs')
  const waitMs = milliseconds(options.waitMs ?? leaseMs, 'waitMs', { zero: true })
  const clockToleranceMs = checkTolerance(options.clockToleranceMs)
  checkBoolean(extend, 'extend')
  checkSignal(signal, 'signal')
  return {
    ttlSeconds,
    leaseMs,
    waitMs: Math.min(waitMs, timeoutMs ?? waitMs),
    clockToleranceMs,
    extend,
    signal,
  }
}

/** The run of one key, as one caller goes through it. */
class IdempotentRun<R> {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #settings: Settings
  readonly #call: CallOptions

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, settings: Settings, call: CallOptions) {
    this.#db = db
    this.#key = key
    this.#settings = settings
    this.#call = call
  }

  /** The lease, if it is ours to run; otherwise the row as it was when somebody else was done or the time was up. */
  claimOrWait(): Promise<Claimed<RunRow<R>, undefined>> {
    const { waitMs, signal } = this.#settings
    return waitFor(
      this.#db,
      { timeoutMs: waitMs, signal },
      {
        attempt: () => this.#claim(),
        succeeded: ({ lease, item }) => lease !== undefined || item?.data.state === 'done',
        probe: async () => {
          const item = await this.#db.get<RunRow<R>>(this.#key, { ...this.#call, consistent: true })
          return !item || item.data.state === 'done' || item.data.until < this.#lapsedBefore()
        },
      },
    )
  }

  #claim(): Promise<Claimed<RunRow<R>, undefined>> {
    const { leaseMs } = this.#settings
    return claimLease<RunRow<R>, undefined>(this.#db, this.#key, this.#call, (by, sent) => {
      const running = { state: 'running', by, until: Math.ceil(sent.wall + leaseMs) }
      const isLapsed = { state: 'running', until: { lt: this.#lapsedBefore() } }
      const settings = {
        ttlMs: leaseMs,
        changes: { set: { '': running }, ttl: this.#expiry() },
        if: anyOf([['', { exists: false }]], isLapsed),
        fields: ['state'],
      }
      return claimOfPlace(this.#db, this.#key, by, this.#place(by), settings, () => undefined)
    })
  }

  /** Runs `fn` while the lease is kept, and stores what came of it. */
  async execute(lease: HeldLease, fn: (run: { signal: AbortSignal }) => Promise<R> | R): Promise<R> {
    const { extend, signal } = this.#settings
    let ran = false
    const { settled } = await whileHeld(lease, { extend }, [signal], async (running) => {
      const result = await fn({ signal: running })
      ran = true
      return this.#store(lease, result === undefined ? {} : { result })
    })
    if ('result' in settled) {
      if (settled.result) return this.resultOf(settled.result)
      throw this.#takenOver()
    }
    const { error } = settled
    // What ran must not run again because of what it returned.
    if (ran && error instanceof InvalidInput) {
      if (!(await this.#store(lease, { unstorable: true }))) throw this.#takenOver(error)
    } else if (!ran) await removePlace(this.#db, this.#key, this.#place(lease.id), {}).catch(() => {})
    throw error
  }

  /** The row, if it shows an end. While the lease holds, trouble of the backend does not make the run be forgotten. */
  async #store(lease: HeldLease, end: { result?: R } | { unstorable: true }): Promise<RunRow<R> | undefined> {
    const ending = endingOf(this.#db)
    for (;;) {
      try {
        return await this.#storeOnce(ending, lease.id, end)
      } catch (error) {
        if (error instanceof InvalidInput || !lease.isHeld || timeLeftOf(ending) < 500) throw error
        await this.#db.runtime.sleep(500)
      }
    }
  }

  async #storeOnce(
    ending: AtomicDbItemsInterface,
    by: string,
    end: { result?: R } | { unstorable: true },
  ): Promise<RunRow<R> | undefined> {
    const { applied, item } = await certainUpdate<RunRow<R>>(
      ending,
      this.#key,
      { set: { state: 'done', ...end }, ttl: this.#expiry() },
      { if: { by } },
      (found) => found?.data.by === by && found.data.state === 'done',
    )
    return applied || item?.data.state === 'done' ? item?.data : undefined
  }

  resultOf(row: RunRow<R>): R {
    if (!row.unstorable) return row.result as R
    const text = `of the run of ${nameOf(this.#key)} could not be stored, and it is not run again`
    throw new InvalidInput('result', text, { keys: [this.#key] })
  }

  /** A run whose deadline is before this moment is over for everybody, epoch ms. */
  #lapsedBefore(): number {
    return this.#db.runtime.now() - this.#settings.clockToleranceMs
  }

  /** Of the row, epoch seconds: it must outlast the run however long that takes. */
  #expiry(): number {
    const { ttlSeconds, leaseMs } = this.#settings
    return Math.ceil(this.#db.runtime.now() / 1000 + Math.max(ttlSeconds, (2 * leaseMs) / 1000))
  }

  #place(by: string): Place<RunRow<R>> {
    return {
      until: ['until'],
      expiry: () => this.#expiry(),
      removal: { delete: true },
      read: (item) => (item?.data.by === by && item.data.state === 'running' ? item.data.until : undefined),
      ours: { by, state: 'running' },
    }
  }

  inProgress(): InProgress {
    const text = `${nameOf(this.#key)} is being run by another caller: try again later`
    return new InProgress(text, { keys: [this.#key] })
  }

  #takenOver(cause?: unknown): LeaseLost {
    const text = `${nameOf(this.#key)} took longer than its lease and was taken over: give it a longer leaseMs`
    return new LeaseLost(text, { keys: [this.#key], cause })
  }
}
