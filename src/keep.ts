import type { Runtime } from './runtime.ts'

/** Something held for a time that is extended in the background. */
export interface Keeping {
  runtime: Runtime
  /** Until when it is held as far as we know, on the monotonic clock; what `extend` moves on. */
  until(): number
  /** How often it is extended, ms. Infinity: not at all. */
  everyMs: number
  extend(signal: AbortSignal): Promise<unknown>
  /** Whether this error of `extend` says that it is no longer ours; after any other it is tried again. */
  isLost(error: unknown): boolean
  /** Why it is lost when its time is over. */
  overdue(): Error
  /** Aborted as soon as it is lost, and no later than when its time is over. */
  lost: AbortController
  /** Ends the keeping. */
  done: AbortSignal
  onError?(error: unknown): void
}

/** Extends until `done` or lost. Never rejects; resolves when no extension is under way any more. */
export async function keep(keeping: Keeping): Promise<void> {
  const { runtime, until, everyMs, extend, lost, done } = keeping
  let wait = everyMs
  while (!done.aborted) {
    try {
      const ms = Math.max(0, Math.min(until() - runtime.monotonic(), wait))
      await runtime.sleep(ms, { signal: done, unref: true })
    } catch {
      return
    }
    const left = until() - runtime.monotonic()
    if (left <= 0) {
      lost.abort(keeping.overdue())
      return
    }
    wait = everyMs
    const answered = new AbortController()
    const extended = extend(done)
    try {
      // Not beyond our time: a reply that comes later is of no use.
      const late = runtime.sleep(left, { signal: answered.signal, unref: true }).catch(() => {})
      await Promise.race([extended, late])
    } catch (error) {
      if (done.aborted) return
      if (keeping.isLost(error)) {
        lost.abort(error)
        return
      }
      keeping.onError?.(error)
      wait = Math.min(1000, everyMs / 5)
    } finally {
      answered.abort()
      extended.catch(() => {})
    }
  }
}
