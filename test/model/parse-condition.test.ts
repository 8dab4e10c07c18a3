import { absent, allOf, anyOf, exists, field, not, unchanged } from 'lockrow'
import { expect, test } from 'vitest'
import { toGuard } from '../../src/model/parse-condition.ts'

const left = { path: ['data', 'n'] }

test.each([
  [{ n: 1 }, { op: 'eq', left, right: { value: 1 } }],
  [{ n: { lt: 2 } }, { op: 'lt', left, right: { value: 2 } }],
  [{ n: { exists: true } }, { op: 'exists', path: left.path }],
  [{ n: { exists: false } }, { op: 'absent', path: left.path }],
  [{ n: { between: [1, 1] } }, { op: 'between', left, low: { value: 1 }, high: { value: 1 } }],
  [{ n: { in: [1, 'a'] } }, { op: 'in', left, values: [1, 'a'] }],
  [{ n: { type: 'numberSet' } }, { op: 'type', path: left.path, type: 'NS' }],
  [{ n: { size: 2 } }, { op: 'eq', left: { sizeOf: left.path }, right: { value: 2 } }],
  [{ n: { size: { gte: 2 } } }, { op: 'gte', left: { sizeOf: left.path }, right: { value: 2 } }],
  [{ n: { beginsWith: 'a' } }, { op: 'beginsWith', path: left.path, value: 'a' }],
  [{ n: { contains: 'a' } }, { op: 'contains', path: left.path, value: 'a' }],
  [exists, { op: 'exists', path: ['pk'] }],
  [absent, { op: 'absent', path: ['pk'] }],
  [not({ n: 1 }), { op: 'not', of: { op: 'eq', left, right: { value: 1 } } }],
  [anyOf(exists), { op: 'exists', path: ['pk'] }],
  [unchanged(undefined), { op: 'absent', path: ['pk'] }],
])('%o', (condition, guard) => expect(toGuard(condition as never)).toEqual(guard))

test('several tests all hold; anyOf needs one', () => {
  const parts = [toGuard({ n: { gt: 1 } }), toGuard({ n: { lt: 3 } })]
  expect(toGuard({ n: { gt: 1, lt: 3, eq: undefined } })).toEqual({ op: 'and', of: parts })
  expect(toGuard(anyOf({ n: { gt: 1 } }, { n: { lt: 3 } }))).toEqual({ op: 'or', of: parts })
})

test('an unchanged item has the data and expiry that were read, or neither', () => {
  expect(toGuard(unchanged({ data: 1 }))).toEqual({
    op: 'and',
    of: [
      { op: 'exists', path: ['pk'] },
      { op: 'eq', left: { path: ['data'] }, right: { value: 1 } },
      { op: 'absent', path: ['ttl'] },
    ],
  })
})

test.each([
  [7, 'if'],
  [{}, 'if'],
  [field('n'), 'if'],
  [anyOf(), 'if'],
  [[['n']], 'if'],
  [unchanged(7 as never), 'if'],
  [{ n: {} }, 'if.n'],
  [{ n: [1] }, 'if.n'],
  [{ n: { gt: undefined } }, 'if.n'],
  [{ n: { exists: 'yes' } }, 'if.n.exists'],
  [{ n: { beginsWith: '' } }, 'if.n.beginsWith'],
  [{ n: { type: 'toString' } }, 'if.n.type'],
  [{ n: { in: [] } }, 'if.n.in'],
  [{ n: { in: Array.from({ length: 101 }, (_, i) => i) } }, 'if.n.in'],
  [{ n: { gt: true } }, 'if.n.gt'],
  [{ n: { eq: field('n') } }, 'if.n.eq'],
  [{ n: { between: [2, 1] } }, 'if.n.between'],
  [{ n: { between: [1, 'a'] } }, 'if.n.between'],
  [{ n: { between: [1] } }, 'if.n.between'],
  [{ n: { size: '2' } }, 'if.n.size'],
  [{ n: { size: {} } }, 'if.n.size'],
])('%o is refused for %s', (condition, at) => {
  expect(() => toGuard(condition as never)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: at }),
  )
})

test('a list of 100 values and a condition of 300 parts are taken, one more is not', () => {
  expect(() => toGuard({ n: { in: Array.from({ length: 100 }, (_, i) => i) } })).not.toThrow()
  const of = (parts: number) => allOf(...Array.from({ length: parts - 1 }, () => exists))
  expect(() => toGuard(of(300))).not.toThrow()
  expect(() => toGuard(of(301))).toThrow(expect.objectContaining({ limit: 300 }))
})
