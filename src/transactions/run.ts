import {
  BackendError,
  type Conflict,
  InvalidInput,
  OutcomeUnknown,
  RaceCondition,
  StaleReceipt,
  Throttled,
} from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, AtomicDbQueueItem, CallOptions } from '../interface.ts'
import { checkDb, checkFunction, milliseconds, wholeNumber } from '../model/checks.ts'
import { checkOfTransaction } from '../model/last-moment.ts'
import { callOptions, optionsCheck } from '../model/options-check.ts'
import { timeLeftOf } from '../model/time-left.ts'
import { Rollback } from './rollback.ts'
import { Session, type SessionOptions } from './session.ts'
import { Scope, type Transaction } from './transaction.ts'

/** Options of `transaction`. */
export interface TransactionOptions extends CallOptions {
  /**
   * `false`: written items do not give their locks new versions, 2 WRU per row instead of 4. For data that nobody
   * reads with `getLock` or `getLocked`: holders of a lock would not notice the write. Transactions notice it anyway.
   *
   * @default true
   */
  locks?: boolean
  /**
   * How often the callback is run at most.
   *
   * @default 10
   */
  attempts?: number
  /** No new attempt once so much time has passed, ms. `timeoutMs` also ends the calls under way. Default: none. */
  deadlineMs?: number
  /**
   * Upper bound of the first wait between attempts, ms; it doubles up to `maxMs`.
   *
   * @default 10
   */
  baseMs?: number
  /**
   * Upper bound of any wait between attempts, ms.
   *
   * @default 1000
   */
  maxMs?: number
}

const checkTransactionOptions = /* @__PURE__ */ optionsCheck<TransactionOptions>(() => [
  { ...callOptions, locks: 'boolean', attempts: true, deadlineMs: true, baseMs: true, maxMs: true },
  { retries: "use 'attempts'", maxAttempts: "use 'attempts'", idempotencyKey: 'use transact or atomic(db)' },
])

export function checkTransaction(options: TransactionOptions): void {
  checkTransactionOptions(options)
  const { attempts, deadlineMs, baseMs, maxMs } = options
  if (attempts !== undefined) wholeNumber(attempts, 'attempts', { min: 1 })
  for (const [field, ms] of Object.entries({ baseMs, maxMs, deadlineMs }))
    if (ms !== undefined) milliseconds(ms, field, { zero: true })
}

/**
 * Runs `fn` as a serializable transaction: what it read is there unchanged when its writes commit, all at once,
 * whoever writes: `set`, `update` and `delete` as well as other transactions. If not, `fn` is run again after a random
 * wait ('full jitter': M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015), so its only effects
 * should be those through `tx`. Returns what `fn` returned. Nothing that it concluded counts before the check, its
 * errors included.
 *
 * Whatever `fn` returns commits, also `{ ok: false }`: to leave without writing, `tx.rollback(value)` or throw.
 *
 * Reads cost 1 RRU per started 4 KB. The commit is 1 request: 2 WRU for each item that was only read, 4 per item
 * written (2 with `locks: false`), per started KB. Without writes: nothing where one item was read, else 1 request and
 * 2 RRU per item. A comparison is up to 400 KB; all that is written and compared up to 4 MB.
 *
 * @throws RaceCondition when the attempts are used up: what conflicted, and how often it was tried.
 * @throws InvalidInput for what cannot be, at the call of `tx` that asks for it.
 *
 * @example
 * await transaction(db, async (tx) => {
 *   const [from, to] = await tx.getMany<Account>([{ pk: 'acc', sk: 'a' }, { pk: 'acc', sk: 'b' }])
 *   if (from!.data.balance < 10) return tx.rollback('not enough')
 *   tx.set({ ...from!, data: { balance: from!.data.balance - 10 } })
 *   tx.set({ ...to!, data: { balance: to!.data.balance + 10 } })
 * })
 */
