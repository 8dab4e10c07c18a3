import { BackendError, OutcomeUnknown, RaceCondition, Throttled } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import { type FaultKind, type Row, type Storage, StorageFault } from '../storage.ts'
import { showKey } from './keys.ts'

export interface RetryOptions {
  /** Tries in all. Default 10. */
  attempts?: number
  /** Upper bound of the first wait; it doubles from there. Default 25 ms. */
  baseMs?: number
  /** Upper bound of any wait. Default 2000 ms. */
  maxMs?: number
}

/**
 * Waits before try number `attempt` (from 1): uniform between 0 and a bound that doubles.
 * 'Full jitter', see M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
 */
export function backoff(
  runtime: Runtime,
  attempt: number,
  options: RetryOptions = {},
  signal?: AbortSignal,
): Promise<void> {
  const bound = Math.min(options.maxMs ?? 2000, (options.baseMs ?? 25) * 2 ** (attempt - 1))
  return runtime.sleep(runtime.random() * bound, { signal })
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

/** Runs `call` until it is neither refused nor, where that may be repeated, without reply. */
export async function retried<T>(
  context: { runtime: Runtime; retry: RetryOptions; onEvent?: (event: AtomicDbEvent) => void },
  repeatable: Repeatable,
  keys: readonly AtomicDbItemKey[],
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
  doubt: Doubt = { unanswered: false },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      signal?.throwIfAborted()
      return await call()
    } catch (error) {
      if (!(error instanceof StorageFault) || error.kind === 'invalid') throw error
      if (error.kind === 'unknown' && repeatable === 'once') throw error
      if (error.kind === 'unknown' && repeatable !== 'read') doubt.unanswered = true
      if (attempt >= (context.retry.attempts ?? 10)) throw exhausted(error, doubt, keys)
      context.onEvent?.({ type: 'retry', reason: error.kind, attempt, keys })
    }
    await backoff(context.runtime, attempt, context.retry, signal)
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
  context: { runtime: Runtime; retry: RetryOptions; storage: Storage },
  key: AtomicDbItemKey,
  signal: AbortSignal | undefined,
  fault: StorageFault,
): Promise<Row | undefined> {
  try {
    const [row] = await retried(context, 'read', [key], signal, () =>
      context.storage.read([key], { consistent: true, signal }),
    )
    return row
  } catch (error) {
    if (fault.kind === 'invalid' || signal?.aborted) throw error
    throw new OutcomeUnknown(
      `the reply to a write of ${showKey(key)} was lost, and the row cannot be read: the write may have happened`,
      { keys: [key], cause: error },
    )
  }
}
