import type { AtomicDbInterface, AtomicDbQueueStats } from '../../interface.ts'
import { inBatches, type Work, type WorkDone } from './work.ts'

const atOnce = 250

/** Deletes what the queue held when it was counted, and what came meanwhile at most up to the end of a batch. */
export function purge(
  db: AtomicDbInterface,
  queue: string,
  counted: Pick<AtomicDbQueueStats, 'ready' | 'inFlight' | 'delayed'>,
  options: { shards?: number; signal: AbortSignal },
  work: Work,
): Promise<WorkDone> {
  const total = counted.ready + counted.inFlight + counted.delayed
  return inBatches(
    work,
    total,
    (done) => `deleted ${done} of ${total}`,
    async (before) => {
      const limit = Math.min(atOnce, total - before)
      const done = await db.queuePurge(queue, { ...options, limit })
      return { done, over: done < limit }
    },
  )
}
