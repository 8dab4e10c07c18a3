import { checkBoolean, checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'

/** Options of `AtomicLRUCache`: what it keeps, and for how long. */
export interface AtomicLRUCacheOptions {
  /** How many items are kept; a missing item takes a place too. 1 to 10,000,000. */
  maxItems: number
  /**
   * How old an answer from the cache may be, ms since its read was sent. The only bound on what other processes write.
   *
   * @default none: an item is kept until it is evicted, expires, or is written through this cache
   */
  maxAgeMs?: number
  /**
   * `true`: every read returns a copy of its own. `false`: hits share one object, which is several times faster; a
   * caller that changes it changes what others read.
   *
   * @default true
   */
  copy?: boolean
}

const maxPlaces = 10_000_000

export function checkedOptions(
  given: number | AtomicLRUCacheOptions,
): AtomicLRUCacheOptions & { copy: boolean } {
  const options = typeof given === 'number' ? { maxItems: given } : given
  checkOptions(options, ['maxItems', 'maxAgeMs', 'copy'])
  const maxItems = wholeNumber(options?.maxItems, 'maxItems', { min: 1, max: maxPlaces })
  const { maxAgeMs, copy = true } = options
  if (maxAgeMs !== undefined) milliseconds(maxAgeMs, 'maxAgeMs')
  checkBoolean(copy, 'copy')
  return { maxItems, maxAgeMs, copy }
}
