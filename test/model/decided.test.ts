import { describe, expect, it } from 'vitest'
import { decided, decidedOne, keyOf } from '../../src/model/decided.ts'
import type { Guard, Row, RowOperation } from '../../src/storage.ts'

const key = { pk: 'p', sk: 's' }
const row: Row = { ...key, data: 1 }
const is = (value: unknown): Guard => ({ op: 'eq', left: { path: ['data'] }, right: { value } })
const large: Row = { ...key, data: 'x'.repeat(410_000) }
const add: RowOperation = { op: 'update', key, changes: [{ op: 'add', path: ['data'], value: 2 }] }

describe('one operation', () => {
  it('answers with the row as it is now, and says what to write', () => {
    expect(decidedOne({ op: 'put', row }, undefined)).toEqual({
      answer: { applied: true, row },
      write: { put: row },
    })
    expect(decidedOne({ ...add, op: 'update' } as never, row)).toEqual({
      answer: { applied: true, row: { ...key, data: 3 } },
      write: { put: { ...key, data: 3 } },
    })
    expect(decidedOne({ op: 'delete', key }, row)).toEqual({
      answer: { applied: true },
      write: { delete: key },
    })
  })

  it('answers with the row as it was where that is asked for', () => {
    expect(decidedOne({ op: 'delete', key, old: true }, row)).toEqual({
      answer: { applied: true, old: row },
      write: { delete: key },
    })
    expect(decidedOne({ op: 'put', row, old: true }, undefined).answer).toEqual({ applied: true })
  })

  it('shows the row that failed its guard, and writes nothing', () => {
    expect(decidedOne({ op: 'delete', key, guard: is(2) }, row)).toEqual({ answer: { applied: false, row } })
    expect(decidedOne({ op: 'delete', key, guard: is(2) }, undefined)).toEqual({ answer: { applied: false } })
  })

  it('refuses a row that is too large, and a change that does not fit', () => {
    expect(() => decidedOne({ op: 'put', row: large }, undefined)).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    )
    expect(() => decidedOne(add as never, { ...key, data: 'text' })).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    )
  })
})

describe('a transaction', () => {
  const other = { pk: 'p', sk: 'other' }
  const remove: RowOperation = { op: 'delete', key: other, guard: is(5) }

  it('writes all, but for checks', () => {
    const check: RowOperation = { op: 'check', key: { pk: 'p', sk: 'c' }, guard: is(7) }
    const decision = decided([add, check, remove], [row, { ...key, data: 7 }, { ...other, data: 5 }])
    expect(decision).toEqual({ writes: [{ put: { ...key, data: 3 } }, { delete: other }] })
  })

  it('writes nothing where a guard fails, and names them all with their rows', () => {
    expect(decided([{ ...add, guard: is(9) } as RowOperation, remove, add], [row, undefined, row])).toEqual({
      failed: [{ index: 0, row }, { index: 1 }],
    })
  })

  it('is refused for a change that does not fit its row also where a guard fails', () => {
    expect(() => decided([remove, add], [undefined, { ...key, data: 'text' }])).toThrow(
      expect.objectContaining({ kind: 'invalid' }),
    )
    // A row that is too large counts only where all guards hold.
    expect(decided([remove, { op: 'put', row: large }], [undefined, undefined])).toHaveProperty('failed')
    expect(() => decided([{ op: 'put', row: large }], [undefined])).toThrow(/larger/)
  })

  it('has one key for each operation', () => {
    expect([keyOf({ op: 'put', row }), keyOf(remove)]).toEqual([row, other])
  })
})
