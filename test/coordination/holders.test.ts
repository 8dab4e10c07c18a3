import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import { lapsed, type Place, removePlace } from '../../src/coordination/holders.ts'

test('over for everybody are those whose time ended before the limit', () => {
  expect(lapsed({ a: 99, b: 100, c: 101 }, 100)).toEqual([['a', 99]])
  expect(lapsed(undefined, 100)).toEqual([])
})

test('a place is given back once, and only while it is ours', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'p', sk: 's' }
  const place: Place<{ by: string; until: number }> = {
    until: ['until'],
    removal: { delete: true },
    read: (item) => (item?.data.by === 'us' ? item.data.until : undefined),
    ours: { by: 'us' },
  }
  await db.set({ ...key, data: { by: 'us', until: 1 } })
  expect([await removePlace(db, key, place, {}), await removePlace(db, key, place, {})]).toEqual([
    true,
    false,
  ])
  await db.set({ ...key, data: { by: 'them', until: 1 } })
  expect([await removePlace(db, key, place, {}), (await db.get(key)) !== undefined]).toEqual([false, true])
})
