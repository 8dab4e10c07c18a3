import type { AtomicDbQueueItem } from '../interface.ts'
import { notify } from '../model/notify.ts'

/** What happened to a message, for logs and metrics. */
export type QueueWorkerEvent =
  /** `started`: given to the handler. `done`: acknowledged. `lost`: its receipt is no longer ours. */
  | { type: 'started' | 'done' | 'lost'; item: AtomicDbQueueItem }
  /** The handler failed (or took too long): the message comes again `delaySeconds` later, at `nextTryAt` (epoch ms). */
  | {
      type: 'retry'
      item: AtomicDbQueueItem
      error: unknown
      reason: string
      delaySeconds: number
      nextTryAt: number
    }
  /** `snooze`: the message comes again then, and was not received as far as `maxReceives` goes. */
  | { type: 'snoozed'; item: AtomicDbQueueItem; reason: string; delaySeconds: number; nextTryAt: number }
  /**
   * Received `maxReceives` times, or given up by its handler: moved to `deadLetter`. `error`: where the handler of this
   * worker failed last.
   */
  | { type: 'dead'; item: AtomicDbQueueItem; error?: unknown; reason: string; deadLetter: string }
  /** Given back unhandled (which does not count as received) or unfinished, by `stop` or at the end of the time. */
  | { type: 'released'; item: AtomicDbQueueItem }
  /** The database could not be reached or refused; the worker goes on. */
  | { type: 'error'; error: unknown }
  | { type: 'idle' | 'stopped' }

export interface Observed {
  /** Called at every transition. What it throws or rejects with is ignored. */
  onEvent?: (event: QueueWorkerEvent) => unknown
}

export const tell = ({ onEvent }: Observed, event: QueueWorkerEvent): void => notify(onEvent, event)
