import { systemRuntime } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Replica } from '../../../src/testing/sim/replica.ts'

const key = { pk: 'p', sk: 's' }
const seen = async (replica: Replica, now: number) => (await replica.at('p', now).read([key]))[0]

test('it lags behind, and shows writes in their order, also when a later one would be faster', async () => {
  const lags = [100, 10, 0]
  const replica = new Replica(new MemoryStorage(systemRuntime), () => lags.shift()!)
  const row = { ...key, data: 1 }
  replica.replicate(key, row, 0)
  // Of each write its own copy.
  row.data = 7
  replica.replicate(key, { ...key, data: 2 }, 50)
  replica.replicate(key, undefined, 100)
  expect(await seen(replica, 99)).toBe(undefined)
  replica.replicate({ pk: 'other', sk: 's' }, { pk: 'other', sk: 's', data: 1 }, 0)
  expect(await seen(replica, 100)).toBe(undefined)
})

test('what was written is there when the lag is over', async () => {
  const replica = new Replica(new MemoryStorage(systemRuntime), () => 10)
  const row = { ...key, data: 1 }
  replica.replicate(key, row, 0)
  row.data = 7
  expect(await seen(replica, 9)).toBe(undefined)
  expect(await seen(replica, 10)).toEqual({ ...key, data: 1 })
  replica.replicate(key, undefined, 20)
  expect(await seen(replica, 29)).toEqual({ ...key, data: 1 })
  expect(await seen(replica, 30)).toBe(undefined)
})
