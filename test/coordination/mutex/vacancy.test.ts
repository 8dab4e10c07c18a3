import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import type { MutexRow } from '../../../src/coordination/mutex/mutex-row.ts'
import { Vacancy } from '../../../src/coordination/mutex/vacancy.ts'
import { Machine } from '../../setup/machine.ts'

const key = { pk: 'p', sk: 'mutex' }
const now = 1e12

function setUp(more: object = {}) {
  const machine = new Machine(now)
  const db = new AtomicMemoryDb({ runtime: machine })
  const vacancy = new Vacancy(db, key, { observed: false, toleranceMs: 500, ...more } as never)
  const put = async (row: Partial<MutexRow>) => {
    const whole = {
      token: 3,
      owner: 'me',
      until: now + 1000,
      beat: 'b1',
      leaseMs: 1000,
      process: null,
      ...row,
    }
    await db.set({ ...key, data: whole })
    return whole as MutexRow
  }
  const isFree = async (at = machine.wall) =>
    (await db.update(key, { set: { seen: 1 } }, { if: vacancy.condition(at) })).applied
  return { machine, db, vacancy, put, isFree }
}

test('a row that is not there, or has no owner, is free', async () => {
  const { vacancy, put, isFree } = setUp()
  expect(await vacancy.read({})).toBe(undefined)
  expect(vacancy.stateOf(undefined)).toEqual({ locked: false, fencingToken: 0 })
  expect(await vacancy.makeFree(undefined, {})).toBe(true)
  const row = await put({ owner: null, until: null })
  expect(vacancy.stateOf(row)).toEqual({ locked: false, fencingToken: 3 })
  expect([await vacancy.makeFree(row, {}), await isFree()]).toEqual([true, true])
})

test('a lease is over behind its time and the tolerance of the clocks', async () => {
  const { machine, vacancy, put, isFree } = setUp()
  const row = await put({ since: now - 5, label: 'worker 7' })
  expect(vacancy.stateOf(row)).toEqual({
    locked: true,
    owner: 'me',
    label: 'worker 7',
    heldSince: now - 5,
    remainingMs: 1500,
    fencingToken: 3,
  })
  machine.pass(1500)
  expect([vacancy.stateOf(row).locked, await vacancy.makeFree(row, {}), await isFree()]).toEqual([
    true,
    false,
    false,
  ])
  machine.pass(1)
  expect(vacancy.stateOf(row)).toMatchObject({ locked: false, remainingMs: 0 })
  expect([await vacancy.makeFree(row, {}), await isFree()]).toEqual([true, true])
})

test('one without an end is held until it is released', async () => {
  const { machine, vacancy, put, isFree } = setUp()
  const row = await put({ until: null })
  machine.pass(1e11)
  expect(vacancy.stateOf(row)).toEqual({ locked: true, owner: 'me', fencingToken: 3 })
  expect([await vacancy.makeFree(row, {}), await isFree()]).toEqual([false, false])
})

test('observed: it is over when this process has seen it unchanged for its lease, and is taken by its beat', async () => {
  const { machine, vacancy, put, isFree } = setUp({ observed: true })
  const row = await put({ until: 0 })
  expect([vacancy.stateOf(row).remainingMs, await vacancy.makeFree(row, {}), await isFree()]).toEqual([
    1000,
    false,
    false,
  ])
  machine.pass(1000)
  expect(await vacancy.makeFree(row, {})).toBe(false)
  machine.pass(1)
  expect([await vacancy.makeFree(row, {}), await isFree()]).toEqual([true, true])
  // It was extended meanwhile: that is another beat, which nobody has seen for long.
  const extended = await put({ beat: 'b2' })
  expect(await isFree()).toBe(false)
  expect([await vacancy.makeFree(extended, {}), await isFree()]).toEqual([false, false])
})

test('what an attempt got that was given up is cleared away', async () => {
  const { db, vacancy, put } = setUp()
  const row = await put({})
  vacancy.abandoned.add('me')
  expect(await vacancy.makeFree(row, {})).toBe(true)
  expect((await db.get<MutexRow>(key))!.data).toMatchObject({ owner: null, token: 3 })
})

test('the owner is asked after by its process: a dead one holds nothing', async () => {
  const { db, vacancy, put } = setUp()
  const process = { pk: 'lockrow#processes', sk: 'one' }
  const row = await put({ process })
  expect(await vacancy.processOf({ ...row, process: null })).toBe(undefined)
  await db.set({ ...process, data: { until: now + 60_000, draining: false } })
  expect([
    await vacancy.processOf(row),
    (await vacancy.peek({})).locked,
    await vacancy.makeFree(row, {}),
  ]).toEqual(['running', true, false])
  await db.delete(process)
  expect(await vacancy.processOf(row)).toBe('dead')
  expect(await vacancy.peek({})).toMatchObject({
    locked: false,
    remainingMs: 0,
    owner: 'me',
    fencingToken: 3,
  })
  expect(await vacancy.makeFree(row, {})).toBe(true)
  expect(await vacancy.peek({})).toEqual({ locked: false, fencingToken: 3 })
})