export async function transaction<R>(
  db: AtomicDbItemsInterface,
  fn: (tx: Transaction) => Promise<R> | R,
  options: TransactionOptions = {},
): Promise<R> {
  checkDb(db)
  checkFunction(fn, 'fn')
  checkTransaction(options)
  const { locks = true, attempts = 10, deadlineMs, baseMs = 10, maxMs = 1000, signal, timeoutMs } = options
  const started = db.runtime.monotonic()
  const passed = () => db.runtime.monotonic() - started
  const bound = Math.min(deadlineMs ?? Number.POSITIVE_INFINITY, timeoutMs ?? Number.POSITIVE_INFINITY)
  // At least 1 ms: the call itself says that the time is over.
  const call = (): CallOptions =>
    timeoutMs === undefined ? { signal } : { signal, timeoutMs: Math.max(1, timeoutMs - passed()) }
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const outcome = await runAttempt(db, fn, { locks, call })
    if ('result' in outcome) return outcome.result
    const waitMs = db.runtime.random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1))
    const isLate = passed() + waitMs >= bound || waitMs >= timeLeftOf(db)
    if (attempt >= attempts || isLate) throw givenUp(outcome.race, attempt)
    await db.runtime.sleep(waitMs, { signal })
  }
}

type Outcome<R> = { result: R } | { race: RaceCondition }

async function runAttempt<R>(
  db: AtomicDbItemsInterface,
  fn: (tx: Transaction) => Promise<R> | R,
  options: SessionOptions,
): Promise<Outcome<R>> {
  const session = new Session(db, options)
  const scope = new Scope(session)
  let result: R
  try {
    result = await called(fn, scope)
  } catch (error) {
    if (!isConclusion(error, options)) throw error
    // Reads of different moments may not fit together and have misled the callback: then what it says means nothing.
    const race = await raceOf(() => session.verify())
    if (race) return { race }
    if (error instanceof Rollback) return { result: error.value as R }
    throw error
  }
  const race = await raceOf(() => session.commit(checkOfTransaction(scope)))
  return race ? { race } : { result }
}

async function called<R>(fn: (tx: Transaction) => Promise<R> | R, scope: Scope): Promise<R> {
  try {
    const result = await fn(scope)
    await scope.close()
    if (scope.left) throw scope.left
    return result
  } catch (error) {
    scope.abandon()
    throw scope.left ?? error
  }
}

/** Whether what was thrown may follow from what was read; the others say that something could not be read or done. */
const isConclusion = (error: unknown, { call }: SessionOptions): boolean =>
  !call().signal?.aborted &&
  !(error instanceof Throttled || error instanceof BackendError || error instanceof OutcomeUnknown)

async function raceOf(work: () => Promise<void>): Promise<RaceCondition | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (!(error instanceof RaceCondition)) throw error
    const lost = error.conflicts.find((conflict) => conflict.reason === 'receipt')
    if (lost)
      throw new StaleReceipt(
        `the message ${lost.key.pk}/${lost.key.sk} is no longer ours: nothing was committed`,
        { keys: [lost.key], cause: error },
      )
    return error
  }
}

function givenUp(race: RaceCondition, attempts: number): RaceCondition {
  const keys = race.conflicts.slice(0, 5).map(({ key }: Conflict) => `${key.pk}/${key.sk}`)
  return new RaceCondition(
    `gave up after ${attempts} attempts, last in conflict at ${keys.join(', ')}`,
    race.conflicts,
    { cause: race, attempts },
  )
}

/**
 * Handles a pulled message exactly once in effect: the handler's writes, what it sends, and the acknowledgement
 * commit together. Should the message come again although a first run committed, nothing changes: the commit deletes
 * the message, so a second hand-out cannot commit (`StaleReceipt`). A handler that leaves with `tx.rollback` has not
 * handled the message: it comes again. 1 request beside what the handler reads.
 *
 * @example
 * const { item } = await db.queuePull<Job>({ pk: 'jobs' })
 * if (item) await consume(db, item, async (tx) => { ... tx.set(...), tx.queuePush(...) })
 */
export async function consume<T, R>(
  db: AtomicDbItemsInterface,
  message: AtomicDbQueueItem<T>,
  handler: (tx: Transaction, message: AtomicDbQueueItem<T>) => Promise<R> | R,
  options?: TransactionOptions,
): Promise<R> {
  checkDb(db)
  checkFunction(handler, 'handler')
  if (typeof (message as (AtomicDbItemKey & { receipt?: unknown }) | undefined)?.receipt !== 'string')
    throw new InvalidInput('message', 'has no receipt: pass it as it was pulled')
  return transaction(
    db,
    (tx) => {
      // First, so that there is room for it.
      tx.queueAcknowledge(message)
      return handler(tx, message)
    },
    options,
  )
}
