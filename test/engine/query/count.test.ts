import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

test('live items alone count, up to the limit, within the range', async () => {
  let now = 1_700_000_000_000
  const db = new AtomicMemoryDb({ now: () => now })
  await db.set(['a1', 'a2', 'b1'].map((sk) => ({ pk: 'p', sk, data: 1 })))
  await db.set({ pk: 'p', sk: 'a3', data: 1, ttl: now / 1000 + 1 })
  await db.getLock({ pk: 'p', sk: 'a1#lock' })
  const count = (more: object = {}) => db.count({ pk: 'p', ...more })
  expect([await count(), await count({ sk: 'a' }), await count({ limit: 2 })]).toEqual([4, 3, 2])
  now += 5000
  expect([await count(), await count({ sk: 'a' }), await count({ sk: 'c' })]).toEqual([3, 2, 0])
})
