import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { injectFaults, type SdkFaultRates } from 'lockrow/testing'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { dropTable, freshTable, localClient } from '../../setup/local.ts'

const plain = localClient(inject('dynamoEndpoint'))
let TableName: string
beforeAll(async () => {
  TableName = await freshTable(plain)
})
afterAll(() => dropTable(plain, TableName))

const quiet = { log: () => {} }
let used = 0
const freshKey = () => ({ pk: { S: 'faults' }, sk: { S: `k${used++}` } })
const read = async (Key: ReturnType<typeof freshKey>) =>
  (await plain.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item

/** A client whose every request meets the fault, without the SDK's retry. */
function always(rates: SdkFaultRates): { client: DynamoDBClient; faults: ReturnType<typeof injectFaults> } {
  const client = new DynamoDBClient({
    endpoint: inject('dynamoEndpoint'),
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  return { client, faults: injectFaults(client, { seed: 1, rates, ...quiet }) }
}

const put = (Key: ReturnType<typeof freshKey>) =>
  new PutItemCommand({ TableName, Item: { ...Key, n: { N: '1' } } })

describe('each fault does what it says', () => {
  test('dropReply: applied, and the connection is lost', async () => {
    const { client, faults } = always({ dropReply: 1 })
    const key = freshKey()
    await expect(client.send(put(key))).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await read(key)).toBeDefined()
    expect(faults).toMatchObject({ counts: { dropReply: 1 }, doubts: 1 })
  })

  test('reset: not applied', async () => {
    const { client } = always({ reset: 1 })
    const key = freshKey()
    await expect(client.send(put(key))).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await read(key)).toBeUndefined()
  })

  test('throttle: the error of the SDK, not applied', async () => {
    const { client } = always({ throttle: 1 })
    const key = freshKey()
    const names = new Set<string>()
    for (let i = 0; i < 10; i++) await client.send(put(key)).catch((error: Error) => names.add(error.name))
    expect(names).toEqual(new Set(['ProvisionedThroughputExceededException', 'ThrottlingException']))
    expect(await read(key)).toBeUndefined()
  })

  test('serverError: a 500, applied or not', async () => {
    const { client } = always({ serverError: 1 })
    const keys = Array.from({ length: 12 }, freshKey)
    for (const key of keys)
      await expect(client.send(put(key))).rejects.toMatchObject({
        name: 'InternalServerError',
        $metadata: { httpStatusCode: 500 },
      })
    const applied = (await Promise.all(keys.map(read))).filter(Boolean).length
    expect(applied).toBeGreaterThan(0)
    expect(applied).toBeLessThan(12)
  })

  test('conflict: as an exception, and as a reason of a cancelled transaction', async () => {
    const { client } = always({ conflict: 1 })
    const [a, b] = [freshKey(), freshKey()]
    await expect(client.send(put(a))).rejects.toMatchObject({ name: 'TransactionConflictException' })
    const Put = (Item: typeof a) => ({ Put: { TableName, Item } })
    const error = await client
      .send(new TransactWriteItemsCommand({ TransactItems: [Put(a), Put(b)] }))
      .catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'TransactionCanceledException' })
    const codes = (error as { CancellationReasons: { Code: string }[] }).CancellationReasons.map(
      ({ Code }) => Code,
    )
    expect(codes.sort()).toEqual(['None', 'TransactionConflict'])
    expect(await read(a)).toBeUndefined()
  })

  test('duplicate: two requests, one reply', async () => {
    const { client, faults } = always({ duplicate: 1 })
    const key = freshKey()
    await client.send(put(key))
    expect(await read(key)).toBeDefined()
    expect(faults.counts.duplicate).toBe(1)
    await client.send(new PutItemCommand({ ...put(key).input, ConditionExpression: 'attribute_exists(pk)' }))
    expect(faults.counts.duplicate).toBe(1)
  })

  test('partialBatch: the rest comes back, and is not done', async () => {
    const { client } = always({ partialBatch: 1 })
    const keys = Array.from({ length: 10 }, freshKey)
    const written = await client.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: keys.map((Item) => ({ PutRequest: { Item } })) },
      }),
    )
    const undone = written.UnprocessedItems![TableName]!.map((one) => one.PutRequest!.Item!.sk!.S)
    expect(undone.length).toBeGreaterThan(0)
    const there = await Promise.all(keys.map(read))
    expect(there.map((item) => item !== undefined)).toEqual(keys.map(({ sk }) => !undone.includes(sk.S)))
    const got = await client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys } } }))
    expect(got.UnprocessedKeys![TableName]!.Keys!.length).toBeGreaterThan(0)
  })

  test('staleRead: eventually consistent reads alone', async () => {
    const { client } = always({ staleRead: 1 })
    const Key = freshKey()
    const get = async (ConsistentRead: boolean) =>
      (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead }))).Item
    expect(await get(false)).toBeUndefined()
    await client.send(put(Key))
    expect(await get(false)).toBeUndefined()
    expect(await get(true)).toBeDefined()
  })

  test('delay and freeze take time, clockStep moves the clock of the runtime', async () => {
    const { client, faults } = always({ delay: 1, freeze: 1, clockStep: 1 })
    await client.send(put(freshKey()))
    expect(faults.counts).toMatchObject({ delay: 2, freeze: 1, clockStep: 1 })
    expect(Math.abs(faults.runtime.now() - Date.now())).toBeGreaterThan(0)
  })

  test('stop takes them out again', async () => {
    const { client, faults } = always({ reset: 1 })
    faults.stop()
    await client.send(put(freshKey()))
  })
})

test('one seed gives the same faults to the same requests, and is told', async () => {
  const runs: unknown[] = []
  const lines: string[] = []
  for (let i = 0; i < 2; i++) {
    const client = localClient(inject('dynamoEndpoint'))
    const faults = injectFaults(client, {
      seed: 7,
      rates: { dropReply: 0.2, reset: 0.2, duplicate: 0.5 },
      log: (line) => lines.push(line),
    })
    const db = new AtomicDynamoDB(client, TableName, { retry: { baseMs: 1 } })
    for (let n = 0; n < 12; n++) await db.set({ pk: 'seeded', sk: `${n}`, data: n })
    runs.push(faults.counts)
  }
  expect(runs[0]).toEqual(runs[1])
  expect(lines).toEqual(['faults injected with seed 7', 'faults injected with seed 7'])
})
