// What the emitter writes and the alarms read: one file, so that they cannot drift apart.

/** CloudWatch namespace of everything that lockrow emits. */
export const METRIC_NAMESPACE = 'lockrow'

/** Dimensions of every queue metric, in the order in which they are emitted. */
export const METRIC_DIMENSIONS = ['table', 'queue'] as const

/** Names of the queue metrics. All but the last two are gauges (read them with `Maximum` or `Average`, never `Sum`). */
export const METRIC_NAMES = {
  /** Messages that a pull could take now. */
  ready: 'Ready',
  /** Messages handed out and not yet acknowledged. */
  inFlight: 'InFlight',
  /** Messages that become available later. */
  delayed: 'Delayed',
  /** Messages that were given up on. */
  dead: 'DeadLetters',
  /** Age of the oldest message that waits, in seconds; 0 when none does. */
  oldestAge: 'OldestMessageAge',
  /** Messages handled since the reading before, by the process that reports: a count, read with `Sum`. */
  handled: 'Handled',
  /** Tries that failed since then: a count, read with `Sum`. */
  failed: 'Failed',
} as const

const MAX_DIMENSION_LENGTH = 1024

/**
 * A partition key as a CloudWatch dimension value, which must be printable ASCII, at most 1,024 characters,
 * not blank and not begin with a colon: what does not fit is percent-encoded (so is `%`), what is too long is cut.
 * Ordinary keys come out as they are. Emitter and alarms both use it, so they meet on the same name.
 */
export function metricDimension(value: string): string {
  const encoded = value
    .replace(/[^\x20-\x7e]+|%/gu, (part) => encodeURIComponent(part.replace(/\p{Surrogate}/gu, '\ufffd')))
    .replace(/^[: ]/, (first) => (first === ':' ? '%3A' : '%20'))
  if (encoded === '') throw new RangeError('A metric dimension (table, queue) must not be empty')
  return encoded.slice(0, MAX_DIMENSION_LENGTH)
}
