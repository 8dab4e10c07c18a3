import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import {
  type AtomicDbInterface,
  consume,
  InvalidInput,
  lockKey,
  streamLambda,
  type TableChange,
  transaction,
  unchanged,
} from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { streamEventOf, switchStreamOn } from '../setup/stream-records.ts'

const context = (ms = 30_000) => {
  const end = Date.now() + ms
  return { getRemainingTimeInMillis: () => end - Date.now() }
}

/** What a handler of all kinds is told, record by record. */
async function changesIn(event: DynamoDBStreamEvent): Promise<TableChange[]> {
  const seen: TableChange[] = []
  const note = (change: TableChange) => void seen.push(change)
  const handler = streamLambda({ item: note, lock: note, message: note })
  expect(await handler(event, context())).toEqual({ batchItemFailures: [] })
  return seen
}

const shape = ({ kind, type, key }: TableChange) => `${kind} ${type} ${key.pk} ${key.sk}`

describe('records of DynamoDB Local', () => {
  const client = localClient(inject('dynamoEndpoint'))
  let table: string
  let arn: string
  let db: AtomicDbInterface
  let taken = 0

  beforeAll(async () => {
    table = await freshTable(client, 'stream')
    arn = await switchStreamOn(client, table)
    db = new AtomicDynamoDB(client, table)
  })
  afterAll(async () => {
    await dropTable(client, table)
    client.destroy()
  })

  /** The changes since the last call, once there are as many as that. */
  async function newChanges(count: number): Promise<TableChange[]> {
    for (let look = 0; ; look++) {
      const { Records } = await streamEventOf(inject('dynamoEndpoint'), arn)
      const changes = await changesIn({ Records: Records.slice(taken) })
      if (changes.length < count && look < 50) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        continue
      }
      taken = Records.length
      return changes
    }
  }

  test('items before and after, with the values that reads show', async () => {
    const data = {
      text: 'é\u0000',
      exact: 12345678901234567890123456789n,
      small: 1.5,
      bytes: Uint8Array.of(0, 255, 7),
      tags: new Set(['a', 'b']),
      numbers: new Set([1, 2]),
      blobs: new Set([Uint8Array.of(1)]),
      deep: [{ none: null, yes: true, list: [[]] }],
      constructor: 'a name',
    }
    await db.set({ pk: 'user', sk: 'a', data })
    const [created] = await newChanges(1)
    const item = await db.get({ pk: 'user', sk: 'a' })
    expect(created).toMatchObject({ kind: 'item', type: 'created', key: { pk: 'user', sk: 'a' } })
    expect(created!.after).toEqual(item)
    expect(created!.before).toBeUndefined()
    // DynamoDB Local tells the minute.
    expect(Math.abs(created!.at - Date.now())).toBeLessThan(120_000)
    expect(created!.sequenceNumber).toMatch(/^\d+$/)

    await db.update({ pk: 'user', sk: 'a' }, { add: { small: 1 }, ttl: 4_000_000_000 })
    const [changed] = await newChanges(1)
    expect(changed).toMatchObject({
      kind: 'item',
      type: 'changed',
      before: item,
      after: { ttl: 4_000_000_000 },
    })
    expect((changed!.after as { data: typeof data }).data).toEqual({ ...data, small: 2.5 })

    await db.delete({ pk: 'user', sk: 'a' })
    const [removed] = await newChanges(1)
    expect(removed).toMatchObject({ kind: 'item', type: 'removed', before: { ttl: 4_000_000_000 } })
    expect(removed!.after).toBeUndefined()
  })

  test('an item of the stream is as good as one that was read: to the last digit', async () => {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: { pk: { S: 'pi' }, sk: { S: '1' }, data: { M: { pi: { N: '3.1415926535897932384626433' } } } },
      }),
    )
    const [created] = await newChanges(1)
    const after = created!.after as { data: { pi: number } }
    expect(after.data.pi).toBe(Math.PI)
    const result = await db.update(
      { pk: 'pi', sk: '1' },
      { set: { seen: true } },
      { if: unchanged(created!.after as never) },
    )
    expect(result.applied).toBe(true)
    await newChanges(1)
  })

  test('locks, messages and rows that only the library reads are told apart', async () => {
    await transaction(db, (tx) => tx.set({ pk: 'user', sk: 'b', data: 1 }))
    await db.getLock(lockKey({ pk: 'user', sk: 'c' }))
    await db.queuePush({ pk: 'jobs', sk: 'm1', data: { text: 'x'.repeat(3000) } }, { payloadThreshold: 1024 })
    await db.queuePush({ pk: 'jobs', data: 1, deduplicationId: 'once' })
    await db.transact([{ type: 'set', item: { pk: 'user', sk: 'd' } }], { idempotencyKey: 'order-1' })
    const changes = await newChanges(1)
    expect(
      changes
        .map(shape)
        .map((text) => text.replace(/ 01[0-9A-Z]{24}$/, ' <ulid>'))
        .sort(),
    ).toEqual([
      'item created user b',
      'item created user d',
      'lock created user b#lock',
      'lock created user c#lock',
      'message created jobs <ulid>',
      'message created jobs m1',
    ])
    const message = changes.find(({ key }) => key.sk === 'm1')!
    expect(message.after).toMatchObject({ pk: 'jobs', sk: 'm1', receiveCount: 0, isProcessing: false })
    const lock = changes.find(({ key }) => key.sk === 'c#lock')!
    expect(lock.after).toEqual(await db.getLock(lockKey({ pk: 'user', sk: 'c' })))
  })

  test('the life of a message: claimed, acknowledged with what its handler writes', async () => {
    const { item } = await db.queuePull<number>({ pk: 'jobs', ttlSeconds: 60 })
    const [claimed] = await newChanges(1)
    expect(claimed).toMatchObject({
      kind: 'message',
      type: 'changed',
      before: { receiveCount: 0, isProcessing: false },
      after: { receiveCount: 1, isProcessing: true, receipt: item!.receipt },
    })
    await consume(db, item!, (tx) => tx.set({ pk: 'done', sk: item!.sk, data: item!.data }), { locks: false })
    const ends = await newChanges(2)
    expect(ends.map(({ kind, type }) => `${kind} ${type}`).sort()).toEqual([
      'item created',
      'message removed',
    ])
  })

  test('an expired item is absent: what replaces it is new', async () => {
    const past = Math.floor(Date.now() / 1000) - 100
    await db.set({ pk: 'session', sk: '1', data: 'old', ttl: past })
    await db.set({ pk: 'session', sk: '1', data: 'new' })
    await db.set({ pk: 'session', sk: '2', data: 'old', ttl: past })
    await db.delete({ pk: 'session', sk: '2' })
    const changes = await newChanges(5)
    expect(changes.map(shape)).toEqual([
      'item created session 1',
      'item expired session 1',
      'item created session 1',
      'item created session 2',
      'item expired session 2',
    ])
    expect(changes[1]!.before).toMatchObject({ data: 'old' })
    expect(changes[2]).not.toHaveProperty('before')
  })
})

