import { type Runtime, systemRuntime } from 'lockrow/backend'
import { expect, it } from 'vitest'
import { Doubts } from '../../src/lru/doubts.ts'
import { Entries } from '../../src/lru/entries.ts'

const target = (...texts: string[]) => ({ texts, partitions: [], everything: false })

function doubts() {
  const at = { ms: 0 }
  const runtime: Runtime = { ...systemRuntime, monotonic: () => at.ms }
  return { at, doubts: new Doubts(runtime) }
}

it('rows, partitions and everything are in doubt for ten minutes', () => {
  const { at, doubts: all } = doubts()
  expect(all.has('a', 'p')).toBe(false)
  all.add(target('a'))
  at.ms = 1000
  all.add({ texts: [], partitions: ['q'], everything: false })
  expect([all.has('a', 'p'), all.has('b', 'p'), all.has('b', 'q')]).toEqual([true, false, true])
  at.ms = 600_000
  expect([all.has('a', 'p'), all.has('b', 'q')]).toEqual([false, true])
  all.add({ texts: [], partitions: [], everything: true })
  expect(all.has('b', 'p')).toBe(true)
  at.ms = 1_200_000
  expect(all.has('b', 'p')).toBe(false)
})

it('a new doubt about a row lasts as long as any', () => {
  const { at, doubts: all } = doubts()
  all.add(target('a', 'b'))
  at.ms = 500_000
  all.add(target('a'))
  at.ms = 1_000_000
  all.add(target('c'))
  expect([all.has('a', 'p'), all.has('b', 'p')]).toEqual([true, false])
})

it('beyond 10,000 rows in doubt, all are', () => {
  const { at, doubts: all } = doubts()
  for (let i = 0; i < 10_000; i++) all.add(target(`row ${i}`))
  expect(all.has('another', 'p')).toBe(false)
  all.add(target('one more'))
  expect(all.has('another', 'p')).toBe(true)
  at.ms = 600_000
  expect(all.has('another', 'p')).toBe(false)
  // Those that have ended take no place.
  for (let i = 0; i < 9_999; i++) all.add(target(`later ${i}`))
  at.ms = 1_200_000
  all.add(target('x', 'y'))
  expect(all.has('another', 'p')).toBe(false)
})

it('a partition finds its items, and not those that were evicted or moved', () => {
  const entries = new Entries(systemRuntime, 2, undefined)
  const item = { pk: 'p', sk: 'a', data: 1 }
  for (const text of ['a', 'b', 'c']) entries.keep(text, 'p', item, undefined)
  entries.keep('c', 'p', item, undefined)
  expect(entries.size).toBe(2)
  entries.deletePartition('q')
  expect(entries.size).toBe(2)
  entries.deletePartition('p')
  expect(entries.size).toBe(0)
  for (let i = 0; i < 5; i++) entries.keep(`row ${i}`, `partition ${i}`, item, undefined)
  expect(entries.partitions).toBe(2)
  entries.clear()
  expect(entries.partitions).toBe(0)
})
