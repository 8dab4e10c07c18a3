import type { CallOptions } from '../interface.ts'
import { maxDurationMs } from '../model/checks.ts'
import { notify } from '../model/notify.ts'
import type { Runtime } from '../runtime.ts'
import { atLeastOne, callTime } from './call-time.ts'

/** A lease that is extended in the background. */
export interface Keeping {
  runtime: Runtime
  /** What `extend` makes grow: a `Lease`, or anything that knows how much of its time is left. */
  lease: { readonly leftMs: number }
  /** How often it is extended, ms. Infinity: not at all. */
  everyMs: number
  extend(call: CallOptions): Promise<unknown>
  /** Bound on each call of the database, ms. */
  timeoutMs?: number
  /** Whether this error of `extend` says that the lease is no longer ours. After any other error it is tried again. */
  isLost(error: unknown): boolean
  /** Why it is lost when its time is over. `cause`: the last error of `extend`, if it failed. */
  overdue(cause: unknown): Error
  /** Aborted when the lease is lost, at the latest when its time is over. */
  lost: AbortController
  /** Ends the keeping. */
  done: AbortSignal
  /** Called for each failed extension that is tried again. Must not throw. */
  onError?(error: unknown): void
  /** Called once per stretch of trouble, when this much of the lease is left. */
  warning?: { beforeMs: number; warn: (leftMs: number) => unknown }
}

/** How often the clocks are looked at, ms: a suspended machine wakes up with its timers late. */
const lookMs = 1000

/**
 * Extends until `done` or lost. Never rejects. Resolves at once when `done` is aborted; an extension that is under
 * way then gets the same signal, and its answer no longer matters.
 */
export async function keep(keeping: Keeping): Promise<void> {
  const { runtime, lease, everyMs, lost, done } = keeping
  const warnWhenDue = warner(keeping)
  let due = runtime.monotonic() + everyMs
  let failure: unknown
  let extending: Promise<void> | undefined
  const attempt = async (): Promise<void> => {
    due = runtime.monotonic() + everyMs
    try {
      await keeping.extend(callTime(keeping, { signal: done, timeoutMs: timeFor(keeping) }))
      failure = undefined
    } catch (error) {
      if (done.aborted || lost.signal.aborted) return
      if (keeping.isLost(error)) return lost.abort(error)
      failure = error
      keeping.onError?.(error)
      due = runtime.monotonic() + Math.min(1000, everyMs / 5)
    } finally {
      extending = undefined
    }
  }
  while (!done.aborted && !lost.signal.aborted) {
    const left = lease.leftMs
    if (left <= 0) return lost.abort(keeping.overdue(failure))
    const untilWarning = warnWhenDue(left)
    const untilDue = due - runtime.monotonic()
    if (!extending && untilDue <= 0) extending = attempt()
    const ms = Math.min(left, lookMs, untilWarning, extending ? lookMs : untilDue)
    await sleepOr(runtime, Math.max(1, ms), done, extending)
  }
}

/**
 * How long an extension may take, ms: it ends shortly before the lease does, so that what kept it from success is
 * known then. Undefined: as long as it likes.
 */
function timeFor({ lease, timeoutMs = Number.POSITIVE_INFINITY }: Keeping): number | undefined {
  const most = Math.min(timeoutMs, lease.leftMs * 0.9, maxDurationMs)
  return most === maxDurationMs ? undefined : atLeastOne(most)
}

/** Warns once per stretch of trouble; returns how long until it would. */
function warner({ warning }: Keeping): (leftMs: number) => number {
  let warned = false
  return (leftMs) => {
    if (!warning) return Number.POSITIVE_INFINITY
    if (leftMs > warning.beforeMs) {
      warned = false
      return leftMs - warning.beforeMs
    }
    if (!warned) notify(warning.warn, leftMs)
    warned = true
    return Number.POSITIVE_INFINITY
  }
}

/** Sleeps, at most until the extension is answered or everything is over. */
async function sleepOr(
  runtime: Runtime,
  ms: number,
  done: AbortSignal,
  extending: Promise<void> | undefined,
): Promise<void> {
  const awake = new AbortController()
  const wake = () => awake.abort()
  done.addEventListener('abort', wake, { once: true })
  const sleeping = runtime.sleep(ms, { signal: awake.signal, unref: true }).catch(() => {})
  await (extending ? Promise.race([sleeping, extending]) : sleeping)
  done.removeEventListener('abort', wake)
  wake()
}
