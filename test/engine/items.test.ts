import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import type { Context } from '../../src/engine/context.ts'
import { pages } from '../../src/engine/items.ts'
import type { Range, Row } from '../../src/storage.ts'

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

test('pages are read in what is missing, and twice as much after each one in which rows were skipped', async () => {
  const wanted = async (limit: number | undefined, rows: (reads: number) => Row[], more = 14) => {
    const limits: (number | undefined)[] = []
    const context = { runtime: { now: () => 1e12 } } as Context
    const read = async (range: Range, consistent: boolean) => {
      expect(consistent).toBe(true)
      expect(range.after).toBe(limits.length === 0 ? undefined : `${limits.length}`)
      limits.push(range.limit)
      return { rows: rows(limits.length), ...(limits.length < more && { next: `${limits.length}` }) }
    }
    const found = []
    for await (const items of pages(context, { limit }, { pk: 'p' }, read)) found.push(items.length)
    return { limits, found }
  }
  const one = (sk: string): Row => ({ pk: 'p', sk, data: 1 })
  const none = (): Row[] => [{ pk: 'p', sk: 'expired', data: 1, ttl: 1 }]
  expect(await wanted(3, none)).toEqual({
    limits: [3, 6, 12, 24, 48, 96, 192, 384, 768, 1000, 1000, 1000, 1000, 1000],
    found: [],
  })
  expect(await wanted(undefined, none, 3)).toEqual({ limits: [undefined, undefined, undefined], found: [] })
  // Never less than what is missing, never more items than asked for, and no read when there are enough.
  expect(await wanted(700, () => [one('a')], 3)).toEqual({ limits: [700, 1000, 1000], found: [1, 1, 1] })
  expect(await wanted(3, () => [one('a'), one('b')])).toEqual({ limits: [3, 6], found: [2, 1] })
})
