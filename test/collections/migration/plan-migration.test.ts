import { migrate, planMigration } from 'lockrow/collections'
import { expect, test } from 'vitest'
import { ended, filled, rate } from './world.ts'

test('says what there is to do and what it costs, and writes nothing', async () => {
  const { db, old, young, pass } = await filled(30)
  await old.insert({ id: 'twice', email: '3@d0' })
  const before = await db.query({ pk: 'users' })
  const looked: number[] = []
  const plan = await planMigration(young, { wruPerSecond: 10, onProgress: (n) => looked.push(n) })
  expect(plan).toMatchObject({
    version: 2,
    isComplete: false,
    items: 31,
    byVersion: { 1: 31 },
    toWrite: 30,
    problems: [{ code: 'NotUnique', message: expect.stringContaining('taken by') }],
  })
  expect(plan.earlier).toMatchObject([{ version: 1 }])
  expect(plan.seconds).toBe(Math.ceil(plan.wru / 10))
  expect(plan.usd).toBeCloseTo((plan.wru * 0.625 + plan.rru * 0.125) / 1e6, 12)
  expect(looked).toEqual([31])
  expect(await db.query({ pk: 'users' })).toEqual(before)
  await old.delete('twice')
  pass(ended)
  // What it said is what it takes.
  const { wru, written } = await migrate(young, rate)
  expect(written).toBe(30)
  expect(wru).toBeGreaterThanOrEqual((plan.wru / 30) * 29)
  expect(await planMigration(young)).toMatchObject({
    isComplete: true,
    toWrite: 0,
    byVersion: { 2: 30 },
    usd: 0,
  })
})
