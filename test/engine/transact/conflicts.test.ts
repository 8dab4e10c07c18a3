import { anyOf, exists, not, unchanged } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { failedTests, toConflictError } from '../../../src/engine/transact/conflicts.ts'

const key = { pk: 'p', sk: 'a' }
const row = { ...key, data: { stock: 2, state: 'open', 'a.b': 1 } }

describe('the tests of a condition that do not hold, by their names', () => {
  test.each([
    [{ stock: 2, state: 'open' }, []],
    [{ stock: 3, state: 'open' }, ['stock']],
    [{ stock: { gte: 3, lt: 2 } }, ['stock.gte', 'stock.lt']],
    [{ stock: { gte: 1, lt: 2, gt: undefined } }, ['stock.lt']],
    [[[['a.b'], 2]], ['a.b']],
    [anyOf({ stock: 5 }, { state: 'shut' }), ['anyOf']],
    [anyOf({ stock: 5 }, { state: 'open' }), []],
    [not({ state: 'open' }), ['not']],
    [exists, []],
    [{ '': 7 }, ['data']],
  ])('%o', (condition, failed) => {
    expect(failedTests(condition as never, row)).toEqual(failed)
  })

  test('of no item at all', () => {
    expect(failedTests({ stock: { gte: 3 }, gone: { exists: false } }, undefined)).toEqual(['stock.gte'])
    expect(failedTests(exists, undefined)).toEqual(['exists'])
  })
})

const step = (reason: string, index = 0, condition?: object) => ({
  step: { index, key, reason, condition } as never,
  row,
})

test("only the caller's own conditions failed: ConditionFailed", () => {
  const error = toConflictError([step('condition', 0, { stock: 3 }), step('exists', 1)], 0)
  expect(error.code).toBe('ConditionFailed')
  expect(error.message).toBe('not satisfied: p/a (if stock), p/a (there is one already); nothing was written')
  expect(error.conflicts).toEqual([
    { index: 0, key, reason: 'condition', failed: ['stock'], current: row },
    { index: 1, key, reason: 'exists', current: row },
  ])
})

test('anything else: RaceCondition, with all of it', () => {
  for (const reason of ['lock', 'receipt', 'conflict'])
    expect(toConflictError([step('condition', 0, { stock: 3 }), step(reason, 1)], 0).code).toBe(
      'RaceCondition',
    )
  const read = toConflictError([step('condition', 0, unchanged({ ...key, data: 1 }))], 0)
  expect([read.code, read.conflicts[0]!.reason]).toEqual(['RaceCondition', 'value'])
})

test('an expired row is not there; a long list is cut', () => {
  const expired = { step: step('lock').step, row: { ...row, ttl: 5 } }
  expect(toConflictError([expired], 5).conflicts[0]!.current).toBeUndefined()
  const many = Array.from({ length: 7 }, (_, i) => step('lock', i))
  expect(toConflictError(many, 0).message).toMatch(/, and 2 more$/)
  expect(toConflictError(many.slice(0, 5), 0).message).not.toMatch(/more/)
})
