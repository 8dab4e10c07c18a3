import { BackendError, InvalidInput, OutcomeUnknown, RaceCondition, Throttled } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import { notify } from '../model/notify.ts'
import type { Runtime } from '../runtime.ts'
import { type FaultKind, StorageFault } from '../storage.ts'
import type { Call } from './call.ts'

/** How often and how fast requests that fail in passing are repeated. */
export interface RetryOptions {
  /**
   * Maximum attempts of one request. A call of many requests gives up after this number of failures in a row.
   * @default 10
   */
  attempts?: number
  /**
   * Upper bound of the first wait, ms. It doubles with each failure in a row.
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

/** An attempt inside a call that failed and will be retried, for logs and metrics. */
export interface AtomicDbEvent {
  type: 'retry'
  /** Why the attempt failed: see `FaultKind`. */
  reason: Exclude<FaultKind, 'invalid' | 'mismatch'>
  /** Number of failures in a row. */
  attempt: number
  keys: readonly AtomicDbItemKey[]
}

/** What a request and its repeats need of the call that they belong to. */
export interface RetryContext {
  readonly runtime: Runtime
  readonly retry: RetryOptions
  readonly onEvent: ((event: AtomicDbEvent) => unknown) | undefined
  readonly call: Call
}

/** Whether a reply was lost: the request may have been applied, or may still arrive and be applied. */
export interface Doubt {
  unanswered: boolean
  /** How the attempts ended, for when the doubt is resolved later: the last fault, or an error that cannot be retried. */
  fault?: StorageFault
  refusal?: unknown
}

/**
 * Runs `request` until it is neither refused nor, where that may be repeated, without reply. All requests of a call
 * share one budget: at most `attempts` failures in a row, and the deadline.
 */
export async function retried<T>(
  context: RetryContext,
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
      // When the deadline cuts a read, the refusal before it says more.
      if (call.left <= 0 && last && !doubt.unanswered) throw surrender(last, doubt, keys)
      last = error
      if (error.kind === 'skewed' && skewed++ > 0) throw surrender(error, doubt, keys)
      await beforeRepeat(context, keys, error, doubt)
    }
  }
}

const isRepeatable = (error: unknown): error is StorageFault =>
  error instanceof StorageFault && error.kind !== 'invalid' && error.kind !== 'mismatch'

/** Whether the request may have been applied, or may still be. */
export const leavesDoubt = (fault: StorageFault): boolean =>
  fault.kind === 'unknown' || fault.kind === 'inProgress'

/** Waits before the next attempt. Throws when the attempts or the time are used up. */
export async function beforeRepeat(
  context: RetryContext,
  keys: readonly AtomicDbItemKey[],
  fault: StorageFault,
  doubt: Doubt,
): Promise<void> {
  const { call, runtime, retry, onEvent } = context
  if (call.aborted) throw call.signal?.reason
  const attempt = ++call.repeats
  const wait = waitBefore(runtime, attempt, retry)
  if (attempt >= (retry.attempts ?? defaultAttempts) || wait >= call.left) throw surrender(fault, doubt, keys)
  notify(onEvent, { type: 'retry', reason: fault.kind as AtomicDbEvent['reason'], attempt, keys })
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

/** The error for the caller when the attempts or the time are used up. It is true about what was written. */
export function surrender(fault: StorageFault, doubt: Doubt, keys: readonly AtomicDbItemKey[]): Error {
  doubt.fault = fault
  // An earlier attempt of the same write may have been applied, whatever the last refusal was.
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
        `the signature was refused twice (${fault.message}): the clock of this machine or the credentials are wrong`,
        details,
      )
    default:
      return new BackendError(
        `the backend did not answer (${fault.message}): check the endpoint, the network and its state`,
        details,
      )
  }
}

/** The error for the caller when a write was refused for its content. */
export const refusal = (fault: StorageFault, keys: readonly AtomicDbItemKey[]): InvalidInput =>
  new InvalidInput('input', `refused by the backend: ${fault.message}`, { keys, cause: fault.cause })
