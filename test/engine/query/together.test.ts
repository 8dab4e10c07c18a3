import { AtomicMemoryDb } from 'lockrow'
import { AtomicEngine, systemRuntime } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/memory/storage.ts'

test('items in the order of their keys; absent and expired ones are undefined, one key may be there twice', async () => {
  let now = 1_700_000_000_000
  const db = new AtomicMemoryDb({ now: () => now })
  const [a, b, c] = ['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk }))
  await db.set([
    { ...a!, data: 1 },
    { ...b!, data: 2, ttl: now / 1000 + 1 },
  ])
  now += 5000
  expect((await db.getTogether([c!, a!, b!, a!])).map((item) => item?.data)).toEqual([
    undefined,
    1,
    undefined,
    1,
  ])
  expect(await db.getTogether([])).toEqual([])
})

test('one item is read as well, and none costs no request', async () => {
  const db = new AtomicMemoryDb()
  await db.set({ pk: 'p', sk: 'one', data: 1 })
  expect(await db.getTogether([{ pk: 'p', sk: 'one' }])).toMatchObject([{ data: 1 }])
  const storage = new MemoryStorage(systemRuntime)
  storage.readTogether = () => Promise.reject(new Error('nothing to ask for'))
  expect(await new AtomicEngine(storage).getTogether([])).toEqual([])
})
