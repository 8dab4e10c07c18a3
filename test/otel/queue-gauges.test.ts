import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InvalidInput } from 'lockrow'
import { queueGauges } from 'lockrow/otel'
import { expect, test } from 'vitest'

test('numbers of queues become gauges, what was handled a counter', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 })
  const provider = new MeterProvider({ readers: [reader] })
  const record = queueGauges(provider.getMeter('test'))
  const reading = { table: 'app', queue: 'jobs', ready: 5, inFlight: 2, delayed: 1, dead: 3 }
  record({ ...reading, oldestAgeSeconds: 12, handled: 4, failed: 1 })
  record({ ...reading, ready: 6, handled: 2 })
  await provider.forceFlush()
  const points = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        expect(attributes).toMatchObject({
          'messaging.destination.name': 'jobs',
          'db.collection.name': 'app',
        })
        const of = attributes['lockrow.queue.state'] ?? attributes['lockrow.outcome'] ?? ''
        return [`${descriptor.name} ${of}`, value]
      }),
    )
  expect(Object.fromEntries(points)).toEqual({
    'lockrow.queue.messages ready': 6,
    'lockrow.queue.messages in_flight': 2,
    'lockrow.queue.messages delayed': 1,
    'lockrow.queue.messages dead': 3,
    'lockrow.queue.oldest_age ': 0,
    'lockrow.queue.handled done': 6,
    'lockrow.queue.handled failed': 1,
  })
  await provider.shutdown()
})

test('what is no meter is refused', () => {
  for (const wrong of [undefined, {}, 7]) expect(() => queueGauges(wrong as never)).toThrow(InvalidInput)
})
