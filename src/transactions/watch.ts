import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface } from '../interface.ts'
import { checkDb, milliseconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { timeLeftOf } from '../model/time-left.ts'
import { clone, equals } from '../model/values.ts'

/** Options of `watch`. */
export interface WatchOptions {
  /**
   * Wait between reads after a change, ms.
   *
   * @default 500
   */
  intervalMs?: number
  /**
   * While nothing changes the wait doubles up to this, ms.
   *
   * @default 10,000, or `intervalMs` where that is more
   */
  maxIntervalMs?: number
  /**
   * Read strongly (1 RRU per 4 KB a read) rather than eventually (half of that).
   *
   * @default false
   */
  consistent?: boolean
  signal?: AbortSignal
}

const checkWatchOptions = /* @__PURE__ */ optionsCheck<WatchOptions>(() => [
  { intervalMs: true, maxIntervalMs: true, consistent: 'boolean', signal: true },
  { interval: "use 'intervalMs'", pollMs: "use 'intervalMs'" },
])

/**
 * The item now, and again whenever it is seen to have changed (`undefined`: there is none).
 * By polling: changes that follow each other faster than the interval are seen as one. An idle watcher of a small
 * item costs 1 eventual read (0.5 RRU) every `maxIntervalMs`: about $0.03 a month with the defaults, on demand.
 * Over an `AtomicLRUCache` it asks the database too. Ends when the loop is left; rejects with the signal's reason when
 * it is aborted.
 */
export async function* watch<T = unknown>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  options: WatchOptions = {},
): AsyncGenerator<AtomicDbItem<T> | undefined> {
  checkDb(db)
  checkWatchOptions(options)
  const {
    intervalMs = 500,
    maxIntervalMs = Math.max(10_000, intervalMs),
    consistent = false,
    signal,
  } = options
  milliseconds(intervalMs, 'intervalMs')
  if (milliseconds(maxIntervalMs, 'maxIntervalMs') < intervalMs)
    throw new InvalidInput('maxIntervalMs', 'must be at least intervalMs', { given: String(maxIntervalMs) })
  let seen: AtomicDbItem<T> | undefined
  let wait = intervalMs
  for (let first = true; ; first = false) {
    const item = await db.get<T>(key, { consistent, signal })
    if (first || !equals(item, seen)) {
      // A copy: what the reader does to it is no change of the item.
      seen = clone(item)
      wait = intervalMs
      yield item
    } else wait = Math.min(maxIntervalMs, wait * 2)
    // When the time of the database is up, its next read says so.
    await db.runtime.sleep(Math.max(0, Math.min(wait, timeLeftOf(db))), { signal, unref: true })
  }
}
