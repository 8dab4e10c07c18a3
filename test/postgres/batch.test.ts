import { StorageFault } from 'lockrow/backend'
import { expect, it } from 'vitest'
import { type Job, RowJobs } from '../../src/postgres/batch.ts'
import type { Applied, Guard, RowChange, SingleOperation } from '../../src/storage.ts'

const key = { pk: 'p', sk: 's' }
const add = (value: number): RowChange => ({ op: 'add', path: ['data', 'n'], value })
const update = (...changes: RowChange[]): SingleOperation => ({ op: 'update', key, changes })
const exists: Guard = { op: 'exists', path: ['pk'] }
const stored = (n: number) => ({ ver: 'v1', row: JSON.stringify({ data: { n } }) })

/** Jobs on one row, with what became of them. */
function jobsOf(...operations: SingleOperation[]) {
  const row = new RowJobs(operations[0]!)
  const ended: (Applied | Error | undefined)[] = operations.map(() => undefined)
  operations.forEach((operation, index) => {
    row.jobs.push({
      operation,
      options: {},
      resolve: (answer) => {
        ended[index] = answer
      },
      reject: (error) => {
        ended[index] = error as Error
      },
    } satisfies Job)
  })
  return { row, ended }
}

it('decides all operations on a row in their order, and writes the last state once', () => {
  const { row, ended } = jobsOf(update(add(1)), update(add(2)))
  row.base = stored(10)
  const decision = row.decide()
  if (decision === 'look again') throw new Error('it was fresh')
  expect(decision.entry).toMatchObject({ expected: 'v1', row: { text: '{"data":{"n":13}}' } })
  expect(ended).toEqual([undefined, undefined])
  decision.answer()
  expect(ended).toMatchObject([
    { applied: true, row: { data: { n: 11 } } },
    { applied: true, row: { data: { n: 13 } } },
  ])
})

it('lets each fail by itself', () => {
  const append: RowChange = { op: 'append', path: ['data', 'n'], value: [1] }
  const { row, ended } = jobsOf(
    update(append),
    { op: 'delete', key, guard: exists },
    { op: 'delete', key, guard: exists },
  )
  row.base = stored(10)
  const decision = row.decide()
  if (decision === 'look again') throw new Error('it was fresh')
  decision.answer()
  expect(ended[0]).toBeInstanceOf(StorageFault)
  expect(ended.slice(1)).toEqual([{ applied: true }, { applied: false }])
  expect(decision.entry).toEqual({ key: row.key, expected: 'v1' })
})

it('believes no remembered row that an operation fails on', () => {
  const absent: Guard = { op: 'absent', path: ['pk'] }
  for (const operation of [
    { op: 'put', row: key, guard: absent } as const,
    update({ op: 'append', path: ['data', 'n'], value: [1] }),
  ]) {
    const { row, ended } = jobsOf(operation)
    row.base = stored(10)
    row.isFromMemo = true
    expect(row.decide()).toBe('look again')
    expect(ended).toEqual([undefined])
  }
})

it('looks at no row for a put that asks for nothing, and relies on nothing then', () => {
  const put = { op: 'put', row: { ...key, data: 1 } } as const
  const { row } = jobsOf(put)
  expect(row.isBlind).toBe(true)
  expect(row.decide()).toMatchObject({ entry: { expected: 'any' } })
  expect(jobsOf({ ...put, old: true }).row.isBlind).toBe(false)
})

it('makes a row where there is none, and deletes none', () => {
  const { row } = jobsOf(update({ op: 'add', path: ['data'], value: 1 }))
  row.base = 'none'
  expect(row.decide()).toMatchObject({ entry: { expected: 'absent', row: { text: '{"data":1}' } } })
  const gone = jobsOf({ op: 'delete', key }).row
  gone.base = 'none'
  expect(gone.decide()).not.toHaveProperty('entry')
})

it('passes over operations whose callers have gone', () => {
  const { row, ended } = jobsOf(update(add(1)), update(add(2)))
  row.base = stored(10)
  row.jobs[0]!.over = true
  const decision = row.decide()
  if (decision === 'look again') throw new Error('it was fresh')
  expect(decision.entry?.row?.text).toBe('{"data":{"n":12}}')
  decision.answer()
  expect(ended[0]).toBeUndefined()
})
