import { notify } from '../model/notify.ts'
import { tell } from './events.ts'
import { type QueueHandling, queueNameOf } from './options.ts'

/** The queue that is waited for. */
export interface AwaitedQueue {
  /** Its name, or that of the family of queues. */
  pk: string
  /** `pk` is that of a family: all queues whose names begin so. */
  isFamily?: true
}

/**
 * Tells a worker that there may be something in its queue. Called once by each worker: `wake` makes it look at once, by
 * a strong read (1 RRU), unless it is at work anyway. Returns a function that ends it, which `stop` calls.
 *
 * ```ts
 * const wakeUp: QueueWakeUp = (wake, { pk }) => {
 *   redis.subscribe(pk, wake)
 *   return () => redis.unsubscribe(pk, wake)
 * }
 * ```
 */
export type QueueWakeUp = (wake: () => void, queue: AwaitedQueue) => (() => void) | undefined

/** Listens to the wake-up that the user gave. One that throws leaves the worker with its looks. */
export function listen(
  wakeUp: QueueWakeUp | undefined,
  options: QueueHandling,
  wake: () => void,
): () => void {
  try {
    const queue = {
      pk: queueNameOf(options),
      ...(options.family !== undefined && { isFamily: true as const }),
    }
    const stop = wakeUp?.(wake, queue)
    return typeof stop === 'function' ? () => notify(stop, undefined) : () => {}
  } catch (error) {
    tell(options, { type: 'error', error })
    return () => {}
  }
}
