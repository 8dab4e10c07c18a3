import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import { endingOf, timeLeftOf } from '../../src/model/time-left.ts'

test('a database without an end has all the time, and ends by itself', () => {
  const db = new AtomicMemoryDb()
  expect(timeLeftOf(db)).toBe(Number.POSITIVE_INFINITY)
  expect(endingOf(db)).toBe(db)
})

test('one with an end says how long it has, and what ends its calls', () => {
  const ending = new AtomicMemoryDb()
  const db = Object.assign(new AtomicMemoryDb(), { leftMs: 0, ending })
  expect(timeLeftOf(db)).toBe(0)
  expect(endingOf(db)).toBe(ending)
})
