import { absent, allOf, anyOf, exists, not, unchanged } from 'lockrow'
import { satisfies } from 'lockrow/backend'
import { expect, test } from 'vitest'

const item = { pk: 'p', sk: 's', data: { n: 1 }, ttl: 9 }
const [yes, no] = [{ n: 1 }, { n: 2 }]

test.each([
  ['anyOf with one that holds', anyOf(no, yes), true],
  ['anyOf without', anyOf(no, no), false],
  ['allOf', allOf(yes, exists), true],
  ['allOf with one that does not hold', allOf(yes, no), false],
  ['not', not(no), true],
  ['not of one that holds', not(yes), false],
  ['nested', allOf(not(anyOf(no, absent)), yes), true],
  ['unchanged', unchanged(item), true],
  ['unchanged but for its data', unchanged({ ...item, data: { n: 2 } }), false],
  ['unchanged but for its expiry', unchanged({ data: item.data }), false],
  ['unchanged from nothing', unchanged(undefined), false],
])('%s', (_, condition, expected) => expect(satisfies(item, condition)).toBe(expected))

test('constants of the package cannot be changed', () => {
  expect([Object.isFrozen(exists), Object.isFrozen(absent)]).toEqual([true, true])
})
