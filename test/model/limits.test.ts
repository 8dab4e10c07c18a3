import { AtomicMemoryDb, anyOf, atomic, type Condition, not } from 'lockrow'
import { satisfies } from 'lockrow/backend'
import { expect, it } from 'vitest'

const key = { pk: 'p', sk: 'a' }
const db = new AtomicMemoryDb()

it('what is too much is refused before it is looked at', async () => {
  const paths = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`f${i}`, 1]))
  await expect(db.update(key, { set: paths })).rejects.toMatchObject({ code: 'InvalidInput', limit: 150 })
  let deep: Condition = { a: 1 }
  for (let i = 0; i < 20_000; i++) deep = not(deep)
  let often: Condition = { a: 1 }
  for (let i = 0; i < 60; i++) often = anyOf(often, often)
  for (const condition of [deep, often])
    await expect(db.update(key, { set: { a: 1 } }, { if: condition })).rejects.toMatchObject({
      code: 'InvalidInput',
      limit: 300,
    })
  await expect(db.getLocked([{ pk: 'p', sk: 'x'.repeat(1020) }])).rejects.toMatchObject({
    code: 'InvalidInput',
    field: 'keys[0].sk',
    limit: 1019,
  })
  for (const path of ['l[2147483648]', 'l[1000000000000000000000]', 'f'.repeat(65_536)])
    await expect(db.update(key, { set: { [path]: 1 } })).rejects.toMatchObject({ code: 'InvalidInput' })
})

it('a binary contains its parts', () => {
  const item = { ...key, data: { b: new Uint8Array([1, 2, 3]) } }
  expect(satisfies(item, { b: { contains: new Uint8Array([2, 3]) } })).toBe(true)
  expect(satisfies(item, { b: { contains: new Uint8Array([3, 2]) } })).toBe(false)
})

it('a copy of a message that is handed out again is the same content', async () => {
  let now = 1_700_000_000_000
  const later = new AtomicMemoryDb({ now: () => now })
  await later.queuePush({ pk: 'q', data: { order: 1 } })
  for (let hand = 0; hand < 2; hand++) {
    const { item } = await later.queuePull({ pk: 'q', ttlSeconds: 1 })
    await atomic(later)
      .set({ ...item!, pk: 'done' })
      .commit({ idempotencyKey: item!.sk })
    now += 2000
  }
  expect(await later.query({ pk: 'done' })).toHaveLength(1)
})
