import { expect, test } from 'vitest'
import { Entries } from '../../src/lru/entries.ts'
import { Machine } from '../setup/machine.ts'

const item = (data: number, ttl?: number) => ({
  pk: 'p',
  sk: 's',
  data,
  ...(ttl === undefined ? {} : { ttl }),
})

test('an entry is kept until its age or the expiry of its item, by either clock', () => {
  const machine = new Machine(1_000_000)
  const entries = new Entries(machine, 10, 500)
  const sent = { wall: machine.wall, monotonic: machine.mono }
  entries.keep('a', 'p', item(1), sent)
  machine.pass(499)
  expect(entries.live('a')).toMatchObject({ item: item(1) })
  machine.mono++
  expect(entries.live('a')).toBe(undefined)
  expect(entries.size).toBe(0)
  entries.keep('b', 'p', item(2, 1001), undefined)
  machine.wall = 1_000_999
  expect(entries.live('b')).toMatchObject({ item: item(2, 1001) })
  machine.wall = 1_001_000
  expect([entries.peek('b') !== undefined, entries.live('b')]).toEqual([true, undefined])
})

test('without an age nothing grows old, and what is not there can be kept too', () => {
  const machine = new Machine(1_000_000)
  const entries = new Entries(machine, 10, undefined)
  entries.keep('a', 'p', undefined, undefined)
  machine.pass(1e12)
  expect(entries.live('a')).toMatchObject({ item: undefined })
  expect(entries.isYoung({ wall: 0, monotonic: 0 })).toBe(true)
})

test('a partition leaves as a whole; the index forgets what leaves', () => {
  const entries = new Entries(new Machine(0), 3, undefined)
  for (const [text, partition] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
  ] as const)
    entries.keep(text, partition, undefined, undefined)
  entries.keep('a1', 'a', undefined, undefined)
  expect([entries.size, entries.partitions]).toEqual([3, 2])
  entries.deletePartition('a')
  expect([entries.size, entries.partitions, entries.peek('b1') !== undefined]).toEqual([1, 1, true])
  entries.deletePartition('none')
  // The least recently used one leaves for the fourth.
  for (const text of ['c1', 'c2', 'c3']) entries.keep(text, 'c', undefined, undefined)
  expect([entries.peek('b1'), entries.size, entries.partitions]).toEqual([undefined, 3, 1])
  entries.delete('c1')
  entries.clear()
  expect([entries.size, entries.partitions]).toEqual([0, 0])
})
