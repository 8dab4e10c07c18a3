import { describe, expect, test } from 'vitest'
import {
  addNumbers,
  bigintProblem,
  compareNumbers,
  Decimal,
  decodeExactly,
  decodeNumber,
  digitPairs,
  isNumeric,
  isShownExactly,
  numberProblem,
  subtractNumbers,
} from '../../src/model/numbers.ts'

const nines = '9'.repeat(38)

test('numbers are numbers, integers beyond 2^53 bigints, whatever their form', () => {
  expect(decodeNumber('42')).toBe(42)
  expect(decodeNumber('-0.5')).toBe(-0.5)
  expect(decodeNumber('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
  expect(decodeNumber('9007199254740993')).toBe(9007199254740993n)
  expect(decodeNumber('1e20')).toBe(10n ** 20n)
  expect(decodeNumber('10000000000000000000.00')).toBe(10n ** 19n)
  expect(decodeNumber('-12345678901234567890')).toBe(-12345678901234567890n)
})

test('what no JS number shows stays as it is', () => {
  expect(decodeExactly('0.1')).toBe(0.1)
  expect(decodeExactly('0.12345678901234567890')).toEqual(new Decimal('0.12345678901234567890'))
  expect(String(new Decimal('1.50'))).toBe('1.50')
  expect(isShownExactly(0.5, '0.5000000000000000000')).toBe(true)
  expect(isShownExactly(0.1, '0.10000000000000000001')).toBe(false)
  expect(isShownExactly(5n, '5.000000000000000000')).toBe(false)
  expect([1, 1n, new Decimal('1')].every(isNumeric)).toBe(true)
  expect(['1', null, undefined, true].some(isNumeric)).toBe(false)
})

test.each([
  [1, 2, -1],
  [2n, 1, 1],
  [new Decimal('1.0'), 1, 0],
  [new Decimal('-0.10000000000000000001'), -0.1, -1],
  [new Decimal('1e2'), 100n, 0],
  [new Decimal('1e-130'), new Decimal('0'), 1],
])('%s against %s', (a, b, sign) => {
  expect(Math.sign(compareNumbers(a, b))).toBe(sign)
  expect(Math.sign(compareNumbers(b, a))).toBe(sign === 0 ? 0 : -sign)
})

describe('sums are exact', () => {
  test.each([
    [0.1, 0.2, 0.3],
    [Number.MAX_SAFE_INTEGER, 1, 9007199254740992n],
    [9007199254740993n, -2n, Number.MAX_SAFE_INTEGER],
    [1.5, -1.5, 0],
    [BigInt(nines) - 1n, 1, BigInt(nines)],
  ])('%s + %s', (a, b, sum) => {
    expect(addNumbers(a, b)).toBe(sum)
    expect(subtractNumbers(sum, b)).toBe(a)
  })

  test('or have too many digits', () => {
    // a one with 38 zeros has one significant digit
    expect(addNumbers(BigInt(nines), 1)).toBe(10n ** 38n)
    expect(addNumbers(BigInt(nines), 2)).toBeUndefined()
    expect(addNumbers(10n ** 30n, 1e-9)).toBeUndefined()
    expect(addNumbers(10n ** 28n, 1e-9)).toEqual(new Decimal(`1${'0'.repeat(36)}1e-9`))
    expect(addNumbers(new Decimal('9e125'), new Decimal('1e125'))).toBeUndefined()
    expect(addNumbers(new Decimal('1e-130'), new Decimal('-1.1e-130'))).toBeUndefined()
    expect(addNumbers(new Decimal('2e-130'), new Decimal('-1e-130'))).toBe(1e-130)
  })
})

test.each([
  [1, 1],
  [12, 1],
  [123, 2],
  [1200, 1],
  [0.5, 1],
  [0.05, 1],
  [1.5, 2],
  [-12.34, 2],
  [10n ** 20n, 1],
])('%s has %s pairs of digits', (value, pairs) => {
  expect(digitPairs(value)).toBe(pairs)
})

test('what cannot be stored unchanged says why', () => {
  for (const value of [0, -0, 1e-130, 1.5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
    expect(numberProblem(value)).toBeUndefined()
  for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) expect(numberProblem(value)).toMatch(/finite/)
  for (const value of [2 ** 53, -(2 ** 53), 1e300]) expect(numberProblem(value)).toMatch(/use a bigint/)
  for (const value of [9e-131, -9e-131]) expect(numberProblem(value)).toMatch(/close to 0/)
  for (const value of [2n ** 53n, -(2n ** 53n), 10n ** 38n - 1n, 1n - 10n ** 38n])
    expect(bigintProblem(value)).toBeUndefined()
  for (const value of [0n, 2n ** 53n - 1n, 1n - 2n ** 53n])
    expect(bigintProblem(value)).toMatch(/write a number/)
  for (const value of [10n ** 38n, -(10n ** 38n)]) expect(bigintProblem(value)).toMatch(/38 digits/)
})
