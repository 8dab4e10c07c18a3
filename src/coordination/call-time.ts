import type { AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'
import type { Runtime } from '../runtime.ts'

/**
 * The options of one call for each of its requests: its signal, and what is left of its time at the moment at which
 * `timeoutMs` is read.
 */
export function callTime(
  { runtime }: { readonly runtime: Runtime },
  { signal, timeoutMs }: CallOptions,
): CallOptions {
  if (timeoutMs === undefined) return { signal }
  milliseconds(timeoutMs, 'timeoutMs')
  const began = runtime.monotonic()
  return {
    signal,
    get timeoutMs() {
      return atLeastOne(timeoutMs - (runtime.monotonic() - began))
    },
  }
}

/** Bound of this database on each call that does not say otherwise, ms. */
export const boundOf = (db: AtomicDbItemsInterface): number =>
  (db as { timeoutMs?: number }).timeoutMs ?? Number.POSITIVE_INFINITY

/** A request needs some time; one that begins too late ends at once. */
export const atLeastOne = (ms: number): number => Math.max(1, ms)

/** For how long a call that was given up still tidies up behind itself, ms. What stays then lapses. */
const tidyMs = 1000

/** For the requests with which a call that was given up tidies up. */
export const tidying = (db: AtomicDbItemsInterface): CallOptions => callTime(db, { timeoutMs: tidyMs })

/** More options for a request of the call; its time is still read when the request is made. */
export const during = <O extends object>(call: CallOptions, more: O): O & CallOptions => ({
  ...more,
  signal: call.signal,
  get timeoutMs() {
    return call.timeoutMs
  },
})

/** The same for the options that a caller gave. */
export function checkedCall(db: AtomicDbItemsInterface, options: CallOptions): CallOptions {
  checkOptions(options, ['signal', 'timeoutMs'])
  return callTime(db, options)
}
