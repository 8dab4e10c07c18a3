import fc from 'fast-check'
import { AtomicMemoryDb } from 'lockrow'
import { expect, it } from 'vitest'
import { changesTo } from '../../../src/console/calls/item-changes.ts'

const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.array(fc.integer()),
  fc.dictionary(fc.constantFrom('a', 'b'), fc.integer(), { noNullPrototype: true }),
)
const name = fc.string({ minLength: 1, maxLength: 4 }).filter((one) => one !== '__proto__')
const data = fc.dictionary(name, value, { noNullPrototype: true })

it('an update with the changes makes one item of the other', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'a', sk: 'b' }
  await fc.assert(
    fc.asyncProperty(data, data, async (before, wanted) => {
      await db.set({ ...key, data: before })
      const changes = changesTo({ data: before }, { data: wanted })
      if (changes) await db.update(key, changes)
      expect((await db.get(key))?.data).toEqual(wanted)
    }),
  )
})

it('only what differs is written; what is no object is replaced as a whole', () => {
  expect(changesTo({ data: { a: 1, b: 2 } }, { data: { a: 1, c: 3 } })).toEqual({
    set: [[['c'], 3]],
    remove: [['b']],
  })
  expect(changesTo({ data: { a: 1 }, ttl: 5 }, { data: { a: 1 } })).toEqual({ ttl: null })
  expect(changesTo({ data: 5 }, { data: { a: 1 } })).toBeUndefined()
  expect(changesTo({ data: { a: 1 } }, { data: [1] })).toBeUndefined()
  expect(changesTo({ data: { a: 1 } }, { data: { a: 1 } })).toBeUndefined()
  expect(changesTo(undefined, { data: { a: 1 } })).toEqual({ set: [[['a'], 1]] })
})
