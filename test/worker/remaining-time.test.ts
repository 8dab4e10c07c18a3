import { InvalidInput, remainingTime } from 'lockrow'
import { expect, test } from 'vitest'
import { remainingMs } from '../../src/worker/remaining-time.ts'

const context = (ms: unknown) => ({ getRemainingTimeInMillis: () => ms as number })

test('half a second is kept by default, and 1 ms is always left', () => {
  expect(remainingTime(context(3000))).toBe(2500)
  expect(remainingTime(context(3000), { reserveMs: 0 })).toBe(3000)
  expect(remainingTime(context(501))).toBe(1)
  expect(remainingTime(context(500))).toBe(1)
  expect(remainingTime(context(-20))).toBe(1)
  expect(remainingTime(context(502))).toBe(2)
})

test('what Lambda says is taken as it is, also that there is no end', () => {
  expect(remainingMs(context(0))).toBe(0)
  expect(remainingMs(context(Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY)
})

test.each([
  undefined,
  null,
  {},
  { getRemainingTimeInMillis: 5 },
  context(Number.NaN),
  context('5'),
  context(undefined),
])('context %j is refused', (given) => {
  expect(() => remainingMs(given as never)).toThrow(InvalidInput)
  expect(() => remainingTime(given as never)).toThrow(/context/)
})

test.each([{ reserveMs: -1 }, { reserveMs: '5' }, { reserve: 5 }])('options %j are refused', (options) => {
  expect(() => remainingTime(context(5000), options as never)).toThrow(InvalidInput)
})
