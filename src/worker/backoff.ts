import { InvalidInput } from '../errors.ts'
import type { AtomicDbQueueItem } from '../interface.ts'
import { checkOptions, maxDurationMs, seconds } from '../model/checks.ts'
import type { Runtime } from '../runtime.ts'
import { QueueOutcome } from './outcomes.ts'

/** A delay that grows with every receipt. */
export interface BackoffPolicy {
  /** Upper bound of the first delay, seconds. 0: no delay at all. @default 1 */
  baseSeconds?: number
  /** By how much the bound grows with each receipt, 1 or more. @default 2 */
  factor?: number
  /** Upper bound of any delay, seconds. @default 300 */
  maxSeconds?: number
  /** Share of the bound that is left to chance, 0 to 1: the delay lies between `1 - jitter` of it and all. @default 0.5 */
  jitter?: number
}

/** A handler that failed. */
export interface QueueFailure {
  item: AtomicDbQueueItem
  error: unknown
  /** How often the message was received, this time included. */
  receives: number
}

/**
 * When a failed message comes again: a policy, or a function that says how many seconds later, or what else is to
 * become of it (`retryAt`, `snooze`, `deadLetter`).
 */
export type Backoff = BackoffPolicy | ((failure: QueueFailure) => number | QueueOutcome)

const defaults = { baseSeconds: 1, factor: 2, maxSeconds: 300, jitter: 0.5 } as const

export function checkBackoff(backoff: unknown): void {
  if (backoff === undefined || typeof backoff === 'function') return
  if (typeof backoff !== 'object' || backoff === null)
    throw new InvalidInput('backoff', 'must be an object, such as { baseSeconds: 1 }, or a function', {
      given: backoff === null ? 'null' : typeof backoff,
    })
  checkOptions(backoff, Object.keys(defaults), 'backoff', {
    base: "use 'baseSeconds'",
    max: "use 'maxSeconds'",
    maximum: "use 'maxSeconds'",
  })
  const { baseSeconds, factor, maxSeconds, jitter } = { ...defaults, ...given(backoff as BackoffPolicy) }
  seconds(baseSeconds, 'backoff.baseSeconds', { zero: true })
  seconds(maxSeconds, 'backoff.maxSeconds', { zero: true })
  if (typeof factor !== 'number' || !(factor >= 1 && factor <= 100))
    throw new InvalidInput('backoff.factor', 'must be a number from 1 to 100', { given: String(factor) })
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1))
    throw new InvalidInput('backoff.jitter', 'must be a number from 0 to 1', { given: String(jitter) })
}

/** What is given; `undefined` is as good as absent. */
const given = (policy: BackoffPolicy): BackoffPolicy =>
  Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined))

/** Whole seconds before try number `receives + 1`. */
export function policyDelay(
  runtime: Pick<Runtime, 'random'>,
  receives: number,
  policy: BackoffPolicy = {},
): number {
  const { baseSeconds, factor, maxSeconds, jitter } = { ...defaults, ...given(policy) }
  if (baseSeconds === 0) return 0
  const bound = Math.min(maxSeconds, baseSeconds * factor ** Math.max(0, receives - 1))
  return Math.round(bound * (1 - jitter * (1 - runtime.random())))
}

/** What the backoff says of a failure: whole seconds, or an outcome. A function that says nothing useful throws. */
export function backoffOf(
  runtime: Pick<Runtime, 'random'>,
  failure: QueueFailure,
  backoff: Backoff | undefined,
): number | QueueOutcome {
  if (typeof backoff !== 'function') return policyDelay(runtime, failure.receives, backoff)
  const said: unknown = backoff(failure)
  if (said instanceof QueueOutcome) return said
  return Math.ceil(seconds(said, 'backoff(failure)', { zero: true }))
}

/** Whole seconds until then, as far as a release can say. */
export const secondsUntil = (at: number, now: number): number =>
  Math.min(Math.floor(maxDurationMs / 1000), Math.max(0, Math.ceil((at - now) / 1000)))
