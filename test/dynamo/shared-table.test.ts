// Rows of lockrow beside rows of others in one table, under prefixes of their own: on DynamoDB Local and on the twin.

import { atomic, consume, Mutex, queueLambda, transaction } from 'lockrow'
import { AtomicEngine, type Row, type Storage, systemRuntime } from 'lockrow/backend'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sdkTransport } from '../../src/dynamo/sdk-transport.ts'
import { DynamoStorage } from '../../src/dynamo/storage.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

/** As entity libraries write them, in partitions whose names come close to those of lockrow. */
const theirs: Row[] = [
  { pk: 'USER#1', sk: 'PROFILE', name: 'Ann', email: 'a@b.c', GSI1PK: 'EMAIL#a@b.c', GSI1SK: 'USER#1' },
  { pk: 'USER#1', sk: 'ORDER#1', total: 12.5, lines: [{ sku: 'boot', n: 1 }], __edb_e__: 'order' },
  { pk: 'USER#2', sk: 'PROFILE', name: 'Bob', version: 3 },
  { pk: 'app', sk: 'config', value: true },
  { pk: 'mails', sk: '01H', n: 0, data: 'theirs' },
  { pk: 'mails#dead', sk: '01H', body: new Uint8Array([1, 2]) },
  { pk: 'app2#user#1', sk: 'profile', tags: new Set(['x']) },
]

const client = localClient(inject('dynamoEndpoint'))
let table = ''
beforeAll(async () => {
  table = await freshTable(client, 'shared')
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
})

const storages: [string, () => Storage][] = [
  ['DynamoDB Local', () => new DynamoStorage(sdkTransport(client), table)],
  ['the twin', () => new MemoryStorage(systemRuntime)],
]

describe.each(storages)('one table for two programs, on %s', (_, open) => {
  it('lockrow does its work under its prefix, and the rows of the other stay as they are', async () => {
    const storage = open()
    const db = new AtomicEngine(storage, {})
    await storage.write(
      theirs.map((row) => ({ put: row })),
      {},
    )
    const user = { pk: 'app#user#1', sk: 'profile' }
    const push = { pk: 'app#mails', data: 'x'.repeat(2000), deduplicationId: 'once' }

    await db.set({ ...user, data: { visits: 0 } })
    await db.update(user, { add: { visits: 1 } })
    const [locked] = await db.getLocked<{ visits: number }>([user])
    await db.setAtomic({ ...user, data: { visits: locked!.item!.data.visits + 1 } }, locked!.lock)
    await transaction(db, async (tx) => {
      const item = await tx.get<{ visits: number }>(user)
      tx.set({ ...user, data: { visits: item!.data.visits + 1 } })
    })
    await atomic(db)
      .set({ ...user, sk: 'settings', data: {} })
      .commit({ idempotencyKey: 'app#once' })
    await new Mutex(db, { pk: 'app#mutex', sk: 'm' }, { ttlMs: 5000 }).run(() => {})
    await db.queuePush(push, { payloadThreshold: 1000 })
    await db.queuePush([
      { pk: 'app#mails', data: 'poison' },
      { pk: 'app#mails', data: 'good' },
    ])
    const { item } = await db.queuePull({ pk: 'app#mails' })
    await consume(db, item!, (tx) => void tx.set({ ...user, sk: 'mailed', data: true }))
    const fail = ({ data }: { data: unknown }) => {
      if (data === 'poison') throw new Error('poison')
    }
    const context = { getRemainingTimeInMillis: () => 30_000 }
    await queueLambda(db, fail, { pk: 'app#mails', maxReceives: 1, backoff: { baseSeconds: 0 } })(
      {},
      context as never,
    )
    expect(await db.queueStats('app#mails')).toMatchObject({ ready: 0, dead: 1 })
    await db.queueRedrive({ from: 'app#mails#dead' })
    await db.queuePurge('app#mails')
    expect((await db.query({ pk: user.pk })).map(({ sk, data }) => [sk, data])).toEqual([
      ['mailed', true],
      ['profile', { visits: 3 }],
      ['settings', {}],
    ])
    await db.deleteRange({ pk: user.pk })
    expect(await db.query({ pk: user.pk })).toEqual([])

    expect(await storage.read(theirs, {})).toEqual(theirs)
    // What the guide says of rows of others that are asked for.
    expect(await db.get({ pk: 'USER#1', sk: 'PROFILE' })).toEqual({ pk: 'USER#1', sk: 'PROFILE' })
    expect(await db.query({ pk: 'USER#2' })).toEqual([])
  })
})
