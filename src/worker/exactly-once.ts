import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { checkDb, checkFunction } from '../model/checks.ts'
import { consume, Rollback, type Transaction, type TransactionOptions } from '../transactions/index.ts'
import { checkTransaction } from '../transactions/run.ts'
import type { QueueHandler } from './handling.ts'
import { QueueOutcome } from './outcomes.ts'
import { acknowledged } from './stopping.ts'

/**
 * A handler for `QueueWorker` and `queueLambda` whose writes, what it sends, and the acknowledgement commit together:
 * exactly once in effect. On a conflict it runs again, so its only effects should be those through `tx`. With
 * `retryAt`, `snooze` or `deadLetter`, returned or thrown, nothing of it is written; a handler that leaves with
 * `tx.rollback` has failed.
 *
 * ```ts
 * new QueueWorker(db, exactlyOnce(db, async (tx, item) => tx.set({ pk: 'done', sk: item.sk })), { pk: 'jobs' })
 * ```
 */
export function exactlyOnce<T = unknown>(
  db: AtomicDbInterface,
  handler: (tx: Transaction, item: AtomicDbQueueItem<T>, context: { signal: AbortSignal }) => unknown,
  options: Omit<TransactionOptions, 'signal'> = {},
): QueueHandler<T> {
  checkDb(db)
  checkFunction(handler, 'handler')
  checkTransaction(options)
  return async (item, context) => {
    const run = { wrote: false }
    const result = await consume(db, item, (tx) => unlessLeft(run, tx, handler(tx, item, context)), {
      ...options,
      signal: context.signal,
    })
    if (run.wrote) return acknowledged
    if (result instanceof QueueOutcome) return result
    throw new Rollback(result)
  }
}

/** Leaves the transaction without writing where the handler wants the message back. */
async function unlessLeft(run: { wrote: boolean }, tx: Transaction, handled: unknown): Promise<unknown> {
  run.wrote = false
  const result = await handled
  if (result instanceof QueueOutcome) return tx.rollback(result)
  run.wrote = true
  return result
}
