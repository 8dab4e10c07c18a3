import { expect, test } from 'vitest'
import { Reads } from '../../src/lru/reads.ts'

const item = (data: number) => ({ pk: 'p', sk: 's', data })
const target = (more: object = {}) => ({ texts: [], partitions: [], everything: false, ...more })
const begun = (reads: Reads, text = 'a', partition = 'p') => reads.begin(text, partition, undefined, false)

test.each([
  ['its row', { texts: ['a'] }, true],
  ['another row', { texts: ['b'] }, false],
  ['its partition', { partitions: ['p'] }, true],
  ['another partition', { partitions: ['q'] }, false],
  ['any row', { everything: true }, true],
])('a write of %s makes a read stale, which began before it, or during it', (_, more, stale) => {
  const reads = new Reads()
  const before = begun(reads)
  reads.writing(target(more) as never, 1)
  const during = begun(reads)
  const atItsEnd = begun(reads, 'a')
  atItsEnd.stale = false
  reads.writing(target(more) as never, -1)
  const after = begun(reads)
  expect([before, during, atItsEnd, after].map((read) => read.stale)).toEqual([stale, stale, stale, false])
})

test('two writes at once are under way until both have ended', () => {
  const reads = new Reads()
  for (const step of [1, 1, -1] as const) reads.writing(target({ texts: ['a'] }) as never, step)
  expect(begun(reads).stale).toBe(true)
  reads.writing(target({ texts: ['a'] }) as never, -1)
  expect(begun(reads).stale).toBe(false)
})

test('of what others were told the same is as new, anything else may be newer', () => {
  const reads = new Reads()
  const read = begun(reads)
  expect(reads.isNewest(read, item(1))).toBe(true)
  const answer = { item: item(1) }
  reads.tell('a', answer)
  reads.tell('a', answer)
  reads.tell('b', { item: item(9) })
  expect([
    reads.isNewest(read, item(1)),
    reads.isNewest(read, item(2)),
    reads.isNewest(read, undefined),
  ]).toEqual([true, false, false])
  reads.tell('a', { item: item(1) })
  expect(reads.isNewest(read, item(1))).toBe(false)
})

test('a read that has ended hears nothing more', () => {
  const reads = new Reads()
  const [one, other] = [begun(reads), begun(reads)]
  reads.end(one)
  reads.outdate('a')
  expect([one.stale, other.stale]).toEqual([false, true])
  const third = begun(reads, 'c')
  reads.outdateAll()
  expect(third.stale).toBe(true)
  expect(reads.begin('d', 'p', undefined, true).stale).toBe(true)
})
