import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { AtomicDynamoDB, directClient } from 'lockrow/direct'
import { tracedRequests } from 'lockrow/otel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeServer, fakeServer, refuse, reply, secrets } from '../direct/fake-server.ts'

const spans = new InMemorySpanExporter()
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test')
let server: FakeServer
beforeAll(async () => {
  server = await fakeServer((response, _, nth) =>
    nth === 0
      ? refuse(response, 400, 'ThrottlingException', 'slow down')
      : reply(response, 200, { ConsumedCapacity: { CapacityUnits: 1 } }),
  )
})
afterAll(() => server.stop())

test('a span for each request, also for one that is repeated, without keys or data', async () => {
  const client = directClient({
    region: 'eu-west-1',
    endpoint: server.endpoint,
    credentials: secrets,
    consumedCapacity: true,
    onRequest: tracedRequests({ tracer, attributes: { team: 'shop' } }),
  })
  const db = new AtomicDynamoDB(client, 'orders', { retry: { baseMs: 1, maxMs: 2 } })
  const before = Date.now()
  await db.get({ pk: 'secret-key', sk: 'a' })
  client.destroy()
  const [first, second] = spans.getFinishedSpans()
  const common = {
    'rpc.system': 'aws-api',
    'rpc.service': 'DynamoDB',
    'rpc.method': 'GetItem',
    'db.system.name': 'aws.dynamodb',
    'db.operation.name': 'GetItem',
    'db.collection.name': 'orders',
    'server.address': server.endpoint.slice('http://'.length),
    'aws.request_id': 'REQUEST',
    team: 'shop',
  }
  expect(first).toMatchObject({ name: 'DynamoDB.GetItem', kind: SpanKind.CLIENT })
  expect(first!.attributes).toEqual({
    ...common,
    'http.response.status_code': 400,
    'error.type': 'ThrottlingException',
  })
  expect(first!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'ThrottlingException' })
  expect(second!.attributes).toEqual({
    ...common,
    'http.response.status_code': 200,
    'http.request.resend_count': 1,
    'aws.dynamodb.consumed_units': 1,
  })
  expect(second!.status.code).toBe(SpanStatusCode.UNSET)
  for (const { startTime, endTime } of [first!, second!]) {
    const [from, to] = [startTime, endTime].map(([s, ns]) => s * 1000 + ns / 1e6) as [number, number]
    expect(from).toBeGreaterThanOrEqual(before - 1)
    expect(to).toBeGreaterThan(from)
  }
})

test('unknown options are refused', () => {
  expect(() => tracedRequests({ trace: tracer } as never)).toThrow('options.trace')
})
