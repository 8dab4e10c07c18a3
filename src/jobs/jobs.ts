import { InvalidInput, RaceCondition, StaleReceipt } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItemKey,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  CallOptions,
} from '../interface.ts'
import { checkDb, checkFunction, checkOptions, milliseconds, wholeSeconds } from '../model/checks.ts'
import { deadLetterName, isInternalPk } from '../model/key-names.ts'
import { checkPk, checkPkAndSk } from '../model/keys.ts'
import { checkShards } from '../model/shards.ts'
import { announcePush, onPush } from '../model/wake.ts'
import { ulidSource } from '../runtime.ts'
import type { Transaction } from '../transactions/index.ts'
import { exactlyOnce } from '../worker/exactly-once.ts'
import type { QueueHandler } from '../worker/handling.ts'
import { QueueOutcome } from '../worker/outcomes.ts'
import { acknowledged } from '../worker/stopping.ts'
import { cancelledItem, doneItem, JobRun, stateKey } from './state.ts'
import { JobFailed, type JobStatus, statusOf } from './status.ts'

/** Options of `Jobs`. */
export interface JobsOptions {
  /** The queue. */
  pk: string
  /** How long it is known how a job ended, seconds, at least 600. @default 86400, a day */
  keepSeconds?: number
  /** For a queue with shards: their number. */
  shards?: number
  /** The dead-letter queue. @default `pk` with `#dead` */
  deadLetter?: string
}

/** What the handler of a job is given beside its message. */
export interface JobContext {
  signal: AbortSignal
  /** Says how far it is, in at most 1 KB. 1 WRU. False: the job is somebody else's by now. */
  progress: (value: unknown) => Promise<boolean>
}

const leastKeptSeconds = 600
const firstWaitMs = 250
const longestWaitMs = 5000

/**
 * Messages that are asked about: where they are, how far, and what their handler has returned. A push costs 2 WRU
 * instead of 1, an acknowledgement 4 instead of 1, since it writes the result in the same transaction, and every
 * hand-out 1 more, which says since when it is handled.
 *
 * @example
 * const jobs = new Jobs<{ to: string }, { sent: number }>(db, { pk: 'mails' })
 * const [job] = await jobs.push({ data: { to: 'ann' } })
 * const worker = new QueueWorker(db, jobs.handler(async (item, { progress }) => {
 *   await progress({ of: 1, done: 0 })
 *   return { sent: 1 }
 * }), { pk: 'mails' })
 * console.log(await jobs.status(job!), await jobs.result(job!, { timeoutMs: 30_000 }))
 */
export class Jobs<T = unknown, R = unknown> {
  readonly #db: AtomicDbInterface
  readonly #options: Required<Omit<JobsOptions, 'shards'>> & Pick<JobsOptions, 'shards'>
  readonly #ulid: () => string

  constructor(db: AtomicDbInterface, options: JobsOptions) {
    checkDb(db)
    checkOptions(options, ['pk', 'keepSeconds', 'shards', 'deadLetter'])
    const { pk, shards, keepSeconds = 86_400, deadLetter = deadLetterName(String(options?.pk)) } = options
    checkPk(pk)
    if (isInternalPk(pk))
      throw new InvalidInput('pk', 'is the name of rows that only the library reads', { given: pk })
    checkPk(deadLetter, 'deadLetter')
    wholeSeconds(keepSeconds, 'keepSeconds', { min: leastKeptSeconds })
    if (shards !== undefined) checkShards(shards)
    this.#db = db
    this.#options = { pk, shards, keepSeconds, deadLetter }
    this.#ulid = ulidSource(db.runtime)
  }

