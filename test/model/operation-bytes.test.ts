import { expect, test } from 'vitest'
import { changedBytes, guardBytes, operationBytes } from '../../src/model/operation-bytes.ts'
import type { Guard } from '../../src/storage.ts'

const key = { pk: 'pp', sk: 'ss' }
const path = ['data', 'n']
const left = { path }
const abc: Guard = { op: 'eq', left, right: { value: 'abc' } }

test.each<[string, Guard, number]>([
  ['a comparison with a value', abc, 3],
  ['one with another field', { op: 'eq', left, right: { path: ['data', 'm'] } }, 0],
  ['the size of a field', { op: 'gt', left: { sizeOf: path }, right: { value: 'a' } }, 1],
  ['parts', { op: 'or', of: [abc, { op: 'and', of: [abc, abc] }] }, 9],
  ['the opposite', { op: 'not', of: abc }, 3],
  ['presence', { op: 'exists', path }, 0],
  ['a type', { op: 'type', path, type: 'S' }, 0],
  ['bounds', { op: 'between', left, low: { value: 'a' }, high: { value: 'bc' } }, 3],
  ['a list of values', { op: 'in', left, values: ['a', 'bc', 'def'] }, 6],
  ['a part', { op: 'contains', path, value: 'abcd' }, 4],
  ['a beginning', { op: 'beginsWith', path, value: 'ab' }, 2],
])('of a guard what it compares with counts: %s', (_, guard, bytes) => {
  expect(guardBytes(guard)).toBe(bytes)
})

test('of changes what they bring counts', () => {
  expect(
    changedBytes([
      { op: 'set', path, value: 'abc' },
      { op: 'remove', path: ['data', 'm'] },
      { op: 'append', path: ['data', 'l'], value: [] },
    ]),
  ).toBe(3 + 3)
})

test('of an operation its row or key, its changes and its guard', () => {
  expect(operationBytes({ op: 'put', row: { ...key, data: 'x' } })).toBe(2 + 2 + 2 + 2 + 4 + 1)
  expect(operationBytes({ op: 'check', key, guard: abc })).toBe(8 + 3)
  expect(operationBytes({ op: 'delete', key })).toBe(8)
  const changes = [{ op: 'set', path, value: 'abcd' } as const]
  expect(operationBytes({ op: 'update', key, changes, guard: abc })).toBe(8 + 4 + 3)
})
