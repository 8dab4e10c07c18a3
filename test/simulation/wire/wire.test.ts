import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { Throttled } from 'lockrow'
import { systemRuntime } from 'lockrow/backend'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { signBy, startFaultProxy, TestClock } from 'lockrow/testing'
import { expect, inject, test } from 'vitest'
import { runWire } from './run.ts'

test.each([
  ['plain', 'sdk'],
  ['rivals', 'sdk'],
  ['lru', 'sdk'],
  ['plain', 'direct'],
  ['rivals', 'direct'],
] as const)(
  'real clients through fault proxies, %s, %s',
  async (mode, transport) => {
    const seed = Math.floor(Math.random() * 1e6)
    const again = `npm run prove:wire -- --seed ${seed} --transport ${transport}, mode ${mode}`
    const run = await runWire({
      endpoint: inject('dynamoEndpoint'),
      seed,
      operations: 250,
      transport,
      // No real waiting.
      force: { mode, speed: 300, clients: 12 },
    })
    console.log(again, run.operations, 'operations', run.requests, 'requests', run.seconds.toFixed(1), 's')
    expect(run.findings, again).toEqual([])
    expect(run.operations).toBeGreaterThanOrEqual(250)
  },
  120_000,
)

test('a throttled read makes ten requests and no more, and its waits end with an abort', async () => {
  const clock = new TestClock({ speed: 300 })
  await using proxy = await startFaultProxy({
    target: inject('dynamoEndpoint'),
    clock,
    decide: () => 'throttle',
  })
  const client = new DynamoDBClient({
    endpoint: proxy.endpoint,
    requestHandler: { httpAgent: proxy.agent },
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  signBy(client, clock)
  const key = { pk: 'throttled', sk: 'a' }
  await expect(new AtomicDynamoDB(client, 'none', { runtime: clock }).get(key)).rejects.toThrow(Throttled)
  expect(proxy.counts.throttle).toBe(10)
  // Of its waits this one would not end by itself.
  const enough = new AbortController()
  const endless = { ...systemRuntime, random: () => 1 }
  const patient = new AtomicDynamoDB(client, 'none', {
    runtime: endless,
    retry: { baseMs: 60_000, maxMs: 60_000 },
  })
  const reading = patient.get(key, { signal: enough.signal })
  const reason = new Error('enough')
  setTimeout(() => enough.abort(reason), 100)
  await expect(reading).rejects.toBe(reason)
  client.destroy()
})
