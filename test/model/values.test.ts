import { describe, expect, test } from 'vitest'
import { Decimal } from '../../src/model/numbers.ts'
import {
  clone,
  compareValues,
  decimalsShown,
  equals,
  hasMember,
  setOwn,
  typeName,
  utf8Order,
} from '../../src/model/values.ts'

const bytes = (...of: number[]) => new Uint8Array(of)

test('a copy is equal and shares nothing', () => {
  const value = { list: [1, { a: 'x' }], set: new Set([bytes(1)]), bin: bytes(2), none: null, big: 2n ** 60n }
  const copy = clone(value)
  expect(copy).toEqual(value)
  expect(copy.list).not.toBe(value.list)
  expect(copy.list[1]).not.toBe(value.list[1])
  expect(copy.bin).not.toBe(value.bin)
  expect([...copy.set][0]).not.toBe([...value.set][0])
})

test('a copy shows a decimal as the nearest number, and says so', () => {
  const before = decimalsShown.count
  expect(clone({ a: new Decimal('0.1000000000000000000001') })).toEqual({ a: 0.1 })
  expect(decimalsShown.count).toBe(before + 1)
  clone({ a: 0.1 })
  expect(decimalsShown.count).toBe(before + 1)
})

test('a field of the name __proto__ is a field', () => {
  const map = {}
  setOwn(map, '__proto__', [1])
  const copy = clone(map)
  expect(Object.keys(copy)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
})

test.each([
  ['a', 'S'],
  [1, 'N'],
  [1n, 'N'],
  [new Decimal('1'), 'N'],
  [true, 'BOOL'],
  [null, 'NULL'],
  [[], 'L'],
  [bytes(1), 'B'],
  [new Set(['a']), 'SS'],
  [new Set([1]), 'NS'],
  [new Set([bytes(1)]), 'BS'],
  [{}, 'M'],
  [undefined, undefined],
  [() => 1, undefined],
])('%s is a %s', (value, name) => {
  expect(typeName(value)).toBe(name)
})

describe('equal by type and value', () => {
  test.each([
    [1, 1n],
    [new Decimal('1.0'), 1],
    [bytes(1, 2), bytes(1, 2)],
    [new Set([1, 2]), new Set([2n, 1])],
    [new Set([bytes(1), bytes(2)]), new Set([bytes(2), bytes(1)])],
    [
      [1, ['a']],
      [1, ['a']],
    ],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [null, null],
  ])('%o and %o', (a, b) => {
    expect(equals(a, b)).toBe(true)
    expect(equals(b, a)).toBe(true)
  })

  test.each([
    [1, '1'],
    [1, true],
    [null, undefined],
    [null, {}],
    [bytes(1), bytes(1, 2)],
    [bytes(1), [1]],
    [new Set([1]), new Set([1, 2])],
    [new Set(['1']), new Set([1])],
    [new Set(['a', 'b']), new Set(['a', 'c'])],
    [[1], [1, 2]],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: 1 }, { b: 1 }],
    [{ toString: 1 }, {}],
    [{}, []],
  ])('not %o and %o', (a, b) => {
    expect(equals(a, b)).toBe(false)
    expect(equals(b, a)).toBe(false)
  })
})

test('members of sets are found by value', () => {
  expect(hasMember(new Set([1]), 1n)).toBe(true)
  expect(hasMember(new Set([bytes(1)]), bytes(1))).toBe(true)
  expect(hasMember(new Set(['a']), 'b')).toBe(false)
  expect(hasMember(new Set([1]), 2)).toBe(false)
})

test('only values of one type have an order; texts by their bytes', () => {
  expect(compareValues('a', 'b')).toBeLessThan(0)
  expect(compareValues('b', 'a')).toBeGreaterThan(0)
  expect(compareValues('a', 'a')).toBe(0)
  expect(compareValues('\uffff', '😀')).toBeLessThan(0)
  expect(compareValues(10, 9)).toBeGreaterThan(0)
  expect(compareValues(bytes(1), bytes(1, 0))).toBeLessThan(0)
  for (const [a, b] of [
    ['1', 1],
    [1, '1'],
    [bytes(1), 'a'],
    [true, false],
    [null, null],
    [[1], [1]],
  ])
    expect(compareValues(a, b)).toBeUndefined()
})

test('the order of texts is that of their UTF-8 bytes', () => {
  const texts = ['a', 'z', 'é', '\ud7ff', '\ue000', '\ufffd', '\uffff', '😀', '\u{10ffff}', 'a😀', 'a\ue000']
  const byBytes = texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const byOrder = texts.toSorted((a, b) => (utf8Order(a) < utf8Order(b) ? -1 : 1))
  expect(byOrder).toEqual(byBytes)
  expect(utf8Order('plain')).toBe('plain')
})
