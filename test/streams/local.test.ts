import { DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreams } from '@aws-sdk/client-dynamodb-streams'
import { QueueWorker } from 'lockrow'
import { AtomicDynamoDB, createTable } from 'lockrow/dynamo'
import { type StreamsEvent, streamsWakeUp } from 'lockrow/streams'
import { expect, inject, test } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'

const endpoint = inject('dynamoEndpoint')
const settings = { endpoint, region: 'local' }

test.each(['KEYS_ONLY', 'NEW_AND_OLD_IMAGES'] as const)(
  'DynamoDB Local: a worker that would look once an hour is woken by a stream of %s',
  async (view) => {
    const client = new DynamoDBClient(settings)
    const streams = new DynamoDBStreams(settings)
    const tableName = `streams-${view}-${Date.now()}`
    await createTable(client, tableName)
    const stream = { StreamEnabled: true, StreamViewType: view }
    await client.send(new UpdateTableCommand({ TableName: tableName, StreamSpecification: stream }))
    const consumer = new AtomicDynamoDB(client, tableName)
    // Of another process, which wakes nobody by itself.
    const producer = new AtomicDynamoDB(client, tableName, { runtime: { ...systemRuntime } })
    const events: StreamsEvent[] = []
    const seen: unknown[] = []
    const worker = new QueueWorker(consumer, (item) => void seen.push(item.data), {
      pk: 'jobs',
      idleMs: [3_600_000, 3_600_000],
      wakeUp: streamsWakeUp(consumer, streams, {
        tableName,
        pollMs: 50,
        onEvent: (event) => events.push(event),
      }),
    })
    try {
      await expect.poll(() => events.map(({ type }) => type), { timeout: 20_000 }).toEqual(['reading'])
      for (let i = 0; i < 5; i++) {
        await producer.queuePush({ pk: 'jobs', data: i })
        await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(i + 1)
      }
      expect(seen).toEqual([0, 1, 2, 3, 4])
    } finally {
      await worker.stop()
      streams.destroy()
      client.destroy()
    }
    expect(events.map(({ type }) => type)).toEqual(['reading', 'resting'])
  },
)
