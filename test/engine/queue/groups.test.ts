import { expect, test } from 'vitest'
import { Groups } from '../../../src/engine/queue/groups.ts'
import { rowBytes } from '../../../src/model/sizes.ts'

const row = (sk: string, more: object = {}) => ({ pk: 'q', sk, n: 0, g: 'g', ...more })
const keysOf = (groups: Groups, group = 'g') => groups.of(group).map(({ sk }) => sk)

test('messages lie by group in order, whatever the order in which they are heard of', () => {
  const groups = new Groups()
  groups.add([row('c'), row('aa', { g: 'h' }), row('b'), row('a')], 0, 0)
  expect([keysOf(groups), keysOf(groups, 'h'), keysOf(groups, 'none')]).toEqual([['a', 'b', 'c'], ['aa'], []])
  expect(groups.end).toBe('c')
  expect([...groups.groups].map((members) => members.length).toSorted()).toEqual([1, 3])
})

test('a message without a group is of the one without a name', () => {
  const groups = new Groups()
  groups.add([{ pk: 'q', sk: 'a', n: 0 }], 0, 0)
  expect(keysOf(groups, '')).toEqual(['a'])
})

test('what is no message, or has expired, is none; but it was read', () => {
  const groups = new Groups()
  groups.add([row('a', { ttl: 100 }), { pk: 'q', sk: 'b', data: 1 }], 101, 0)
  expect([keysOf(groups), groups.end]).toEqual([[], 'b'])
})

test('what is known of a message is what was read last', () => {
  const groups = new Groups()
  const known = groups.update(row('a', { due: 50, n: 2, ttl: 9 }), 7)
  expect(known).toEqual({
    sk: 'a',
    group: 'g',
    received: true,
    receives: 2,
    due: 50,
    ttl: 9,
    ours: false,
    late: false,
    readAt: 7,
  })
  groups.change('a', 90)
  expect(known).toMatchObject({ due: 90, received: true, ours: true })
  expect(groups.update(row('a', { n: 3 }), 8)).toBe(known)
  expect(known).toMatchObject({ due: 0, receives: 3, ours: false, readAt: 8 })
  expect(groups.update(row('b', { first: 1 }), 8).received).toBe(true)
  expect(groups.update(row('c'), 8).received).toBe(false)
  groups.change('unheard of', 1)
})

test('late: pushed with a delay, before another one of its group, or before what was read already', () => {
  const groups = new Groups()
  expect(groups.update(row('d'), 0).late).toBe(false)
  expect(groups.update(row('e', { due: 5 }), 0).late).toBe(true)
  expect(groups.update(row('f', { due: 5, n: 1 }), 0).late).toBe(false)
  expect(groups.update(row('c'), 0).late).toBe(true)
  groups.add([row('p', { g: 'other' })], 0, 0)
  expect(groups.update(row('g', { g: 'third' }), 0).late).toBe(true)
  expect(groups.update(row('q', { g: 'third' }), 0).late).toBe(false)
})

test('a second reading does not make late what the first one had not reached', () => {
  const groups = new Groups()
  groups.add([row('c')], 0, 0)
  groups.beginReading()
  expect([groups.end, groups.isReadingAll]).toEqual([undefined, true])
  groups.add([row('b', { g: 'new' }), row('d', { g: 'new' })], 0, 0)
  expect(groups.of('new')).toMatchObject([{ late: true }, { late: false }])
  groups.endReading(0)
  groups.add([row('e', { g: 'z' })], 0, 0)
  groups.beginReading()
  groups.add([row('a')], 0, 0)
  groups.beginReading()
  groups.add([row('d5', { g: 'y' })], 0, 0)
  expect(groups.of('y')).toMatchObject([{ late: true }])
})

test('what a whole reading does not find is gone', () => {
  const groups = new Groups()
  groups.add([row('a'), row('b'), row('c', { g: 'h' })], 0, 0)
  groups.beginReading()
  groups.add([row('b')], 0, 0)
  groups.endReading(0)
  expect([keysOf(groups), keysOf(groups, 'h'), groups.isReadingAll]).toEqual([['b'], [], false])
  expect([...groups.groups]).toHaveLength(1)
})

test('one that is removed leaves the others in order', () => {
  const groups = new Groups()
  groups.add([row('a'), row('b'), row('c')], 0, 0)
  groups.remove('b')
  groups.remove('unheard of')
  expect(keysOf(groups)).toEqual(['a', 'c'])
  groups.update(row('b'), 0)
  expect(keysOf(groups)).toEqual(['a', 'b', 'c'])
})

test('whole readings are a second apart, or as far as 2 RRU a second allow', () => {
  const groups = new Groups()
  expect(groups.needsReading(0)).toBe(true)
  groups.beginReading()
  groups.add([row('a')], 0, 0)
  groups.endReading(100)
  expect([groups.needsReading(1099), groups.needsReading(1100)]).toEqual([false, true])
  groups.beginReading()
  groups.add([row('a', { data: 'x'.repeat(5 * 8192) })], 0, 0)
  groups.endReading(0)
  expect([groups.needsReading(5000), groups.needsReading(5100)]).toEqual([false, true])
})

test('ten early looks at once, and one more a second', () => {
  const groups = new Groups()
  expect(groups.earlyLooks(0)).toBe(10)
  groups.looked(4)
  expect(groups.earlyLooks(0)).toBe(6)
  expect(groups.earlyLooks(999)).toBe(6)
  expect(groups.earlyLooks(2000)).toBe(8)
  expect(groups.earlyLooks(60_000)).toBe(10)
  groups.looked(99)
  expect(groups.earlyLooks(60_000)).toBe(0)
  expect(groups.earlyLooks(61_000)).toBe(1)
})

test('what a whole reading has read is what the next one waits for, to the byte', () => {
  const groups = new Groups()
  const large = row('a', { data: 'x'.repeat(300_000) })
  groups.add([large], 0, 0)
  groups.beginReading()
  groups.add([large], 0, 0)
  groups.endReading(0)
  const waitMs = (rowBytes(large) / 4096 / 2) * 1000
  expect([groups.needsReading(waitMs - 0.01), groups.needsReading(waitMs + 0.01)]).toEqual([false, true])
})
