import { randomUUID } from 'node:crypto'
import {
  type AtomicDbInterface,
  type AtomicDbQueueItem,
  emitQueueMetrics,
  exactlyOnce,
  type LambdaContext,
  type QueueWorkerEvent,
  queueLambda,
  type Transaction,
} from 'lockrow'
import { describeError, log } from './log.ts'
import { type Order, OUTBOX, type OutboxMessage, orderKey, shipmentKey } from './shop.ts'

export interface WorkerOptions {
  /** Name of the table, as the queue's metrics call it. Default: no metrics. */
  table?: string
  /** How long a message is claimed; extended while the handler runs. Default 30. */
  visibilitySeconds?: number
}

export type WorkerHandler = (
  event: unknown,
  context: LambdaContext,
) => Promise<{ handled: number; empty: boolean }>

/**
 * Ships what is in the outbox: the order's new state, the shipment and the end of the message commit together, so an
 * order is shipped once, whatever crashes, freezes or is delivered twice. Run by inserts (stream) and by a schedule,
 * whose runs also report the queue. Ends 5 s before its time is up; the rest is for the next run.
 */
export function workerHandler(db: AtomicDbInterface, options: WorkerOptions = {}): WorkerHandler {
  const { table, visibilitySeconds = 30 } = options
  const drain = queueLambda<OutboxMessage>(db, exactlyOnce(db, ship), {
    pk: OUTBOX,
    concurrency: 10,
    reserveMs: RESERVE_MS,
    visibilitySeconds,
    onEvent: report,
  })
  return async (event, context) => {
    const result = await drain(event, context)
    log('info', 'drained', { ...result, wokenBy: isStreamEvent(event) ? 'insert' : 'schedule' })
    if (table && !isStreamEvent(event)) await emit(db, table, context)
    return result
  }
}

const RESERVE_MS = 5000

/** May run several times for one message, if others get in its way: nothing but `tx` is touched. */
async function ship(tx: Transaction, { data }: AtomicDbQueueItem<OutboxMessage>): Promise<void> {
  const order = await tx.get<Order>(orderKey(data.order))
  if (!order) throw new Error('a message without its order')
  const tracking = randomUUID()
  tx.set({ ...order, data: { ...order.data, state: 'shipped', tracking } satisfies Order })
  tx.set({ ...shipmentKey(data.order, tracking), data: { tracking } })
}

/** What went wrong, without the content of messages. */
function report(event: QueueWorkerEvent): void {
  if (event.type === 'retry' || event.type === 'dead' || event.type === 'lost') {
    const { sk: message, receiveCount } = event.item
    const error = 'error' in event ? describeError(event.error) : {}
    log('warn', `message ${event.type}`, { message, receiveCount, ...error })
  }
  if (event.type === 'error') log('error', 'queue', describeError(event.error))
}

/** A reading of the queue for the alarms; its failure is no failure of the run. */
async function emit(db: AtomicDbInterface, table: string, context: LambdaContext): Promise<void> {
  try {
    const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - 1000))
    emitQueueMetrics({ table, queue: OUTBOX, ...(await db.queueStats(OUTBOX, { signal })) })
  } catch (error) {
    log('warn', 'metrics', describeError(error))
  }
}

const isStreamEvent = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && Array.isArray((event as { Records?: unknown }).Records)
