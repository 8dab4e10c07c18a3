import { expect, test } from 'vitest'
import { Decimal } from '../../src/model/numbers.ts'
import { depthOf, fitsOneRow, maxItemBytes, rowBytes, valueBytes } from '../../src/model/sizes.ts'

// The rules of DynamoDB's documentation, and what DynamoDB Local refuses (test/equivalence/limits.test.ts).
test.each([
  ['', 0],
  ['aä€', 6],
  [0, 1],
  [1, 2],
  [-1, 3],
  [1234, 3],
  [10n ** 37n, 2],
  [new Decimal('-1.5'), 4],
  [true, 1],
  [null, 1],
  [new Uint8Array(10), 10],
  [new Set(['a', 'bc']), 3],
  [[], 3],
  [['a'], 5],
  [{}, 3],
  [{ ab: 'c' }, 7],
  [[{ a: [1] }], 3 + 1 + 3 + 1 + 1 + 3 + 1 + 2],
])('%o has %s bytes', (value, bytes) => {
  expect(valueBytes(value)).toBe(bytes)
})

test('a row counts its names, and nothing for what is undefined', () => {
  expect(rowBytes({ pk: 'a', sk: 'bc', ttl: undefined as never })).toBe(2 + 1 + 2 + 2)
  expect(rowBytes({ pk: 'a', sk: 'b', data: { n: 1 } })).toBe(3 + 3 + 4 + 3 + 1 + 1 + 2)
})

test('depth: lists and maps alone count', () => {
  expect([1, 'a', null, new Set([1]), new Uint8Array(1), new Decimal('1')].map(depthOf)).toEqual([
    0, 0, 0, 0, 0, 0,
  ])
  expect(depthOf([])).toBe(1)
  expect(depthOf({ a: [], b: [{ c: [1] }] })).toBe(4)
})

test('what fits, to the byte, also where the cheap bound does not tell', () => {
  const row = (bytes: number) => ({ pk: 'a', sk: 'b', data: 'x'.repeat(bytes - 10) })
  expect(rowBytes(row(maxItemBytes))).toBe(maxItemBytes)
  expect(fitsOneRow(row(maxItemBytes))).toBe(true)
  expect(fitsOneRow(row(maxItemBytes + 1))).toBe(false)
  expect(fitsOneRow(row(5000), 5000)).toBe(true)
  expect(fitsOneRow(row(5001), 5000)).toBe(false)
  for (const data of [
    ['ä'.repeat(maxItemBytes / 2)],
    { ['ä'.repeat(maxItemBytes / 2)]: 1 },
    new Set(['ä'.repeat(maxItemBytes / 2)]),
    new Uint8Array(maxItemBytes),
  ])
    expect(fitsOneRow({ pk: 'a', sk: 'b', data })).toBe(false)
})
