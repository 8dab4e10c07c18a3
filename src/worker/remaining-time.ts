import { InvalidInput } from '../errors.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'

/** The part of a Lambda handler's context that is used. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** What Lambda gives to the invocation, ms. */
export function remainingMs(context: LambdaContext): number {
  if (typeof context?.getRemainingTimeInMillis !== 'function')
    throw new InvalidInput('context', 'must be the context of a Lambda handler')
  const ms: unknown = context.getRemainingTimeInMillis()
  if (typeof ms === 'number' && !Number.isNaN(ms)) return ms
  throw new InvalidInput('context.getRemainingTimeInMillis', 'must return milliseconds', {
    given: String(ms),
  })
}

/**
 * What is left of a Lambda invocation, less a reserve: for `timeoutMs`, so that the handler hears how a call ended
 * before it is itself ended. At least 1 ms. `reserveMs`: time kept for what the handler does afterwards, ms, by default
 * 500.
 *
 * @example
 * ```ts
 * export const handler = async (event: Order, context: Context) => {
 *   await db.update(key, { add: { stock: -1 } }, { timeoutMs: remainingTime(context) })
 * }
 * ```
 */
export function remainingTime(context: LambdaContext, options: { reserveMs?: number } = {}): number {
  checkOptions(options, ['reserveMs'])
  const { reserveMs = 500 } = options
  milliseconds(reserveMs, 'reserveMs', { zero: true })
  return Math.max(1, remainingMs(context) - reserveMs)
}
