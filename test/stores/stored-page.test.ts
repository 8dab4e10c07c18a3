import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageFrom } from '../../src/model/range-page.ts'
import type { Guard, Range, Row } from '../../src/storage.ts'
import { rowToJson } from '../../src/stores/row-json.ts'
import { pageOfStored, rowsToAsk } from '../../src/stores/stored-page.ts'

const stored = (rows: readonly Row[]) => rows.map((row) => ({ sk: row.sk, row: rowToJson(row) }))
const rowsOf = (numbers: readonly number[]): Row[] =>
  numbers.map((n, i) => ({ pk: 'p', sk: `s${1000 + i}`, data: n }))
const odd: Guard = { op: 'in', left: { path: ['data'] }, values: [1, 3] }

it('is the page that a walk over all rows gives', () => {
  const range: fc.Arbitrary<Range> = fc.record(
    {
      pk: fc.constant('p'),
      limit: fc.integer({ min: 1, max: 6 }),
      count: fc.boolean(),
      only: fc.constant(odd),
    },
    { requiredKeys: ['pk'] },
  )
  fc.assert(
    fc.property(range, fc.array(fc.nat(3), { maxLength: 8 }), (given, numbers) => {
      const rows = rowsOf(numbers)
      expect(pageOfStored(given, stored(rows).slice(0, rowsToAsk(given)))).toEqual(pageFrom(given, rows))
    }),
    { numRuns: 500 },
  )
})

describe('ends', () => {
  const large = (n: number): Row[] =>
    Array.from({ length: n }, (_, i) => ({ pk: 'p', sk: `s${i}`, data: 'x'.repeat(400_000) }))

  it('behind the row that makes it a megabyte, and goes on behind that', () => {
    const page = pageOfStored({ pk: 'p' }, stored(large(5)))
    expect(page.rows.map(({ sk }) => sk)).toEqual(['s0', 's1', 's2'])
    expect(page.next).toBe('s2')
  })

  it('not where that row is the last', () => {
    expect(pageOfStored({ pk: 'p' }, stored(large(3)))).not.toHaveProperty('next')
  })

  it('after a thousand rows, for which one more is asked', () => {
    expect([
      rowsToAsk({ pk: 'p' }),
      rowsToAsk({ pk: 'p', limit: 5000 }),
      rowsToAsk({ pk: 'p', limit: 5 }),
    ]).toEqual([1001, 1001, 6])
    const page = pageOfStored({ pk: 'p' }, stored(rowsOf(Array.from({ length: 1001 }, () => 1))))
    expect([page.rows.length, page.next]).toEqual([1000, 's1999'])
  })

  it('and takes no more rows from the store than it looks at, and one', () => {
    let taken = 0
    function* rows() {
      for (const row of stored(large(9))) {
        taken++
        yield row
      }
    }
    pageOfStored({ pk: 'p' }, rows())
    expect(taken).toBe(4)
  })
})
