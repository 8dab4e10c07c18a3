import { BackendError, OutcomeUnknown, RaceCondition, Throttled } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import type { Runtime } from '../runtime.ts'
import { type FaultKind, StorageFault } from '../storage.ts'
import type { Context } from './context.ts'

export interface RetryOptions {
  /**
   * Tries of one request; a call of many requests makes one repeat less than this without progress.
   * @default 10
   */
  attempts?: number
  /**
   * Upper bound of the first wait, ms; it doubles with each failure in a row.
   * @default 25
   */
  baseMs?: number
  /**
   * Upper bound of any wait, ms.
   * @default 2000
   */
  maxMs?: number
}

export function checkRetry(options: RetryOptions = {}): RetryOptions {
  checkOptions(options, ['attempts', 'baseMs', 'maxMs'], 'retry')
  const { attempts, baseMs, maxMs } = options
  if (attempts !== undefined) wholeNumber(attempts, 'retry.attempts', { min: 1 })
  if (baseMs !== undefined) milliseconds(baseMs, 'retry.baseMs', { zero: true })
  if (maxMs !== undefined) milliseconds(maxMs, 'retry.maxMs', { zero: true })
  return Object.freeze({ ...options })
}

const defaultAttempts = 10

/**
 * The wait before a repeat: uniform between 0 and a bound that doubles with each failure in a row.
 * 'Full jitter', see M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
 */
function waitBefore(runtime: Runtime, failures: number, options: RetryOptions): number {
  return runtime.random() * Math.min(options.maxMs ?? 2000, (options.baseMs ?? 25) * 2 ** (failures - 1))
}

/**
 * What a lost reply means for a request. `read`: nothing, ask again. `idempotent`: doing it twice is as good as once.
 * `once`: the caller must find out; the fault is thrown on. See lost-replies.ts.
 */
export type Repeatable = 'read' | 'idempotent' | 'once'

/** What happens inside of a call, for logs and metrics: a try that did not succeed and will be repeated. */
export interface AtomicDbEvent {
  type: 'retry'
  /** Why: see `FaultKind`. */
  reason: Exclude<FaultKind, 'invalid' | 'mismatch'>
  /** How many tries in a row have failed. */
  attempt: number
  keys: readonly AtomicDbItemKey[]
}

/** Whether a reply was lost: what was sent may have been applied, or may yet arrive and be applied. */
export interface Doubt {
  unanswered: boolean
  /** How it ended, for when the doubt is resolved later: the last fault, or what cannot be repeated. */
  fault?: StorageFault
  refusal?: unknown
}

/**
 * Runs `request` until it is neither refused nor, where that may be repeated, without reply. All requests of a call
 * share one budget: at most `attempts` failures in a row, and the deadline.
 */
export async function retried<T>(
  context: Pick<Context, 'runtime' | 'retry' | 'onEvent' | 'call'>,
  repeatable: Repeatable,
  keys: readonly AtomicDbItemKey[],
  request: () => Promise<T>,
  doubt: Doubt = { unanswered: false },
): Promise<T> {
  const { call } = context
  let skewed = 0
  let last: StorageFault | undefined
  for (;;) {
    try {
      call.check()
      const result = await call.bound(request())
      call.repeats = 0
      return result
    } catch (error) {
      if (call.aborted) throw error
      if (!isRepeatable(error)) {
        doubt.refusal = error
        throw doubt.unanswered ? unknownOutcome(keys, error) : error
      }
      if (leavesDoubt(error) && repeatable === 'once') throw error
      if (leavesDoubt(error) && repeatable !== 'read') doubt.unanswered = true
      // Of a read that the deadline cuts, the refusal before it says more.
      if (call.left <= 0 && last && !doubt.unanswered) throw surrender(last, doubt, keys)
      last = error
      if (error.kind === 'skewed' && skewed++ > 0) throw surrender(error, doubt, keys)
      await beforeRepeat(context, keys, error, doubt)
    }
  }
}

const isRepeatable = (error: unknown): error is StorageFault =>
  error instanceof StorageFault && error.kind !== 'invalid' && error.kind !== 'mismatch'

/** What was sent may have been applied, or may yet be. */
export const leavesDoubt = (fault: StorageFault): boolean =>
  fault.kind === 'unknown' || fault.kind === 'inProgress'

/** Waits before the next try, or gives up: the tries or the time are used up. */
export async function beforeRepeat(
  context: Pick<Context, 'runtime' | 'retry' | 'onEvent' | 'call'>,
  keys: readonly AtomicDbItemKey[],
  fault: StorageFault,
  doubt: Doubt,
): Promise<void> {
  const { call, runtime, retry, onEvent } = context
  if (call.aborted) throw call.signal?.reason
  const attempt = ++call.repeats
  const wait = waitBefore(runtime, attempt, retry)
  if (attempt >= (retry.attempts ?? defaultAttempts) || wait >= call.left) throw surrender(fault, doubt, keys)
  onEvent?.({ type: 'retry', reason: fault.kind as AtomicDbEvent['reason'], attempt, keys })
  try {
    await runtime.sleep(wait, { signal: call.signal })
  } catch (error) {
    throw call.timedOut ? surrender(fault, doubt, keys) : error
  }
}

const unknownOutcome = (keys: readonly AtomicDbItemKey[], cause: unknown): OutcomeUnknown =>
  new OutcomeUnknown(
    `the reply to a write was lost and it could not be repeated (${messageOf(cause)}): it may have happened`,
    { keys, cause: cause instanceof StorageFault ? cause.cause : cause },
  )

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The error for the caller when the budget is used up: true about what was written. */
export function surrender(fault: StorageFault, doubt: Doubt, keys: readonly AtomicDbItemKey[]): Error {
  doubt.fault = fault
  // Whatever the last refusal was: an earlier try of the same write may have been applied.
  if (doubt.unanswered) return unknownOutcome(keys, fault)
  const details = { cause: fault.cause, keys }
  switch (fault.kind) {
    case 'throttled':
      return new Throttled(
        `the backend kept refusing (${fault.message}): try again later, or give the table more throughput`,
        details,
      )
    case 'conflict':
      return new RaceCondition(
        'other transactions kept writing the same rows',
        keys.map((key, index) => ({ index, key, reason: 'conflict' })),
        { cause: fault.cause },
      )
    case 'skewed':
      return new BackendError(
        `the signature was refused twice (${fault.message}): the clock of this machine or the secret key is wrong`,
        details,
      )
    default:
      return new BackendError(
        `the backend did not answer (${fault.message}): check the endpoint, the network and its state`,
        details,
      )
  }
}
