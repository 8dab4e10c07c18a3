import { expect, test } from 'vitest'
import { Rescan } from '../../../src/engine/queue/rescan.ts'

const never = Number.POSITIVE_INFINITY

/** One that has read so much, from the start to the end. */
function ended(bytes: number, rows = 1, at = 0): Rescan {
  const rescan = new Rescan()
  rescan.begin(at, 'at once')
  for (let i = 0; i < rows; i++) rescan.spend(bytes / rows)
  rescan.pass('z', 'y', at)
  return rescan
}

test('it goes from the start to behind the frontier', () => {
  const rescan = new Rescan()
  expect([rescan.place, rescan.lastRows]).toEqual([undefined, 0])
  rescan.pass('a', 'c', 0)
  expect(rescan.place).toBe(undefined)
  rescan.begin(0, 'at once')
  expect(rescan.place).toBe('')
  for (const sk of ['b', 'a', 'c']) {
    rescan.spend(10)
    rescan.pass(sk, 'c', 0)
  }
  expect([rescan.place, rescan.lastRows]).toEqual(['c', 0])
  rescan.pass('d', 'c', 0)
  expect([rescan.place, rescan.lastRows]).toEqual([undefined, 3])
  rescan.begin(0, 'at once')
  rescan.spend(10)
  rescan.end(0)
  expect(rescan.lastRows).toBe(1)
})

test('little by little it may begin at once, and a second after the last one ended', () => {
  const rescan = new Rescan()
  rescan.beginWhenDue(0, 0)
  expect(rescan.place).toBe('')
  rescan.end(500)
  rescan.beginWhenDue(1499, 0)
  expect(rescan.place).toBe(undefined)
  rescan.beginWhenDue(1500, 0)
  expect(rescan.place).toBe('')
})

test('one that is known to be due begins at once, also over one that goes little by little', () => {
  const rescan = new Rescan()
  rescan.begin(0, 'little by little')
  rescan.pass('m', 'z', 0)
  rescan.expectDeadline(1000)
  rescan.beginWhenDue(10, 999)
  expect([rescan.place, rescan.affordableRows(10)]).toEqual(['m', 40])
  rescan.beginWhenDue(10, 1000)
  expect([rescan.place, rescan.affordableRows(10)]).toEqual(['', never])
  // It reads for this deadline now.
  expect(rescan.nextDeadline).toBe(never)
  rescan.pass('m', 'z', 10)
  rescan.expectDeadline(1000)
  rescan.beginWhenDue(20, 1000)
  expect(rescan.place).toBe('m')
})

test('deadlines that it sees are known afterwards, those before it are not', () => {
  const rescan = new Rescan()
  expect(rescan.nextDeadline).toBe(never)
  rescan.noticeDeadline(5000)
  expect(rescan.nextDeadline).toBe(5000)
  rescan.begin(0, 'little by little')
  expect(rescan.nextDeadline).toBe(5000)
  rescan.noticeDeadline(7000)
  rescan.noticeDeadline(8000)
  rescan.end(0)
  expect(rescan.nextDeadline).toBe(7000)
  rescan.expectDeadline(6000)
  expect(rescan.nextDeadline).toBe(6000)
})

test('an urgent one counts what it sees while it is under way', () => {
  const rescan = new Rescan()
  rescan.noticeDeadline(4000)
  rescan.begin(0, 'at once')
  expect(rescan.nextDeadline).toBe(never)
  rescan.noticeDeadline(9000)
  expect(rescan.nextDeadline).toBe(9000)
})

test('urgent ones are as far apart as 100 RRU a second allow; up to 32 pages need no spacing', () => {
  const small = ended(32 * 4096)
  expect(small.mayBegin(0)).toBe(true)
  const large = ended(33 * 4096)
  expect(large.mayBegin(329)).toBe(false)
  expect(large.mayBegin(330)).toBe(true)
  large.begin(330, 'at once')
  // One is under way already, and is urgent.
  expect(large.mayBegin(9999)).toBe(false)
  large.spend(4096)
  large.end(400)
  expect(large.mayBegin(401)).toBe(true)
})

test('little by little it may read ten pages at once, and ten a second', () => {
  const rescan = new Rescan()
  rescan.begin(0, 'little by little')
  // Rows of a size that nobody knows count as 1 KB.
  expect(rescan.affordableRows(0)).toBe(40)
  rescan.spend(2 * 4096)
  expect(rescan.affordableRows(0)).toBe(4)
  for (let i = 0; i < 4; i++) rescan.spend(2 * 4096)
  expect(rescan.affordableRows(0)).toBe(0)
  expect(rescan.affordableRows(99)).toBe(0)
  // One page, which a row of two may be larger than: but one row is always read.
  expect(rescan.affordableRows(100)).toBe(1)
  expect(rescan.affordableRows(600)).toBe(3)
  expect(rescan.affordableRows(100_000)).toBe(5)
})

test('what an urgent one reads is missing afterwards', () => {
  const rescan = new Rescan()
  rescan.begin(0, 'at once')
  rescan.spend(20 * 4096)
  rescan.end(0)
  rescan.begin(0, 'little by little')
  expect(rescan.affordableRows(1000)).toBe(0)
  expect(rescan.affordableRows(1100)).toBeGreaterThan(0)
})

test('rows and bytes count to the last one', () => {
  const rescan = ended(32 * 4096 + 1)
  expect([rescan.mayBegin(320), rescan.mayBegin(321)]).toEqual([false, true])
  rescan.begin(400, 'little by little')
  rescan.spend(4096)
  expect([rescan.lastRows, rescan.affordableRows(0)]).toEqual([1, 0])
  rescan.end(400)
  // Of a page the price is one unit, exactly.
  const other = new Rescan()
  other.begin(0, 'little by little')
  other.spend(9 * 4096)
  expect(other.affordableRows(0)).toBe(1)
  other.spend(1)
  expect(other.affordableRows(0)).toBe(0)
})

test('what may be read comes back once, not at every question', () => {
  const rescan = new Rescan()
  rescan.begin(0, 'little by little')
  rescan.spend(10 * 4096)
  expect([50, 90, 99].map((monotonic) => rescan.affordableRows(monotonic))).toEqual([0, 0, 0])
  expect(rescan.affordableRows(101)).toBe(1)
})

test('what one that goes little by little has seen counts only once it has ended', () => {
  const rescan = new Rescan()
  rescan.begin(0, 'at once')
  rescan.noticeDeadline(5)
  rescan.begin(0, 'at once')
  expect(rescan.nextDeadline).toBe(Number.POSITIVE_INFINITY)
})
