import { expect, test } from 'vitest'
import { checkedCopy } from '../../src/model/checked-copy.ts'
import { Decimal } from '../../src/model/numbers.ts'

test('a copy of what can be stored, equal to it', () => {
  const value = {
    a: [1, 'x', null, true, 2n ** 60n, -0],
    s: new Set(['a']),
    b: new Uint8Array([1]),
    d: new Decimal('1.5'),
    bare: Object.assign(Object.create(null), { x: 1 }),
  }
  const copy = checkedCopy(value, 'data') as typeof value
  expect(copy).toEqual({ ...value, a: [1, 'x', null, true, 2n ** 60n, 0], bare: { x: 1 } })
  expect(copy.a).not.toBe(value.a)
  expect(copy.b).not.toBe(value.b)
  expect(copy.s).not.toBe(value.s)
})

const deep = (levels: number) => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = [value]
  return value
}
const holed = [1, 2, 3]
delete holed[1]
const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

test.each([
  [{ a: { b: undefined } }, 'data.a.b', /undefined cannot be stored/],
  [{ list: [1, () => 1] }, 'data.list[1]', /a function cannot be stored/],
  [[Symbol('x')], 'data[0]', /a symbol cannot be stored/],
  [{ n: Number.NaN }, 'data.n', /must be finite, got NaN/],
  [{ n: 5n }, 'data.n', /write a number, got 5n/],
  [{ n: 10n ** 38n }, 'data.n', /at most 38 digits/],
  ['\udc00', 'data', /lone surrogate/],
  [{ when: new Date(0) }, 'data.when', /only plain objects.*got a Date/],
  [new Map(), 'data', /got a Map/],
  [holed, 'data[1]', /a hole in an array/],
  [{ '': 1 }, 'data.', /name must not be empty/],
  [JSON.parse('{"__proto__":1}'), 'data.__proto__', /cannot be named '__proto__'/],
  [{ '\ud800': 1 }, 'data.\ud800', /field name has a lone surrogate/],
  [{ ['x'.repeat(65_536)]: 1 }, 'data', /at most 65535 bytes of UTF-8, got 65536 bytes/],
  [{ [Symbol('s')]: 1 }, 'data', /a symbol cannot be stored as a field name/],
  [new Set(), 'data', /an empty Set/],
  [new Set(['a', 1]), 'data', /of one type, got string and number/],
  [new Set([true]), 'data', /can hold strings, numbers or Uint8Arrays/],
  [new Set([new Uint8Array([1]), new Uint8Array([1])]), 'data', /the same bytes twice/],
  [deep(32), 'data[0]', /nested more than 31 levels/],
  [cyclic, 'data.self', /or cyclic/],
])('%o is refused', (value, where, message) => {
  const refused = () => checkedCopy(value, 'data')
  expect(refused).toThrow(message)
  expect(refused).toThrow(expect.objectContaining({ field: expect.stringContaining(where) }))
})

test('31 levels are taken', () => {
  expect(checkedCopy(deep(31), 'data')).toEqual(deep(31))
})

test('a small bigint to compare with is the number that it equals', () => {
  expect(checkedCopy(5n, 'if', true)).toBe(5)
  expect(checkedCopy([5n, 2n ** 60n], 'if', true)).toEqual([5, 2n ** 60n])
  expect(() => checkedCopy(5n, 'data')).toThrow(/write a number/)
})

test('a set of numbers has its bigints in front, as the document client wants it', () => {
  expect([...(checkedCopy(new Set([1, 2n ** 60n]), 'data') as Set<unknown>)]).toEqual([2n ** 60n, 1])
})

test('an error names its own place, whatever was copied before it', () => {
  const wrong = () => 0
  for (const [value, field] of [
    [{ a: 1, b: { c: 2 }, d: wrong }, 'data.d'],
    [{ list: [{ x: 1 }, [2], wrong] }, 'data.list[2]'],
    [{ a: { x: 1, y: 2 }, b: [1, 2], c: { z: wrong } }, 'data.c.z'],
  ] as const)
    expect(() => checkedCopy(value, 'data')).toThrow(expect.objectContaining({ field }))
})
