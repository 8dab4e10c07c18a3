import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { checkDb, checkFunction } from '../model/checks.ts'
import { consume, type Transaction, type TransactionOptions } from '../transactions/index.ts'
import { checkTransaction } from '../transactions/run.ts'
import { acknowledged, type QueueHandler } from './handling.ts'

/**
 * A handler for `QueueWorker` and `queueLambda` whose writes, what it sends, and the acknowledgement commit together:
 * exactly once in effect. On a conflict it runs again, so its only effects should be those through `tx`.
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
    await consume(db, item, (tx) => handler(tx, item, context), { ...options, signal: context.signal })
    return acknowledged
  }
}
