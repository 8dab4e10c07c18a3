import { type Conflict, InvalidInput, RaceCondition, StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, AtomicDbQueueItem, CallOptions } from '../interface.ts'
import { Transaction } from './transaction.ts'

export interface TransactionOptions extends CallOptions {
  /** How often the callback is run at most. Default 10. */
  attempts?: number
  /** No new attempt once so much time has passed, ms. Default: none. */
  deadlineMs?: number
  /** Upper bound of the first wait between attempts, ms; it doubles up to `maxMs`. Default 10. */
  baseMs?: number
  /** Upper bound of any wait between attempts, ms. Default 1000. */
  maxMs?: number
}

/**
 * Runs `fn` as a serializable transaction: what it read is unchanged when its writes commit, all at once; if not, it
 * is run again after a random wait ('full jitter': M. Brooker, Exponential Backoff And Jitter, AWS Architecture
 * Blog, 2015). `fn` may run several times, so its only effects should be those through `tx`. Returns what it returned.
 *
 * ```ts
 * await transaction(db, async (tx) => {
 *   const [from, to] = await tx.getMany<Account>([{ pk: 'acc', sk: 'a' }, { pk: 'acc', sk: 'b' }])
 *   tx.set({ ...from!, data: { balance: from!.data.balance - 10 } })
 *   tx.set({ ...to!, data: { balance: to!.data.balance + 10 } })
 * })
 * ```
 *
 * Optimistic: the locks (`lockKey`) of all items read are checked, those of items written get a new version. Writes
 * outside of transactions (`set`, `update`) do not look at locks and are not seen.
 * 1 read request per 50 items (4 RRU each up to 4 KB) and 1 write request (2 WRU per lock, and per item and KB).
 * `RaceCondition` when the attempts are used up: it says what conflicted and how often it was tried.
 */
export async function transaction<R>(
  db: AtomicDbInterface,
  fn: (tx: Transaction) => Promise<R> | R,
  options: TransactionOptions = {},
): Promise<R> {
  const { attempts = 10, deadlineMs, baseMs = 10, maxMs = 1000, signal } = options
  if (!Number.isSafeInteger(attempts) || attempts < 1)
    throw new InvalidInput('attempts', 'must be a whole number from 1', { given: String(attempts) })
  const started = db.runtime.monotonic()
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const outcome = await once(db, fn, { signal })
    if ('result' in outcome) return outcome.result
    const late = deadlineMs !== undefined && db.runtime.monotonic() - started >= deadlineMs
    if (attempt >= attempts || late) throw givenUp(outcome.race, attempt)
    await db.runtime.sleep(db.runtime.random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1)), { signal })
  }
}

async function once<R>(
  db: AtomicDbInterface,
  fn: (tx: Transaction) => Promise<R> | R,
  options: CallOptions,
): Promise<{ result: R } | { race: RaceCondition }> {
  const tx = new Transaction(db, options)
  let result: R
  try {
    result = await fn(tx)
  } catch (error) {
    // Reads of different moments may not fit together and have misled the callback: then its error means nothing.
    const race =
      error instanceof RaceCondition || !tx.mayBeTorn ? undefined : await conflictOf(() => tx.verify())
    if (race) return { race }
    throw error
  }
  const race = await conflictOf(() => tx.commit())
  return race ? { race } : { result }
}

async function conflictOf(work: () => Promise<void>): Promise<RaceCondition | undefined> {
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
    // Only a changed lock or a conflict is worth another run; a key that is taken stays taken.
    if (!error.conflicts.every(isTransient)) throw error
    return error
  }
}

const isTransient = ({ reason }: Conflict): boolean => reason === 'lock' || reason === 'conflict'

function givenUp(race: RaceCondition, attempts: number): RaceCondition {
  const keys = race.conflicts.slice(0, 5).map(({ key }) => `${key.pk}/${key.sk}`)
  return new RaceCondition(
    `gave up after ${attempts} attempts, last in conflict at ${keys.join(', ')}`,
    race.conflicts,
    { cause: race, attempts },
  )
}

/**
 * Handles a pulled message exactly once in effect: the handler's writes, what it sends, and the acknowledgement
 * commit together. Should the message come again although a first run committed, nothing changes: the commit deletes
 * the message, so a second hand-out cannot commit (`StaleReceipt`).
 *
 * ```ts
 * const { item } = await db.queuePull<Job>({ pk: 'jobs' })
 * if (item) await consume(db, item, async (tx) => { ... tx.set(...), tx.queuePush(...) })
 * ```
 */
export async function consume<T, R>(
  db: AtomicDbInterface,
  message: AtomicDbQueueItem<T>,
  handler: (tx: Transaction, message: AtomicDbQueueItem<T>) => Promise<R> | R,
  options?: TransactionOptions,
): Promise<R> {
  if (typeof (message as AtomicDbItemKey & { receipt?: unknown }).receipt !== 'string')
    throw new InvalidInput('message', 'has no receipt: pass it as it was pulled')
  return transaction(
    db,
    async (tx) => {
      const result = await handler(tx, message)
      tx.queueAcknowledge(message)
      return result
    },
    options,
  )
}
