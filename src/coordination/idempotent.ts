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
import { claimLease } from './lease-claim.ts'
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
  const at = coordinationKey(key)
  checkOptions(options, names, 'options', { ttl: "use 'ttlSeconds'" })
  const ttlSeconds = seconds(options.ttlSeconds ?? 86_400, 'ttlSeconds')
  const leaseMs = milliseconds(options.leaseMs ?? 60_000, 'leaseMs')
  const waitMs = milliseconds(options.waitMs ?? leaseMs, 'waitMs', { zero: true })
  const toleranceMs = checkTolerance(options.clockToleranceMs)
  checkBoolean(options.extend, 'extend')
  checkSignal(options.signal, 'signal')
  const { signal } = options
  const call = callTime(db, options)
  const expiry = () => Math.ceil(db.runtime.now() / 1000 + Math.max(ttlSeconds, (2 * leaseMs) / 1000))
  const limit = () => db.runtime.now() - toleranceMs
  const claim = () =>
    claimLease<RunRow<R>, undefined>(db, at, call, (by, sent) => {
      const running = { state: 'running', by, until: Math.ceil(sent.wall + leaseMs) }
      const isFree = anyOf([['', { exists: false }]], { state: 'running', until: { lt: limit() } })
      const changes = { set: { '': running }, ttl: expiry() }
      const settings = { ttlMs: leaseMs, changes, if: isFree, fields: ['state'] }
      return claimOfPlace(db, at, by, placeOf<R>(by, expiry), settings, () => undefined)
    })
  const { lease, item } = await waitFor(
    db,
    { timeoutMs: Math.min(waitMs, options.timeoutMs ?? waitMs), signal },
    {
      attempt: claim,
      succeeded: (found) => found.lease !== undefined || found.item?.data.state === 'done',
      probe: async () => {
        const item = await db.get<RunRow<R>>(at, { ...call, consistent: true })
        return !item || item.data.state === 'done' || item.data.until < limit()
      },
    },
  )
  if (lease) return finish(db, at, lease, fn, options, expiry)
  if (item?.data.state === 'done') return resultOf(item.data, at)
  throw new InProgress(`${nameOf(at)} is being run by another caller: try again later`, { keys: [at] })
}

/** `expiry`: of the row, which must outlast the run however long that takes. */
function placeOf<R>(by: string, expiry?: () => number): Place<RunRow<R>> {
  return {
    until: ['until'],
    ...(expiry && { expiry }),
    removal: { delete: true },
    read: (item) => (item?.data.by === by && item.data.state === 'running' ? item.data.until : undefined),
    ours: { by, state: 'running' },
  }
}

function resultOf<R>(row: RunRow<R>, at: AtomicDbItemKey): R {
  if (row.unstorable)
    throw new InvalidInput(
      'result',
      `of the run of ${nameOf(at)} could not be stored, and it is not run again`,
      {
        keys: [at],
      },
    )
  return row.result as R
}

async function finish<R>(
  db: AtomicDbItemsInterface,
  at: AtomicDbItemKey,
  lease: HeldLease,
  fn: (run: { signal: AbortSignal }) => Promise<R> | R,
  { signal, extend }: IdempotentOptions,
  expiry: () => number,
): Promise<R> {
  const by = lease.id
  const ending = endingOf(db)
  const store = async (end: { result?: R } | { unstorable: true }): Promise<RunRow<R> | undefined> => {
    const { applied, item } = await certainUpdate<RunRow<R>>(
      ending,
      at,
      { set: { state: 'done', ...end }, ttl: expiry() },
      { if: { by } },
      (found) => found?.data.by === by && found.data.state === 'done',
    )
    return applied || item?.data.state === 'done' ? item?.data : undefined
  }
  let ran = false
  const { settled } = await whileHeld(lease, { extend }, [signal], async (running) => {
    const result = await fn({ signal: running })
    ran = true
    return storeCertainly(ending, lease, () => store(result === undefined ? {} : { result }))
  })
  if ('result' in settled) {
    if (settled.result) return resultOf(settled.result, at)
    throw takenOver(at)
  }
  // What ran must not run again because of what it returned.
  if (ran && settled.error instanceof InvalidInput) {
    if (!(await storeCertainly(ending, lease, () => store({ unstorable: true }))))
      throw takenOver(at, settled.error)
  } else if (!ran) await removePlace(db, at, placeOf<R>(by), {}).catch(() => {})
  throw settled.error
}

const takenOver = (at: AtomicDbItemKey, cause?: unknown): LeaseLost =>
  new LeaseLost(`${nameOf(at)} took longer than its lease and was taken over: give it a longer leaseMs`, {
    keys: [at],
    cause,
  })

/** While the lease holds, trouble of the backend does not make the run be forgotten. */
async function storeCertainly<T>(
  db: AtomicDbItemsInterface,
  lease: HeldLease,
  store: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await store()
    } catch (error) {
      if (error instanceof InvalidInput || !lease.isHeld || timeLeftOf(db) < 500) throw error
      await db.runtime.sleep(500)
    }
  }
}
