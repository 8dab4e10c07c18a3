import { AtomicMemoryDb, atomic } from 'lockrow'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 'n' }
const add = (db: AtomicMemoryDb, n: number) => atomic(db).update(key, { add: { n } })

test('under one key once, with other content an error, and under another key again', async () => {
  const db = new AtomicMemoryDb()
  for (let i = 0; i < 3; i++) await add(db, 1).commit({ idempotencyKey: 'order-1' })
  expect((await db.get(key))!.data).toEqual({ n: 1 })
  await expect(add(db, 2).commit({ idempotencyKey: 'order-1' })).rejects.toMatchObject({
    code: 'IdempotencyMismatch',
  })
  await add(db, 2).commit({ idempotencyKey: 'order-2' })
  expect((await db.get(key))!.data).toEqual({ n: 3 })
})

test('a commit that fails leaves its key unused', async () => {
  const db = new AtomicMemoryDb()
  const guarded = () => atomic(db).update(key, { add: { n: 1 } }, { if: { open: true } })
  await expect(guarded().commit({ idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'ConditionFailed' })
  await db.set({ ...key, data: { open: true, n: 0 } })
  await guarded().commit({ idempotencyKey: 'k' })
  expect((await db.get(key))!.data).toEqual({ open: true, n: 1 })
})
