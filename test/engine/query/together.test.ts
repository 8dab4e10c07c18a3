import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

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
