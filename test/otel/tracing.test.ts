import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type AtomicDbEvent, AtomicMemoryDb, lockKey } from 'lockrow'
import { AtomicEngine, type Storage, StorageFault } from 'lockrow/backend'
import { withTracing } from 'lockrow/otel'
import { expect, it } from 'vitest'

function observed() {
  const spans = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
  const meters = new MeterProvider({ readers: [reader] })
  const db = withTracing(new AtomicMemoryDb(), {
    table: 'orders',
    tracer: provider.getTracer('test'),
    meter: meters.getMeter('test'),
    attributes: { team: 'shop' },
  })
  const metric = async (name: string) => {
    await reader.forceFlush()
    const all = exporter.getMetrics().flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics))
    return all.findLast((one) => one.descriptor.name === name)?.dataPoints ?? []
  }
  return { db, spans: () => spans.getFinishedSpans(), metric, stop: () => meters.shutdown() }
}

it('makes a span and a measurement of every call, without keys or data', async () => {
  const { db, spans, metric, stop } = observed()
  await db.set([
    { pk: 'secret-key', sk: 'a', data: 'secret-data' },
    { pk: 'secret-key', sk: 'b' },
  ])
  expect((await db.get({ pk: 'secret-key', sk: 'a' }))?.data).toBe('secret-data')
  expect(spans().map((span) => [span.name, span.kind])).toEqual([
    ['set orders', SpanKind.CLIENT],
    ['get orders', SpanKind.CLIENT],
  ])
  expect(spans()[0]!.attributes).toEqual({
    'db.system.name': 'aws.dynamodb',
    'db.operation.name': 'set',
    'db.collection.name': 'orders',
    'db.operation.batch.size': 2,
    team: 'shop',
  })
  expect(JSON.stringify(spans().map(({ attributes, events }) => [attributes, events]))).not.toContain(
    'secret',
  )
  const points = await metric('db.client.operation.duration')
  expect(points.map((point) => point.attributes['db.operation.name']).sort()).toEqual(['get', 'set'])
  await stop()
})

it('marks conflicts and errors, and passes them on', async () => {
  const { db, spans, metric, stop } = observed()
  const lock = await db.getLock(lockKey({ pk: 'p', sk: 'a' }))
  await db.setAtomic([], lock)
  await expect(db.setAtomic([], lock)).rejects.toMatchObject({ code: 'RaceCondition' })
  await expect(db.get({ pk: '', sk: 'a' })).rejects.toMatchObject({ code: 'InvalidInput' })
  const [race, invalid] = spans().slice(-2)
  expect(race).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: 'RaceCondition' },
    attributes: { 'error.type': 'RaceCondition', 'lockrow.conflicts': 1 },
  })
  expect(invalid).toMatchObject({ attributes: { 'error.type': 'InvalidInput' } })
  expect((await metric('lockrow.conflicts'))[0]?.value).toBe(1)
  await stop()
})

it('counts messages by the conventions for messaging', async () => {
  const { db, spans, metric, stop } = observed()
  await db.queuePush([{ pk: 'jobs' }, { pk: 'jobs' }, { pk: 'jobs' }])
  const { item } = await db.queuePull({ pk: 'jobs' })
  await db.queuePullMany({ pk: 'jobs', limit: 10 })
  await db.queueAcknowledge(item!)
  expect(
    spans().map(({ kind, attributes }) => [
      kind,
      attributes['messaging.operation.type'],
      attributes['messaging.batch.message_count'],
    ]),
  ).toEqual([
    [SpanKind.PRODUCER, 'send', 3],
    [SpanKind.CLIENT, 'receive', 1],
    [SpanKind.CLIENT, 'receive', 2],
    [SpanKind.CLIENT, 'settle', undefined],
  ])
  expect((await metric('messaging.client.sent.messages'))[0]?.value).toBe(3)
  const consumed = await metric('messaging.client.consumed.messages')
  expect(consumed.reduce((sum, point) => sum + (point.value as number), 0)).toBe(3)
  for await (const item of db.stream({ pk: 'jobs' })) expect(item.pk).toBe('jobs')
  await stop()
})

it('onEvent tells of retries, without OpenTelemetry', async () => {
  let refusals = 2
  const storage = {
    async read() {
      if (refusals-- > 0) throw new StorageFault('throttled', 'ThrottlingException')
      return [undefined]
    },
  } as unknown as Storage
  const events: AtomicDbEvent[] = []
  const db = new AtomicEngine(storage, { retry: { baseMs: 1 }, onEvent: (event) => events.push(event) })
  await db.get({ pk: 'p', sk: 'a' })
  expect(events).toEqual(
    [1, 2].map((attempt) => ({ type: 'retry', reason: 'throttled', attempt, keys: [{ pk: 'p', sk: 'a' }] })),
  )
})
