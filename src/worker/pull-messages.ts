import type { AtomicDbInterface, AtomicDbQueuePullManyResult } from '../interface.ts'
import { tell } from './events.ts'
import { deadLetterOf, pullOptions, type QueueHandling } from './options.ts'

/** One pull of a consumer, which tells its observer of the messages that the pull gave up. */
export async function pullMessages<T>(
  db: AtomicDbInterface,
  options: QueueHandling,
  limit: number,
  signal: AbortSignal,
  consistent?: boolean,
): Promise<AtomicDbQueuePullManyResult<T>> {
  const pulled = await db.queuePullMany<T>({ ...pullOptions(options), consistent, limit, signal })
  for (const item of pulled.dead ?? []) {
    const reason = item.deadLetter?.reason ?? ''
    tell(options, { type: 'dead', item, reason, deadLetter: deadLetterOf(options) })
  }
  return pulled
}