/** A record as Lambda hands it over, with one item per row. */
function record(n: number, more: Partial<DynamoDBRecord> = {}, sk = `${n}`): DynamoDBRecord {
  return {
    eventID: `e${n}`,
    eventName: 'INSERT',
    eventSource: 'aws:dynamodb',
    dynamodb: {
      ApproximateCreationDateTime: 1_800_000_000,
      Keys: { pk: { S: 'p' }, sk: { S: sk } },
      NewImage: { pk: { S: 'p' }, sk: { S: sk }, data: { N: `${n}` } },
      SequenceNumber: `${1000 + n}`,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    ...more,
  }
}
const records = (count: number) => Array.from({ length: count }, (_, n) => record(n))

describe('expiry', () => {
  const image = (ttl: number) => ({ pk: { S: 'p' }, sk: { S: 'a' }, data: { N: '1' }, ttl: { N: `${ttl}` } })
  const removal = (ttl: number, userIdentity?: object): DynamoDBRecord => ({
    ...record(1),
    eventName: 'REMOVE',
    userIdentity,
    dynamodb: { ...record(1).dynamodb, NewImage: undefined, OldImage: image(ttl) },
  })
  const service = { type: 'Service', principalId: 'dynamodb.amazonaws.com' }

  test.each([
    ['deleted by DynamoDB', removal(1_799_990_000, service), 'expired'],
    ['the same in a replica, which is not told by whom', removal(1_799_990_000), 'expired'],
    ['deleted by somebody before its time', removal(1_800_000_100), 'removed'],
    ['deleted by somebody who only looks like it', removal(1_800_000_100, { type: 'Service' }), 'removed'],
  ])('%s', async (_, given, type) => {
    const [change] = await changesIn({ Records: [given] })
    expect(change).toMatchObject({ kind: 'item', type, before: { data: 1 } })
  })

  test('a lock that expired and makes room for an item is two changes', async () => {
    const lock = { pk: { S: 'p' }, sk: { S: 'a' }, version: { S: '01' }, ttl: { N: '1700000000' } }
    const given = record(1, { eventName: 'MODIFY' }, 'a')
    given.dynamodb!.OldImage = lock
    const changes = await changesIn({ Records: [given] })
    expect(changes.map(shape)).toEqual(['lock expired p a', 'item created p a'])
    expect(new Set(changes.map(({ sequenceNumber }) => sequenceNumber)).size).toBe(1)
  })
})

describe('failures', () => {
  const broken = new Error('no luck')
  /** Fails for these numbers; notes which began. */
  function failing(...numbers: number[]) {
    const begun: number[] = []
    const item = async ({ after }: { after?: { data: number } | undefined }) => {
      begun.push(after!.data)
      await new Promise((resolve) => setImmediate(resolve))
      if (numbers.includes(after!.data)) throw broken
    }
    return { begun, handlers: { item } }
  }

  test('by default the error is thrown, so that the whole batch comes again', async () => {
    const { begun, handlers } = failing(2)
    await expect(streamLambda<number>(handlers)({ Records: records(5) }, context())).rejects.toBe(broken)
    expect(begun).toEqual([0, 1, 2])
  })

  test('as a partial answer: the record from which on they come again', async () => {
    const { begun, handlers } = failing(2)
    const told: unknown[] = []
    const handler = streamLambda<number>(handlers, {
      batchItemFailures: true,
      onFailure: (error, change) => {
        told.push(error, change.sequenceNumber)
        throw new Error('an observer changes nothing')
      },
    })
    const failures = { batchItemFailures: [{ itemIdentifier: '1002' }] }
    expect(await handler({ Records: records(5) }, context())).toEqual(failures)
    expect([begun, told]).toEqual([
      [0, 1, 2],
      [broken, '1002'],
    ])
    expect(await handler({ Records: records(2) }, context())).toEqual({ batchItemFailures: [] })
  })

  test('several at once: rows keep their order, and the first failure of the list is told', async () => {
    const ends: string[] = []
    let inHand = 0
    let most = 0
    const handler = streamLambda<number>(
      {
        item: async ({ key, after }) => {
          most = Math.max(most, ++inHand)
          // The later, the faster.
          await new Promise((resolve) => setTimeout(resolve, 24 - 2 * after!.data))
          inHand--
          ends.push(`${key.sk}:${after!.data}`)
          if (after!.data === 5 || after!.data === 7) throw broken
        },
      },
      { concurrency: 4, batchItemFailures: true },
    )
    const Records = Array.from({ length: 12 }, (_, n) => record(n, {}, `row${n % 3}`))
    const { batchItemFailures } = await handler({ Records }, context())
    const byRow = ['row0', 'row1', 'row2'].map((row) => ends.filter((end) => end.startsWith(row)))
    for (const row of byRow) expect(row).toEqual(row.toSorted((a, b) => a.localeCompare(b)))
    expect(most).toBe(3)
    // Whatever stands before the first failure has been handled.
    const first = Number(batchItemFailures[0]!.itemIdentifier) - 1000
    expect([5, 7]).toContain(first)
    for (let n = 0; n < first; n++) expect(ends).toContain(`row${n % 3}:${n}`)
  })

  test('what is not done when the time is up comes again', async () => {
    const begun: number[] = []
    let signalled = false
    const handler = streamLambda<number>(
      {
        item: async ({ after }, { signal }) => {
          begun.push(after!.data)
          if (after!.data < 2) return
          signal.addEventListener('abort', () => {
            signalled = true
          })
          await new Promise(() => {})
        },
      },
      { batchItemFailures: true, reserveMs: 100 },
    )
    const left = context(300)
    expect(await handler({ Records: records(5) }, left)).toEqual({
      batchItemFailures: [{ itemIdentifier: '1002' }],
    })
    expect([begun, signalled]).toEqual([[0, 1, 2], true])
    expect(left.getRemainingTimeInMillis()).toBeLessThan(150)
  })
})

describe('bad input', () => {
  const work = () => {}
  test.each<[string, () => unknown, string]>([
    ['no handlers', () => streamLambda(undefined as never), 'handlers'],
    ['a function', () => streamLambda(work as never), 'handlers'],
    ['an unknown kind', () => streamLambda({ items: work } as never), 'handlers.items'],
    ['a handler that is none', () => streamLambda({ item: 7 as never }), 'handlers.item'],
    ['an unknown option', () => streamLambda({ item: work }, { onError: work } as never), 'options.onError'],
    ['a wrong concurrency', () => streamLambda({ item: work }, { concurrency: 0 }), 'concurrency'],
    [
      'a text for true',
      () => streamLambda({}, { batchItemFailures: 'yes' as never }),
      'options.batchItemFailures',
    ],
  ])('%s', (_, make, field) => {
    expect(make).toThrow(InvalidInput)
    expect(make).toThrow(expect.objectContaining({ field }))
  })

  test('events of another kind, and streams without images, are refused even as partial answers', async () => {
    const handler = streamLambda({ item: work }, { batchItemFailures: true })
    const keysOnly = record(1)
    keysOnly.dynamodb = { ...keysOnly.dynamodb, NewImage: undefined, StreamViewType: 'KEYS_ONLY' }
    const newOnly = record(1, { eventName: 'MODIFY' })
    newOnly.dynamodb = { ...newOnly.dynamodb, StreamViewType: undefined }
    for (const Records of [[keysOnly], [newOnly], [{ body: '{}' }], undefined, 'x'])
      await expect(handler({ Records } as never, context())).rejects.toMatchObject({
        code: 'InvalidInput',
        field: 'event',
      })
    await expect(handler({ Records: [] }, undefined as never)).rejects.toThrow('context')
  })
})