  /**
   * Pushes messages with keys of their own, which they keep whatever becomes of them. What is returned names them:
   * keep `pk` and `sk`. 2 WRU per KB each.
   */
  async push(
    items: JobInput<T> | readonly JobInput<T>[],
    options: CallOptions & { delaySeconds?: number; payloadThreshold?: number } = {},
  ): Promise<AtomicDbQueueItem<T>[]> {
    const { pk, shards } = this.#options
    const list = Array.isArray(items) ? (items as readonly JobInput<T>[]) : [items as JobInput<T>]
    const messages = list.map((item) => ({ ...item, pk, sk: item?.sk ?? this.#ulid() }))
    // A job whose result could not be written would be handled again and again.
    for (const message of messages) checkPkAndSk(stateKey(message), 'job')
    return this.#db.queuePush<T>(messages, shards === undefined ? options : { ...options, shards })
  }

  /**
   * A handler for `QueueWorker` and `queueLambda`. What it returns is the result, written together with the
   * acknowledgement; `retryAt`, `snooze` and `deadLetter` count as there. A result that cannot be stored, or has more
   * than 400 KB, is `InvalidInput`, and the handler has failed.
   */
  handler(work: (item: AtomicDbQueueItem<T>, context: JobContext) => Promise<R> | R): QueueHandler<T> {
    checkFunction(work, 'handler')
    return async (item, context) => {
      const run = await this.#begin(item)
      const result = await work(item, { ...context, progress: (value) => run.progress(value) })
      if (result instanceof QueueOutcome) return result
      await this.#acknowledge(item, doneItem(this.#db, item, this.#options.keepSeconds, result))
      announcePush(this.#db.runtime, stateKey(item).pk)
      return acknowledged
    }
  }

  /** The same for a handler whose writes commit together with its result and the acknowledgement, as `exactlyOnce`. */
  exactlyOnce(
    work: (tx: Transaction, item: AtomicDbQueueItem<T>, context: JobContext) => Promise<R> | R,
    options?: Parameters<typeof exactlyOnce>[2],
  ): QueueHandler<T> {
    checkFunction(work, 'handler')
    const { keepSeconds } = this.#options
    return async (item, context) => {
      const run = await this.#begin(item)
      const inTransaction = async (tx: Transaction) => {
        const result = await work(tx, item, { ...context, progress: (value) => run.progress(value) })
        if (!(result instanceof QueueOutcome)) tx.set(doneItem(this.#db, item, keepSeconds, result))
        return result
      }
      const outcome = await exactlyOnce<T>(this.#db, inTransaction, options)(item, context)
      announcePush(this.#db.runtime, stateKey(item).pk)
      return outcome
    }
  }

  async #begin(item: AtomicDbQueueItem<T>): Promise<JobRun> {
    const run = new JobRun(this.#db, item, this.#options.keepSeconds)
    await run.begin()
    return run
  }

  async #acknowledge(item: AtomicDbQueueItem<T>, done: ReturnType<typeof doneItem>): Promise<void> {
    try {
      await this.#db.transact([
        { type: 'queueAcknowledge', item },
        { type: 'set', item: done },
      ])
    } catch (error) {
      if (!(error instanceof RaceCondition) || !error.conflicts.some(({ reason }) => reason === 'receipt'))
        throw error
      const keys = [{ pk: item.pk, sk: item.sk }]
      throw new StaleReceipt('the job is no longer ours: its result was not written', { keys, cause: error })
    }
  }

  /**
   * Where a job is. `undefined`: it was never there, was purged or has expired, or ended longer ago than it is kept. 1 RRU
   * while it waits, 2 while it is handled and when it has ended, 3 for a dead letter; more where the message is larger than
   * 4 KB.
   */
  status(key: AtomicDbItemKey, options: CallOptions = {}): Promise<JobStatus<R> | undefined> {
    checkPkAndSk(key)
    return statusOf<R>(this.#db, key, this.#options.deadLetter, options)
  }

  /**
   * Waits until a job has ended, and returns its result: at once where this process handles it, else by looks at its
   * status, 250 ms apart at first and 5 s later.
   *
   * @throws JobFailed when it is a dead letter, was cancelled, is not known, or has not ended within `timeoutMs`.
   */
  async result(key: AtomicDbItemKey, options: { timeoutMs: number; signal?: AbortSignal }): Promise<R> {
    checkOptions(options, ['timeoutMs', 'signal'])
    const { timeoutMs, signal } = options
    milliseconds(timeoutMs, 'timeoutMs')
    checkPkAndSk(key)
    const { runtime } = this.#db
    const begun = runtime.monotonic()
    let ring = () => {}
    let rung = 0
    const stop = onPush(runtime, stateKey(key).pk, () => {
      rung++
      ring()
    })
    try {
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, 2 * waitMs)) {
        const seen = rung
        const status = await this.status(key, { signal })
        if (status?.state === 'done') return status.result as R
        if (!status || status.state === 'dead' || status.state === 'cancelled')
          throw new JobFailed(endOf(status), status, key)
        const left = timeoutMs - (runtime.monotonic() - begun)
        if (left <= 0) throw new JobFailed(`the job is ${status.state} after ${timeoutMs} ms`, status, key)
        const woken = new AbortController()
        ring = () => woken.abort()
        const stopped = () => woken.abort()
        signal?.addEventListener('abort', stopped, { once: true })
        if (rung > seen || signal?.aborted) woken.abort()
        const pause = Math.min(left, waitMs * (0.5 + runtime.random() / 2))
        await runtime.sleep(pause, { signal: woken.signal }).catch(() => {})
        signal?.removeEventListener('abort', stopped)
        signal?.throwIfAborted()
      }
    } finally {
      stop()
    }
  }

  /** Cancels a job that waits, as `queueCancel`, and keeps that. True: it was cancelled. 1 RRU and 4 WRU. */
  async cancel(key: AtomicDbItemKey, options: CallOptions = {}): Promise<boolean> {
    checkPkAndSk(key)
    const set = cancelledItem(this.#db, key, this.#options.keepSeconds)
    const isCancelled = await this.#db.queueCancel({ pk: key.pk, sk: key.sk }, { ...options, set })
    if (isCancelled) announcePush(this.#db.runtime, set.pk)
    return isCancelled
  }
}

/** A message for `push`: its queue is that of the jobs. */
export type JobInput<T = unknown> = Omit<AtomicDbQueueItemInput<T>, 'pk' | 'deduplicationId'>

function endOf(status: JobStatus | undefined): string {
  if (!status) return 'the job is not known: it was never there, has expired, or is kept no longer'
  return status.state === 'dead' ? `the job is dead: ${status.reason}` : 'the job was cancelled'
}
