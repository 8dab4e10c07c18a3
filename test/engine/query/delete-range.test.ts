import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

async function filled(count: number) {
  const db = new AtomicMemoryDb()
  await db.set(
    Array.from({ length: count }, (_, i) => ({ pk: 'p', sk: String(i).padStart(4, '0'), data: i })),
  )
  return db
}

test('a limit of one deletes one, and says that there is more', async () => {
  const db = await filled(2)
  expect(await db.deleteRange({ pk: 'p' }, { limit: 1 })).toEqual({ deleted: 1, done: false })
  expect(await db.deleteRange({ pk: 'p' }, { limit: 1 })).toEqual({ deleted: 1, done: true })
  expect(await db.deleteRange({ pk: 'p' }, { limit: 1 })).toEqual({ deleted: 0, done: true })
})

test('progress is told of each slice, to the last row', async () => {
  const db = await filled(3)
  const told: unknown[] = []
  expect(await db.deleteRange({ pk: 'p' }, { onProgress: (progress) => told.push(progress) })).toEqual({
    deleted: 3,
    done: true,
  })
  expect(told.at(-1)).toEqual({ deleted: 3, sk: '0002' })
})

test('expired rows are deleted, and not counted', async () => {
  let now = 1_700_000_000_000
  const db = new AtomicMemoryDb({ now: () => now })
  await db.set([
    { pk: 'p', sk: 'a', data: 1, ttl: now / 1000 + 1 },
    { pk: 'p', sk: 'b', data: 2 },
  ])
  now += 5000
  expect(await db.deleteRange({ pk: 'p' })).toEqual({ deleted: 1, done: true })
})

test.each([{ limit: 0 }, { limit: 1.5 }, { onProgress: 7 }])('%o is refused', async (options) => {
  await expect(new AtomicMemoryDb().deleteRange({ pk: 'p' }, options as never)).rejects.toMatchObject({
    code: 'InvalidInput',
  })
})
