import type { AtomicDbInterface } from '../../interface.ts'
import { inBatches, type Work, type WorkDone } from './work.ts'

const atOnce = 25
const suffix = '#dead'

/** The dead letters of a queue; the name of a dead-letter queue itself stays. */
export const deadLettersOf = (queue: string): string => (queue.endsWith(suffix) ? queue : queue + suffix)

export async function countDeadLetters(
  db: AtomicDbInterface,
  from: string,
  signal: AbortSignal,
): Promise<number> {
  const { ready } = await db.queueStats(from, { signal })
  return ready
}

/** Moves at most `total` back, so that one which fails again meanwhile is not moved for ever. */
export function redrive(
  db: AtomicDbInterface,
  options: { from: string; to?: string; shards?: number; signal: AbortSignal },
  total: number,
  work: Work,
): Promise<WorkDone> {
  return inBatches(
    work,
    total,
    (done) => `moved ${done} of ${total}`,
    async (before) => {
      const limit = Math.min(atOnce, total - before)
      const done = await db.queueRedrive({ ...options, limit })
      return { done, over: done < limit }
    },
  )
}
