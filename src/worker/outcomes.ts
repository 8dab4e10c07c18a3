import { AtomicDbError, InvalidInput } from '../errors.ts'
import { checkOptions, seconds } from '../model/checks.ts'

/** When a message comes again: a time of the wall clock, or seconds from the end of its handler. */
export type Later = { readonly at: number } | { readonly seconds: number }

/**
 * What a handler wants to become of its message instead of an acknowledgement. Made by `retryAt`, `snooze` and
 * `deadLetter`, and returned or thrown.
 */
export class QueueOutcome extends AtomicDbError {
  static override readonly code = 'QueueOutcome'
  readonly kind: 'retry' | 'snooze' | 'dead'
  /** Why, as it is kept with the message. Empty: not said. */
  readonly reason: string
  /** Absent: it does not come again. */
  readonly later: Later | undefined

  constructor(kind: QueueOutcome['kind'], why: unknown, later?: Later) {
    const reason = why === undefined ? '' : reasonOf(why)
    super(`${kind}${reason && `: ${reason}`}`, { cause: why })
    this.kind = kind
    this.reason = reason
    this.later = later
  }
}

/**
 * This try has failed, and the next one comes at that time (epoch ms or a `Date`; at once, if it has passed) instead of
 * after the backoff. It counts as received: with `maxReceives` the message is a dead letter at once.
 *
 * @param reason A text or an error, kept with the message.
 * @throws InvalidInput when the time is none.
 * @example
 * ```ts
 * if (response.status === 429) return retryAt(Date.now() + 1000 * Number(response.headers.get('retry-after')))
 * ```
 */
export function retryAt(time: Date | number, reason?: unknown): QueueOutcome {
  return new QueueOutcome('retry', reason, { at: epochMs(time, 'time') })
}

/**
 * It is too early for this message: it comes again later, and this hand-out does not count as received, however often.
 * In a `strict` queue its group waits for it.
 *
 * @param reason A text or an error, kept with the message.
 * @throws InvalidInput without a time.
 * @example
 * ```ts
 * if (!(await isPaid(item.data.order))) return snooze({ seconds: 600 })
 * ```
 */
export function snooze(
  later: { seconds: number } | { until: Date | number },
  reason?: unknown,
): QueueOutcome {
  checkOptions(later, ['seconds', 'until'], 'later')
  const given = (later ?? {}) as { seconds?: unknown; until?: unknown }
  if ((given.seconds === undefined) === (given.until === undefined))
    throw new InvalidInput('later', 'must be { seconds } or { until }')
  if (given.until !== undefined)
    return new QueueOutcome('snooze', reason, { at: epochMs(given.until, 'until') })
  return new QueueOutcome('snooze', reason, { seconds: seconds(given.seconds, 'seconds') })
}

/**
 * This message can never be handled: it is a dead letter at once, however often it was received.
 *
 * @param reason A text or an error, kept with the dead letter.
 * @example
 * ```ts
 * if (!isOrder(item.data)) return deadLetter('not an order')
 * ```
 */
export function deadLetter(reason: unknown): QueueOutcome {
  if (reason === undefined || reason === '')
    throw new InvalidInput('reason', 'must say why: a text, or the error')
  return new QueueOutcome('dead', reason)
}

/** The reason of a failure in one line. */
export const reasonOf = (error: unknown): string =>
  error instanceof QueueOutcome
    ? error.reason
    : error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error)

function epochMs(time: unknown, field: string): number {
  const ms = time instanceof Date ? time.getTime() : time
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms
  throw new InvalidInput(field, 'must be a Date, or epoch milliseconds', { given: String(ms) })
}
