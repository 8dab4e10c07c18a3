import { expect, test } from 'vitest'
import { changedRow, concreteOf, resolveBound } from '../../src/model/changed-row.ts'
import type { Bound } from '../../src/model/parse-changes.ts'
import { maxDepth, maxItemBytes } from '../../src/model/sizes.ts'

const key = { pk: 'p', sk: 's' }
const bound = (op: 'max' | 'min', value: number): Bound => ({ op, path: ['data', 'n'], value })
const row = (n: unknown) => ({ ...key, data: { n } })

test.each([
  ['max', 5, undefined, true],
  ['max', 5, 4, true],
  ['max', 5, 5, false],
  ['max', 5, 6, false],
  ['min', 5, 4, false],
  ['min', 5, 5, false],
  ['min', 5, 6, true],
] as const)('%s %d where there is %s: applies %s', (op, value, current, applies) => {
  const item = current === undefined ? undefined : row(current)
  expect(resolveBound(bound(op, value), item, key).applies).toBe(applies)
})

test('a bound on what is no number is refused, and so is a change that does not fit', () => {
  expect(() => changedRow(key, row('text'), [bound('max', 1)])).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: "changes 'n'", keys: [key] }),
  )
  expect(() => changedRow(key, row('text'), [{ op: 'add', path: ['data', 'n'], value: 1 }])).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: "changes 'n'" }),
  )
})

test('a bound that applies becomes a set, one that does not is left out', () => {
  const add = { op: 'add', path: ['data', 'm'], value: 1 } as const
  const bounds = [
    { bound: bound('max', 5), applies: true },
    { bound: bound('min', 1), applies: false },
  ]
  expect(concreteOf([bound('max', 5), add, bound('min', 1)], bounds)).toEqual([
    add,
    { op: 'set', path: ['data', 'n'], value: 5 },
  ])
})

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
const setTo = (value: unknown) => [{ op: 'set', path: ['data'], value } as const]

test('data of the greatest depth and size fit, and one more does not', () => {
  expect(changedRow(key, undefined, setTo(nested(maxDepth))).data).toEqual(nested(maxDepth))
  expect(() => changedRow(key, undefined, setTo(nested(maxDepth + 1)))).toThrow(
    expect.objectContaining({ code: 'InvalidInput', limit: maxDepth }),
  )
  // Names and key count: pk, sk and data are 8 bytes, the key is 2.
  const most = 'x'.repeat(maxItemBytes - 10)
  expect(changedRow(key, undefined, setTo(most)).data).toBe(most)
  expect(() => changedRow(key, undefined, setTo(`${most}x`))).toThrow(
    expect.objectContaining({ code: 'InvalidInput', limit: maxItemBytes }),
  )
})
