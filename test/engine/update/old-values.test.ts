import { AtomicEngine, type SingleOperation, StorageFault, systemRuntime } from 'lockrow/backend'
import { expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/memory/storage.ts'

/** Applies what it is asked, and loses the replies to the first requests. */
class Losing extends MemoryStorage {
  lost = 0
  override async apply(operation: SingleOperation) {
    const result = await super.apply(operation)
    if (this.lost-- > 0) throw new StorageFault('unknown', 'the reply was lost')
    return result
  }
}

function opened() {
  const storage = new Losing(systemRuntime)
  return { storage, db: new AtomicEngine(storage, { retry: { baseMs: 0 } }) }
}
const key = { pk: 'p', sk: 'a' }

it('after a lost reply the old value is left out, and said to be: never our own write', async () => {
  const { storage, db } = opened()
  await db.set({ ...key, data: 1 })
  storage.lost = 1
  expect(await db.set({ ...key, data: 2 }, { returnOld: true })).toEqual([{ known: false }])
  expect((await db.get(key))?.data).toBe(2)
  storage.lost = 1
  expect(await db.delete(key, { returnOld: true })).toEqual([{ known: false }])
  expect(await db.get(key)).toBeUndefined()
})

it('an update found by its id says so too', async () => {
  const { storage, db } = opened()
  await db.set({ ...key, data: { n: 1 } })
  storage.lost = 1
  const { applied, item, old } = await db.update(key, { add: { n: 1 } }, { returnOld: true })
  expect({ applied, data: item?.data, old }).toEqual({ applied: true, data: { n: 2 }, old: { known: false } })
  storage.lost = 1
  expect(await db.update(key, { delete: true }, { returnOld: true })).toEqual({
    applied: true,
    old: { known: false },
  })
})

it('of several rows only the one in doubt is left out', async () => {
  const { storage, db } = opened()
  const keys = ['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk }))
  await db.set(keys.map((one) => ({ ...one, data: 1 })))
  storage.lost = 1
  const old = await db.delete(keys, { returnOld: true })
  expect(old.filter(({ known }) => !known)).toHaveLength(1)
  expect(old.filter(({ item }) => item?.data === 1)).toHaveLength(2)
})

it('what could not be written is listed', async () => {
  const { storage, db } = opened()
  const items = ['a', 'b', 'c', 'd', 'e', 'f'].map((sk) => ({ pk: 'p', sk, data: 1 }))
  storage.lost = 1000
  const failed = await db.set(items, { returnOld: true }).catch((error) => error)
  expect(failed).toMatchObject({ code: 'PartialWrite' })
  expect(failed.keys).toHaveLength(6)
})
