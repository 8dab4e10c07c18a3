import { InvalidInput } from './errors.ts'
import { checkOptions, milliseconds } from './model/checks.ts'

/** Of the context that Lambda gives to a handler, what is needed here. */
export interface InvocationTime {
  getRemainingTimeInMillis(): number
}

export interface RemainingTimeOptions {
  /**
   * Time kept for what the handler does afterwards, ms.
   * @default 500
   */
  reserveMs?: number
}

/** What Lambda gives to the invocation, ms. */
export function remainingMs(context: InvocationTime): number {
  if (typeof context?.getRemainingTimeInMillis !== 'function')
    throw new InvalidInput('context', 'must be the context of a Lambda handler')
  return context.getRemainingTimeInMillis()
}

/**
 * What is left of a Lambda invocation, less a reserve: for `timeoutMs`, so that the handler hears how a call ended
 * before it is itself ended. At least 1 ms.
 *
 * @example
 * ```ts
 * export const handler = async (event: Order, context: Context) => {
 *   await db.update(key, { add: { stock: -1 } }, { timeoutMs: remainingTime(context) })
 * }
 * ```
 */
export function remainingTime(context: InvocationTime, options: RemainingTimeOptions = {}): number {
  checkOptions(options, ['reserveMs'])
  const { reserveMs = 500 } = options
  milliseconds(reserveMs, 'reserveMs', { zero: true })
  return Math.max(1, remainingMs(context) - reserveMs)
}
