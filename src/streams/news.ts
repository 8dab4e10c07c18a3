import type { StreamRecord } from './client.ts'

/** Of the row that says whether a queue is paused. */
const controlSk = '~control'

/**
 * The partitions in which something has appeared that can be pulled, in the order of the records. What was claimed or
 * acknowledged within the same records is no news, nor is a claim or an extension.
 */
export function newsIn(records: readonly StreamRecord[]): string[] {
  const fresh = new Map<string, string>()
  for (const { eventName, dynamodb } of records) {
    const [pk, sk] = [dynamodb?.Keys?.pk?.S, dynamodb?.Keys?.sk?.S]
    if (pk === undefined || sk === undefined) continue
    const key = JSON.stringify([pk, sk])
    fresh.delete(key)
    if (eventName === 'INSERT' || (eventName === 'MODIFY' && cameBack(sk, dynamodb?.NewImage)))
      fresh.set(key, pk)
  }
  return [...new Set(fresh.values())]
}

/** Given back by its consumer, or the settings of the queue have changed. Without images only the latter is seen. */
const cameBack = (sk: string, image: Record<string, unknown> | undefined): boolean =>
  sk === controlSk || (image !== undefined && 'n' in image && !('r' in image))
