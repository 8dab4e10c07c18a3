import { AtomicMemoryDb, atomic } from 'lockrow'
import { expect, test, vi } from 'vitest'

const key = { pk: 'p', sk: 's' }

test('what was collected commits as one transaction, a message with it', async () => {
  const db = new AtomicMemoryDb()
  const sent = vi.spyOn(db, 'transact')
  await atomic(db)
    .set({ ...key, data: 1 })
    .queuePush({ pk: 'q', data: 'done' })
    .commit()
  expect(sent).toHaveBeenCalledTimes(1)
  expect([(await db.get(key))!.data, (await db.queuePull({ pk: 'q' })).item!.data]).toEqual([1, 'done'])
})

test('all or nothing', async () => {
  const db = new AtomicMemoryDb()
  await db.set({ ...key, data: 1 })
  const refused = atomic(db)
    .set({ pk: 'p', sk: 'other', data: 1 })
    .setIfAbsent({ ...key, data: 2 })
    .commit()
  await expect(refused).rejects.toMatchObject({ code: 'ConditionFailed' })
  expect([(await db.get(key))!.data, await db.get({ pk: 'p', sk: 'other' })]).toEqual([1, undefined])
})
