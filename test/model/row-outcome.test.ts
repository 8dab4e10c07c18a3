import { checkRowSize, outcomeOf } from 'lockrow/backend'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 'a' }
const row = { ...key, data: { n: 1 } }
const isThere = { op: 'exists', path: ['pk'] } as const

test('what each operation leaves', () => {
  expect(outcomeOf({ op: 'put', row }, undefined)).toEqual({ row })
  expect(outcomeOf({ op: 'delete', key }, row)).toEqual({ row: undefined })
  expect(outcomeOf({ op: 'check', key, guard: isThere }, row)).toEqual({ row })
  const changes = [{ op: 'add', path: ['data', 'n'], value: 2 }] as const
  expect(outcomeOf({ op: 'update', key, changes: [...changes] }, row)).toEqual({
    row: { ...key, data: { n: 3 } },
  })
  expect(row.data.n).toBe(1)
  const first = [{ op: 'set', path: ['data'], value: 1 }] as const
  expect(outcomeOf({ op: 'update', key, changes: [...first] }, undefined)).toEqual({
    row: { ...key, data: 1 },
  })
})

test('a guard that does not hold leaves everything as it is', () => {
  for (const operation of [
    { op: 'put', row, guard: isThere },
    { op: 'delete', key, guard: isThere },
    { op: 'check', key, guard: isThere },
  ] as const)
    expect(outcomeOf(operation, undefined)).toBeUndefined()
})

test('a change that does not fit is the fault of the content', () => {
  const invalid = expect.objectContaining({ name: 'StorageFault', kind: 'invalid' })
  const update = (path: (string | number)[], value: unknown) =>
    outcomeOf({ op: 'update', key, changes: [{ op: 'set', path, value }] }, row)
  expect(() => update(['data', 'x', 'y'], 1)).toThrow(invalid)
  let deep: unknown = 1
  for (let i = 0; i < 30; i++) deep = [deep]
  expect(update(['data', 'n'], deep)).toBeDefined()
  expect(() => update(['data', 'n'], [deep])).toThrow(invalid)
  checkRowSize(undefined)
  checkRowSize({ ...key, data: 'x'.repeat(400 * 1024 - 10) })
  expect(() => checkRowSize({ ...key, data: 'x'.repeat(400 * 1024) })).toThrow(invalid)
})
