import { AtomicMemoryDb, transaction } from 'lockrow'
import { expect, test } from 'vitest'
import { Rollback } from '../../src/transactions/rollback.ts'

test('it carries a value out of the callback, and nothing is written', async () => {
  expect(new Rollback(7)).toMatchObject({ code: 'Rollback', value: 7 })
  const db = new AtomicMemoryDb()
  const result = await transaction(db, async (tx) => {
    tx.set({ pk: 'p', sk: 's', data: 1 })
    return tx.rollback('left')
  })
  expect(result).toBe('left')
  expect(await db.get({ pk: 'p', sk: 's' })).toBe(undefined)
})
