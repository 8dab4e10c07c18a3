import { BackendError, OutcomeUnknown, RaceCondition, Throttled } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import type { Runtime } from '../runtime.ts'
import { type FaultKind, type Row, StorageFault } from '../storage.ts'
import type { Context } from './context.ts'
import { showKey } from './keys.ts'
import { readRows } from './requests.ts'

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
 * What a lost reply means for a call. `read`: nothing, ask again. `idempotent`: doing it twice is as good as once.
 * `once`: the caller must find out; the fault is thrown on.
 */
export type Repeatable = 'read' | 'idempotent' | 'once'

/** What happens inside of a call, for logs and metrics: a try that did not succeed and will be repeated. */
export interface AtomicDbEvent {
  type: 'retry'
  /** Refused for throughput, in conflict with another transaction, not reachable, or without reply. */
  reason: Exclude<FaultKind, 'invalid'>
  /** Which try it was, from 1. */
  attempt: number
  keys: readonly AtomicDbItemKey[]
}

/** Whether a reply was lost: what was sent may have been applied, or may yet arrive and be applied. */
export interface Doubt {
  unanswered: boolean
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
  for (;;) {
    try {
      call.check()
      const result = await call.bound(request())
      call.repeats = 0
      return result
    } catch (error) {
      if (!(error instanceof StorageFault) || error.kind === 'invalid') throw error
      if (error.kind === 'unknown' && repeatable === 'once') throw error
      if (error.kind === 'unknown' && repeatable !== 'read') doubt.unanswered = true
      await beforeRepeat(context, keys, error, doubt)
    }
  }
}

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
  if (attempt >= (retry.attempts ?? defaultAttempts) || wait >= call.left) throw exhausted(fault, doubt, keys)
  onEvent?.({ type: 'retry', reason: fault.kind as AtomicDbEvent['reason'], attempt, keys })
  try {
    await runtime.sleep(wait, { signal: call.signal })
  } catch (error) {
    throw call.timedOut ? exhausted(fault, doubt, keys) : error
  }
}

function exhausted(fault: StorageFault, doubt: Doubt, keys: readonly AtomicDbItemKey[]): Error {
  const details = { cause: fault.cause, keys }
  // Whatever the last refusal was: an earlier try of the same write may have been applied.
  if (doubt.unanswered)
    return new OutcomeUnknown(
      `no reply after all retries (${fault.message}): the write may have happened`,
      details,
    )
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
    default:
      return new BackendError(
        `the backend did not answer (${fault.message}): check the endpoint, the network and its state`,
        details,
      )
  }
}

/** The row after a write that was not answered. Where it cannot be read either, the outcome is not known. */
export async function rowAfterDoubt(
  context: Context,
  key: AtomicDbItemKey,
  fault: StorageFault,
): Promise<Row | undefined> {
  try {
    return (await readRows(context, [key]))[0]
  } catch (error) {
    if (fault.kind === 'invalid' || context.call.aborted) throw error
    throw new OutcomeUnknown(
      `the reply to a write of ${showKey(key)} was lost, and the row cannot be read: the write may have happened`,
      { keys: [key], cause: error },
    )
  }
}
