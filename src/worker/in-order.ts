import { Bell } from './bell.ts'

/** What failed, and why. */
export interface Failure<T> {
  of: T
  error: unknown
}

/**
 * Does the work for each of the list, several at once, those with one key one after the other. Begins no more after a
 * failure, or when the signal is aborted; what was not begun counts as failed. Returns the failures in the order of the
 * list: all that stand before the first one are done.
 */
export async function runInOrder<T>(
  list: readonly T[],
  most: number,
  signal: AbortSignal,
  keyOf: (of: T) => string,
  work: (of: T) => Promise<unknown>,
): Promise<Failure<T>[]> {
  const ended = new Bell()
  const busy = new Set<string>()
  const failures = new Map<number, Failure<T>>()
  const begin = async (of: T, index: number, key: string) => {
    busy.add(key)
    try {
      await work(of)
    } catch (error) {
      failures.set(index, { of, error })
    }
    busy.delete(key)
    ended.ring()
  }
  for (const [index, of] of list.entries()) {
    const key = keyOf(of)
    while ((busy.has(key) || busy.size >= most) && failures.size === 0) await ended.after(ended.count)
    if (failures.size > 0) break
    if (signal.aborted) {
      failures.set(index, { of, error: signal.reason })
      break
    }
    void begin(of, index, key)
  }
  while (busy.size > 0) await ended.after(ended.count)
  return [...failures].sort(([a], [b]) => a - b).map(([, failure]) => failure)
}
