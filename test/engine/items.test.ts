import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

const key = (sk: string) => ({ pk: 'p', sk })

test('items in the order of their keys; what is deleted is gone', async () => {
  const db = new AtomicMemoryDb()
  await db.set([
    { ...key('a'), data: 1 },
    { ...key('b'), data: 2 },
  ])
  expect((await db.getMany([key('b'), key('x'), key('a'), key('b')])).map((item) => item?.data)).toEqual([
    2,
    undefined,
    1,
    2,
  ])
  await db.delete([key('a'), key('x')])
  expect([await db.get(key('a')), (await db.get(key('b')))?.data]).toEqual([undefined, 2])
})

test('nothing to do is no error', async () => {
  const db = new AtomicMemoryDb()
  expect([await db.getMany([]), await db.set([]), await db.delete([])]).toEqual([[], [], []])
})
