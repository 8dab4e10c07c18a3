/** For mutants that once survived `npm run mutants`. */
import { lockKey } from 'lockrow'
import { AtomicEngine, systemRuntime } from 'lockrow/backend'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { injectFaults } from 'lockrow/testing'
import { expect, inject, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

test('a page has at most so many rows, and tells where to go on', async () => {
  const storage = new MemoryStorage(systemRuntime)
  await storage.write(['a', 'b', 'c'].map((sk) => ({ put: { pk: 'p', sk } })))
  const first = await storage.page({ pk: 'p', limit: 2 })
  expect(first).toEqual({
    rows: [
      { pk: 'p', sk: 'a' },
      { pk: 'p', sk: 'b' },
    ],
    next: 'b',
  })
  expect(await storage.page({ pk: 'p', limit: 2, after: 'b' })).toEqual({ rows: [{ pk: 'p', sk: 'c' }] })
})

test('a transaction planned anew is another one, and has another token', async () => {
  const storage = new MemoryStorage(systemRuntime)
  const tokens: string[] = []
  const transact = storage.transact.bind(storage)
  storage.transact = (operations, token) => {
    tokens.push(token)
    return transact(operations, token)
  }
  // The item is not there yet, which the first plan supposes.
  await new AtomicEngine(storage).transact([
    { type: 'update', key: { pk: 'p', sk: 's' }, changes: { add: { n: 1 } } },
  ])
  expect(tokens).toHaveLength(2)
  expect(new Set(tokens).size).toBe(2)
})

test('strong reads are asked of DynamoDB as such', async () => {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client)
  // Every read that is not strong gets the first reply ever given to it.
  injectFaults(client, { seed: 1, rates: { staleRead: 1 }, log: () => {} })
  const db = new AtomicDynamoDB(client, table)
  const key = { pk: 'strong', sk: 's' }
  const other = { pk: 'strong', sk: 't' }
  const all = async (consistent?: boolean) => [
    (await db.get(key, { consistent }))?.data,
    (await db.getMany([key, other], { consistent }))[0]?.data,
    (await db.query({ pk: 'strong', consistent }))[0]?.data,
  ]
  await db.set({ ...key, data: 1 })
  expect(await all()).toEqual([1, 1, 1])
  await db.set({ ...key, data: 2 })
  expect(await all()).toEqual([2, 2, 2])
  expect(await all(false)).toContain(1)
  await dropTable(client, table)
})

test('items and locks are of one moment, also where another process made the lock in between', async () => {
  const storage = new MemoryStorage(systemRuntime)
  const other = new AtomicEngine(storage)
  const key = { pk: 'p', sk: 's' }
  await other.set({ ...key, data: 'old' })
  let reads = 0
  const slow = new Proxy(storage, {
    get(target, name) {
      if (name !== 'readTogether') return Reflect.get(target, name).bind?.(target)
      return async (...args: Parameters<typeof target.readTogether>) => {
        const rows = await target.readTogether(...args)
        if (reads++ === 0) {
          const lock = await other.getLock(lockKey(key))
          await other.setAtomic({ ...key, data: 'new' }, lock)
        }
        return rows
      }
    },
  })
  const [found] = await new AtomicEngine(slow).getLocked([key])
  expect(found!.item!.data).toBe('new')
  expect(reads).toBe(2)
})
