import { expect, test } from 'vitest'
import { Decimal } from '../../src/model/numbers.ts'
import {
  carryExact,
  cloneItem,
  exactOf,
  exactRow,
  rememberExact,
  sameItem,
  shownRow,
} from '../../src/model/wire.ts'

const key = { pk: 'p', sk: 'a' }
const digits = new Decimal('0.10000000000000000000001')
const exact = { ...key, data: { n: digits } }
const read = () => rememberExact({ ...key, data: { n: 0.1 } }, exact)

test('what was read stands for what is stored, to the last digit', () => {
  expect(exactOf(read())).toEqual({ data: { n: digits }, ttl: undefined })
  expect(exactRow(read())).toBe(exact)
  expect(exactOf(cloneItem(read())).data).toEqual({ n: digits })
  expect(exactRow(carryExact(read(), { ...key }))).toBe(exact)
  expect(Object.keys(read())).toEqual(['pk', 'sk', 'data'])
})

test('changed by its owner, or copied by hand, it stands for what it shows', () => {
  const changed = read()
  changed.data.n = 0.2
  expect(exactOf(changed).data).toEqual({ n: 0.2 })
  expect(exactOf({ ...read() }).data).toEqual({ n: 0.1 })
  expect(exactOf(Object.assign(read(), { ttl: 5 }))).toEqual({ data: { n: 0.1 }, ttl: 5 })
})

test('a stored row is shown with the nearest number; one that is shown exactly needs no second form', () => {
  const shown = shownRow(exact)
  expect(shown).toEqual({ ...key, data: { n: 0.1 } })
  expect(exactRow(shown)).toBe(exact)
  const plain = { ...key, data: { n: 1 } }
  const copy = shownRow(plain)
  expect(copy).toEqual(plain)
  expect(exactRow(copy)).toBe(copy)
})

test('two items are the same in data and expiry', () => {
  const item = { ...key, data: { n: 0.1 } }
  expect(sameItem(undefined, undefined)).toBe(true)
  expect(sameItem(item, undefined)).toBe(false)
  expect(sameItem(item, { ...item })).toBe(true)
  expect(sameItem(item, { ...item, ttl: 1 })).toBe(false)
  expect(sameItem(item, read())).toBe(false)
  expect(sameItem(read(), read())).toBe(true)
})
