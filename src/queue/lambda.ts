import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import {
  checkHandling,
  handleMessage,
  pullOptions,
  type QueueHandler,
  type QueueHandling,
  tell,
  WorkerStopped,
} from './handling.ts'

/** What is used of Lambda's context. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

export interface QueueLambdaOptions extends QueueHandling {
  pk: string
  /** Messages handled at once. Default 10. */
  concurrency?: number
  /** How long before the end of the invocation unfinished messages are given back, ms. Default 5000. */
  reserveMs?: number
}

/**
 * A Lambda handler that drains a queue within the time of its invocation, whatever the event (a schedule, a stream
 * record, a direct call). It ends when the queue is empty, or `reserveMs` before the time is up: handlers still running
 * then have their signal aborted and their messages are released. Returns how many were acknowledged.
 */
export function queueLambda<T = unknown>(
  db: AtomicDbInterface,
  handler: QueueHandler<T>,
  options: QueueLambdaOptions,
): (event: unknown, context: LambdaContext) => Promise<{ handled: number; empty: boolean }> {
  const { concurrency = 10, reserveMs = 5000, pk } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw new InvalidInput('concurrency', 'must be a whole number from 1', { given: String(concurrency) })
  checkHandling(options)
  return async (_event, context) => {
    const giveUp = new AbortController()
    const done = new AbortController()
    const left = () => context.getRemainingTimeInMillis() - reserveMs
    const alarm = db.runtime.sleep(Math.max(0, left()), { signal: done.signal }).then(
      () => giveUp.abort(new WorkerStopped('the time of this invocation is up')),
      () => {},
    )
    let handled = 0
    let empty = false
    const counted: QueueHandling = {
      ...options,
      onEvent: (event) => {
        if (event.type === 'done') handled++
        tell(options, event)
      },
    }
    const running = new Set<Promise<void>>()
    try {
      while (!giveUp.signal.aborted && left() > 0) {
        if (running.size >= concurrency) {
          await Promise.race(running)
          continue
        }
        const limit = concurrency - running.size
        const { items } = await db.queuePullMany<T>({ pk, limit, ...pullOptions(options) })
        for (const item of items) {
          const work = handleMessage(db, item, handler, counted, giveUp.signal).finally(() =>
            running.delete(work),
          )
          running.add(work)
        }
        if (items.length > 0) continue
        // What is being handled may push more, or come back.
        if (running.size === 0) {
          empty = true
          break
        }
        await Promise.race(running)
      }
      await Promise.all(running)
    } finally {
      done.abort()
      await Promise.all(running)
      await alarm
    }
    return { handled, empty }
  }
}
