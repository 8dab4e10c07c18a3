import type { Attributes, Meter } from '@opentelemetry/api'
import { InvalidInput } from '../errors.ts'
import type { QueueMetrics } from './emf.ts'

/**
 * Records the numbers of queues as instruments of OpenTelemetry: the gauges `lockrow.queue.messages` (attribute
 * `lockrow.queue.state`: `ready`, `in_flight`, `delayed`, `dead`) and `lockrow.queue.oldest_age` (seconds), and the counter
 * `lockrow.queue.handled` (attribute `lockrow.outcome`: `done`, `failed`); all with the name of the queue and the table. For the
 * option `emit` of `QueueMonitor`.
 *
 * @throws InvalidInput when that is no meter, or one of an API before 1.9.
 * @example
 * const emit = queueGauges(metrics.getMeter('app'))
 * const monitor = new QueueMonitor(db, { table: 'app', pk: 'jobs', emit })
 */
export function queueGauges(meter: Meter): (metrics: QueueMetrics) => void {
  if (typeof meter?.createGauge !== 'function')
    throw new InvalidInput('meter', 'must be a Meter of @opentelemetry/api 1.9 or later')
  const messages = meter.createGauge('lockrow.queue.messages', { unit: '{message}' })
  const oldest = meter.createGauge('lockrow.queue.oldest_age', { unit: 's' })
  const handled = meter.createCounter('lockrow.queue.handled', { unit: '{message}' })
  return ({ table, queue, ready, inFlight, delayed, dead, oldestAgeSeconds = 0, ...counts }) => {
    const where: Attributes = { 'messaging.destination.name': queue, 'db.collection.name': table }
    const states = { ready, in_flight: inFlight, delayed, dead }
    for (const [state, count] of Object.entries(states))
      messages.record(count, { ...where, 'lockrow.queue.state': state })
    oldest.record(oldestAgeSeconds, where)
    if (counts.handled !== undefined) handled.add(counts.handled, { ...where, 'lockrow.outcome': 'done' })
    if (counts.failed !== undefined) handled.add(counts.failed, { ...where, 'lockrow.outcome': 'failed' })
  }
}
