import { expect, test } from 'vitest'
import { newEntry } from '../../src/transactions/entry.ts'
import { bytesOf, messageBytes, rowsOf } from '../../src/transactions/limits.ts'

const key = { pk: 'pk', sk: 'sk' }
const value = (data: unknown) => ({ item: { ...key, data } })

test('a row for each item, and one for the lock of each that is written', () => {
  const read = newEntry(key)
  const written = { ...newEntry(key), writes: 2 }
  const unlockable = { ...newEntry({ pk: 'p', sk: 'x'.repeat(1020) }), writes: 1 }
  expect(rowsOf([read, written, unlockable], true)).toBe(4)
  expect(rowsOf([read, written, unlockable], false)).toBe(3)
})

test('bytes: what is compared, and what is written', () => {
  const base = value('x'.repeat(100))
  expect(bytesOf([{ ...newEntry(key), base }])).toBe(404)
  expect(bytesOf([{ ...newEntry(key), base, value: value('y'), writes: 1 }])).toBe(404 + 305)
  expect(bytesOf([{ ...newEntry(key), value: { item: undefined }, writes: 1 }])).toBe(304 + 304)
  expect(messageBytes({ ...key, data: 'abc' })).toBe(307)
  expect(messageBytes(key)).toBe(304)
})
