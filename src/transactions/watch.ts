import { equals } from '../engine/values.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey } from '../interface.ts'

export interface WatchOptions {
  /** Wait between reads after a change, ms. Default 500. */
  intervalMs?: number
  /** While nothing changes the wait doubles up to this, ms. Default 10,000. */
  maxIntervalMs?: number
  /** Read strongly (1 RRU per 4 KB a read) rather than eventually (half of that). Default false. */
  consistent?: boolean
  signal?: AbortSignal
}

/**
 * The item now, and again whenever it is seen to have changed (`undefined`: there is none).
 * By polling: changes that follow each other faster than the interval are seen as one. An idle watcher of a small
 * item costs 1 eventual read (0.5 RRU) every `maxIntervalMs`: about $0.03 a month with the defaults, on demand.
 * Ends when the loop is left; rejects with the signal's reason when it is aborted.
 */
export async function* watch<T = unknown>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  options: WatchOptions = {},
): AsyncGenerator<AtomicDbItem<T> | undefined> {
  const { intervalMs = 500, maxIntervalMs = 10_000, consistent = false, signal } = options
  if (!(intervalMs > 0))
    throw new InvalidInput('intervalMs', 'must be positive', { given: String(intervalMs) })
  if (!(maxIntervalMs >= intervalMs))
    throw new InvalidInput('maxIntervalMs', 'must be at least intervalMs', { given: String(maxIntervalMs) })
  let seen: AtomicDbItem<T> | undefined
  let wait = intervalMs
  for (let first = true; ; first = false) {
    const item = await db.get<T>(key, { consistent, signal })
    if (first || !equals(item, seen)) {
      seen = item
      wait = intervalMs
      yield item
    } else wait = Math.min(maxIntervalMs, wait * 2)
    await db.runtime.sleep(wait, { signal, unref: true })
  }
}
