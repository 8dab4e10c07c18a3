import type { AtomicDbInterface } from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import type { QueueHandler } from './handling.ts'
import { type Drained, Invocation } from './invocation.ts'
import {
  checkSettings,
  LambdaQueues,
  type QueueHandlers,
  type QueueLambdaOptions,
  type QueueLambdaSettings,
} from './lambda-queues.ts'
import { type LambdaContext, remainingMs } from './remaining-time.ts'
import { wakeIn } from './wake-event.ts'

export type { QueueLambdaOptions }

type QueueLambda = (event: unknown, context: LambdaContext) => Promise<Drained>

/**
 * A Lambda handler that drains queues within the time of its invocation. Which of them, the event says: `{ queue }`, as
 * the schedule of `addQueueWorker` and direct calls send it, or the records of the table's stream; any other event
 * means all. It ends when nothing can be taken (`empty`; delayed messages, and under `strict` those behind one that
 * waits for its retry, may still be there), or `reserveMs` before the time is up: handlers still running then have
 * their signal aborted and their messages are released, and no request is waited for beyond nine tenths of that
 * reserve. Returns how many were acknowledged, and the earliest moment at which something that is known of becomes
 * available (`nextDue`, epoch ms; for `oneShotWakeUp`). A pull that fails ends its queue: what is in hand is finished, the other
 * queues are drained, then the error is thrown, so that the invocation counts as failed.
 *
 * @throws InvalidInput when `reserveMs` leaves no time, or the event names a queue that is not served.
 * @example
 * ```ts
 * export const handler = queueLambda(db, send, { pk: 'mails', shards: 8 })
 * ```
 * Several queues, each with a handler and settings of its own:
 * ```ts
 * export const handler = queueLambda(db, {
 *   mails: (item: AtomicDbQueueItem<Mail>) => send(item.data),
 *   reports: { handler: exactlyOnce(db, report), strict: true, visibilitySeconds: 300 },
 * })
 * ```
 */
export function queueLambda<T = unknown>(
  db: AtomicDbInterface,
  handler: QueueHandler<T>,
  options: QueueLambdaOptions,
): QueueLambda
export function queueLambda(
  db: AtomicDbInterface,
  handlers: QueueHandlers,
  options?: QueueLambdaSettings,
): QueueLambda
export function queueLambda(
  db: AtomicDbInterface,
  handlers: QueueHandler<never> | QueueHandlers,
  options?: QueueLambdaOptions,
): QueueLambda {
  checkDb(db)
  const queues = new LambdaQueues(handlers, options)
  const { concurrency, reserveMs } = options ?? {}
  checkSettings({ concurrency, reserveMs })
  return async (event, context) => {
    const invocation = new Invocation(db, { concurrency, reserveMs }, remainingMs(context))
    return invocation.run(queues.for(wakeIn(event)))
  }
}
