import { describe, expect, test } from 'vitest'
import { firstTry, nextTry, type UpdateRequest } from '../../../src/engine/update/plan.ts'
import { toChanges } from '../../../src/model/parse-changes.ts'
import { toGuard } from '../../../src/model/parse-condition.ts'
import { outcomeOf } from '../../../src/model/row-outcome.ts'
import type { Row } from '../../../src/storage.ts'

const key = { pk: 'p', sk: 'a' }
const now = 100

const request = (changes: object, more: { if?: object; writeId?: string } = {}): UpdateRequest => ({
  key,
  changes: toChanges(changes),
  guard: more.if && toGuard(more.if as never),
  writeId: more.writeId,
})

/** The row after as many tries as it takes, and their operations. */
function apply(wanted: UpdateRequest, row: Row | undefined) {
  const ops: string[] = []
  for (
    let operation = firstTry(wanted, now) as ReturnType<typeof nextTry>;
    ;
    operation = nextTry(wanted, row, now)
  ) {
    if (operation === 'unmet') return { ops: [...ops, 'unmet'], row }
    ops.push(operation.op)
    const outcome = outcomeOf(operation, row)
    if (outcome) return { ops, row: outcome.row }
    expect(ops.length, 'the plan for a row fits the row').toBeLessThan(3)
  }
}

describe('the usual case takes one try', () => {
  test.each([
    [{ set: { n: 2 } }, { n: 2, m: { x: 1 } }],
    [{ add: { n: 2 } }, { n: 3, m: { x: 1 } }],
    [{ max: { n: 5 } }, { n: 5, m: { x: 1 } }],
    [{ min: { n: -5 } }, { n: -5, m: { x: 1 } }],
    [
      { set: { 'm.y': 2 }, remove: ['m.x'] },
      { n: 1, m: { y: 2 } },
    ],
  ])('%o', (changes, data) => {
    expect(apply(request(changes), { ...key, data: { n: 1, m: { x: 1 } } })).toEqual({
      ops: ['update'],
      row: { ...key, data },
    })
  })
})

describe('the row that failed it decides the second', () => {
  test.each([
    [{ max: { n: 1 } }, { n: 3 }, ['update', 'check'], { n: 3 }],
    [{ min: { n: 5 } }, { n: 3 }, ['update', 'check'], { n: 3 }],
    [{ max: { n: 1 }, set: { a: 1 } }, { n: 3 }, ['update', 'update'], { n: 3, a: 1 }],
    [{ set: { 'm.x': 1, 'm.y': 2 } }, {}, ['update', 'update'], { m: { x: 1, y: 2 } }],
    [{ set: { 'm.x.y': 1 } }, { m: {} }, ['update', 'update'], { m: { x: { y: 1 } } }],
    [{ remove: ['m.x'] }, {}, ['update', 'check'], {}],
    [{ removeFromSet: { 'm.s': ['a'] } }, {}, ['update', 'check'], {}],
  ])('%o of %o', (changes, data, ops, after) => {
    expect(apply(request(changes), { ...key, data })).toEqual({ ops, row: { ...key, data: after } })
  })
})

test('where there is no item, one is made; an expired one is not there', () => {
  const made = { ...key, data: { n: 1 }, w: 'id' }
  expect(apply(request({ add: { n: 1 } }, { writeId: 'id' }), undefined)).toEqual({
    ops: ['update', 'put'],
    row: made,
  })
  const expired = { ...key, data: { n: 7 }, ttl: now }
  expect(apply(request({ add: { n: 1 } }, { writeId: 'id' }), expired)).toEqual({
    ops: ['update', 'put'],
    row: made,
  })
  expect(apply(request({ add: { n: 1 } }), undefined).row).toEqual({ ...key, data: { n: 1 } })
})

test('changes that give no data make no item', () => {
  for (const changes of [{ remove: ['a'] }, { ttl: 500 }, { removeFromSet: { s: ['a'] } }])
    expect(apply(request(changes, { writeId: 'id' }), undefined)).toEqual({
      ops: ['update', 'check'],
      row: undefined,
    })
})

test('a deletion: of what is there, nothing otherwise', () => {
  expect(apply(request({ delete: true }), { ...key, data: 1 })).toEqual({ ops: ['delete'], row: undefined })
  expect(apply(request({ delete: true }), undefined)).toEqual({ ops: ['delete'], row: undefined })
  const expired = { ...key, data: 1, ttl: now }
  expect(apply(request({ delete: true }), expired)).toEqual({ ops: ['delete', 'check'], row: expired })
})

test('a condition that does not hold ends it; one that holds only now is tried again', () => {
  const wanted = request({ set: { n: 2 } }, { if: { n: 1 } })
  expect(apply(wanted, { ...key, data: { n: 5 } }).ops).toEqual(['update', 'unmet'])
  expect(apply(wanted, undefined).ops).toEqual(['update', 'unmet'])
  expect(apply(wanted, { ...key, data: { n: 1 } }).row).toEqual({ ...key, data: { n: 2 } })
})

test('what an earlier try has written is not written again', () => {
  const wanted = request({ add: { n: 1 } }, { writeId: 'id' })
  const once = apply(wanted, { ...key, data: { n: 1 } }).row!
  expect(once).toEqual({ ...key, data: { n: 2 }, w: 'id' })
  expect(outcomeOf(firstTry(wanted, now), once)).toBeUndefined()
})

test('a lock, a misfit and a position that is missing are refused', () => {
  const lock = { ...key, version: 'v', ttl: 500 }
  expect(() => nextTry(request({ set: { n: 1 } }), lock, now)).toThrow(/holds a lock/)
  expect(nextTry(request({ set: { n: 1 } }), { ...lock, ttl: now }, now)).toMatchObject({ op: 'put' })
  const text = { ...key, data: { n: 'text', list: [1] } }
  expect(() => nextTry(request({ add: { n: 1 } }), text, now)).toThrow(/add needs a number/)
  expect(() => nextTry(request({ max: { n: 1 } }), text, now)).toThrow(/max needs a number/)
  expect(() => nextTry(request({ set: { 'list[3].x': 1 } }), text, now)).toThrow(/the list has no position 3/)
})
