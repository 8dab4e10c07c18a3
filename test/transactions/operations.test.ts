import { unchanged } from 'lockrow'
import { expect, test } from 'vitest'
import { type Entry, newEntry } from '../../src/transactions/entry.ts'
import { commitOperations, hasLock } from '../../src/transactions/operations.ts'

const key = { pk: 'p', sk: 'a' }
const item = { ...key, data: 1 }
const made = { ...key, data: 2, ttl: 5 }
const entry = (of: Partial<Entry>): Entry => ({ ...newEntry(key), ...of })

test.each<[string, Partial<Entry>, unknown]>([
  ['read', { base: { item } }, { type: 'check', key, if: unchanged(item) }],
  ['read as absent', { base: { item: undefined } }, { type: 'check', key, if: unchanged(undefined) }],
  ['deleted unread', { value: { item: undefined }, writes: 1 }, { type: 'delete', key }],
  [
    'read and deleted',
    { base: { item }, value: { item: undefined }, writes: 1 },
    { type: 'delete', key, if: unchanged(item) },
  ],
  [
    'made and deleted again',
    { base: { item: undefined }, value: { item: undefined }, writes: 2 },
    { type: 'check', key, if: unchanged(undefined) },
  ],
  [
    'written',
    { value: { item: made }, writes: 1 },
    { type: 'update', key, changes: { set: { '': 2 }, ttl: 5 } },
  ],
  [
    'read and written',
    { base: { item }, value: { item: { ...key, data: 2 } }, writes: 1 },
    { type: 'update', key, changes: { set: { '': 2 }, ttl: null }, if: unchanged(item) },
  ],
  [
    'written without data',
    { value: { item: { ...key, ttl: 5 } as never }, writes: 1 },
    { type: 'set', item: { ...key, ttl: 5 } },
  ],
])('%s', (_, of, operation) => {
  expect(commitOperations([entry(of)], false)).toEqual([operation])
})

test('what is written gives its lock a new version, where there can be one', () => {
  const written = entry({ value: { item: made }, writes: 1 })
  const bump = { type: 'bump', key: { pk: 'p', sk: 'a#lock' } }
  expect(commitOperations([written], true)[1]).toEqual(bump)
  expect(commitOperations([entry({ base: { item } })], true)).toHaveLength(1)
  const atLock = { ...newEntry({ pk: 'p', sk: 'a#lock' }), base: { item: undefined } }
  expect(commitOperations([written, atLock], true)).toHaveLength(2)
  const long = { ...newEntry({ pk: 'p', sk: 'x'.repeat(1020) }), value: { item: made }, writes: 1 }
  expect(commitOperations([long], true)).toHaveLength(1)
  expect([hasLock({ pk: 'p', sk: 'x'.repeat(1019) }), hasLock(long.key)]).toEqual([true, false])
})
