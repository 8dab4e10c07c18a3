import { absent, exists } from 'lockrow'
import { applyChanges, satisfies } from 'lockrow/backend'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 's' }

test('changes make the item that update would make, and leave the given one alone', () => {
  const item = { ...key, data: { n: 1, tags: ['a'] }, ttl: 9 }
  expect(applyChanges(key, item, { add: { n: 2 }, append: { tags: ['b'] }, ttl: null })).toEqual({
    ...key,
    data: { n: 3, tags: ['a', 'b'] },
  })
  expect(item).toEqual({ ...key, data: { n: 1, tags: ['a'] }, ttl: 9 })
})

test('delete leaves nothing, and a change that makes no data makes no item', () => {
  expect(applyChanges(key, { ...key, data: 1 }, { delete: true })).toBe(undefined)
  expect(applyChanges(key, undefined, { remove: ['a'] })).toBe(undefined)
  expect(applyChanges(key, { ...key, data: undefined }, { ttl: 7 })).toEqual({ ...key, ttl: 7 })
  expect(applyChanges(key, undefined, { set: { 'a.b': 1 } })).toEqual({ ...key, data: { a: { b: 1 } } })
})

test('a condition is judged on the item, or on its absence', () => {
  const item = { ...key, data: { n: 1 } }
  expect([satisfies(item, { n: { gt: 0 } }), satisfies(item, { n: 2 })]).toEqual([true, false])
  expect([satisfies(undefined, absent), satisfies(undefined, exists), satisfies(item, exists)]).toEqual([
    true,
    false,
    true,
  ])
})
