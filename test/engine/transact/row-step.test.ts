import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import {
  bumpStep,
  fixedStep,
  lockStep,
  putStep,
  setStep,
  updateStep,
} from '../../../src/engine/transact/row-step.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { isVacantGuard } from '../../../src/model/expiry.ts'
import { toChanges } from '../../../src/model/parse-changes.ts'
import { outcomeOf } from '../../../src/model/row-outcome.ts'
import type { Row, RowOperation } from '../../../src/storage.ts'
import { Machine } from '../../setup/machine.ts'

const now = 1000
const key = { pk: 'p', sk: 'a' }
const lock = { ...key, version: 'v1', ttl: 5000 }
const remove = () => ({ op: 'delete' as const, key })
/** Whether an operation would be applied to a row. */
const fits = (operation: RowOperation | 'unmet', row: Row | undefined) =>
  operation !== 'unmet' && outcomeOf(operation, row) !== undefined

test('a fixed step has no other operation, and keeps nothing of its key but the key', () => {
  const step = fixedStep(3, { ...key, data: 1 } as never, 'receipt', remove)
  expect(step).toMatchObject({ index: 3, key, reason: 'receipt' })
  expect(Object.keys(step.key)).toEqual(['pk', 'sk'])
  expect([step.first(now), step.next(key, now)]).toEqual([remove(), 'unmet'])
})

test('a version never comes back: another one fails for good, the same one may have been refreshed', () => {
  const step = lockStep(0, lock, remove)
  expect(step.reason).toBe('lock')
  expect([step.failsForGood!(undefined, now), step.failsForGood!({ ...key, version: 'v2' }, now)]).toEqual([
    true,
    true,
  ])
  expect(step.failsForGood!({ ...key, version: 'v1', ttl: 5 }, now)).toBe(false)
})

test('a put knows its row, and is guarded as of the time when it is sent', () => {
  const row = { ...key, data: 1 }
  const step = putStep(1, row, 'exists', isVacantGuard)
  expect([step.row, step.reason, step.next(undefined, now)]).toEqual([row, 'exists', 'unmet'])
  expect(step.first(now)).toEqual({ op: 'put', row, guard: isVacantGuard(now) })
  expect([
    fits(step.first(now), { ...key, ttl: now }),
    fits(step.first(now), { ...key, ttl: now + 1 }),
  ]).toEqual([true, false])
})

test('a set with a condition is tried on an item first, and on no item where the condition holds without one', () => {
  const item = { ...key, data: { n: 1 } }
  const some = setStep(0, item, 'item', { n: { lt: 5 } })
  expect([
    fits(some.first(now), { ...key, data: { n: 4 } }),
    fits(some.first(now), { ...key, data: { n: 5 } }),
  ]).toEqual([true, false])
  expect(fits(some.first(now), { ...key, data: { n: 4 }, ttl: now })).toBe(false)
  expect(some.next(undefined, now)).toBe('unmet')
  expect(fits(some.next({ ...key, data: { n: 4 } }, now), { ...key, data: { n: 4 } })).toBe(true)
  const none = setStep(0, item, 'item', [['n', { exists: false }]])
  const onNone = none.next(undefined, now)
  expect([
    fits(onNone, undefined),
    fits(onNone, { ...key, data: {} }),
    fits(onNone, { ...key, ttl: now }),
  ]).toEqual([true, false, true])
  // What has expired is none.
  expect(none.next({ ...key, data: { n: 9 }, ttl: now }, now)).toEqual(onNone)
  expect(none.next({ ...key, data: { n: 9 } }, now)).toBe('unmet')
})

test('a set without a condition asks for nothing; wrong conditions are named by their field', () => {
  expect(setStep(0, key, 'operations[0].item').first(now)).toEqual({ op: 'put', row: key, guard: undefined })
  expect(() => setStep(0, key, 'operations[2].item', { n: { like: 5 } } as never)).toThrow(
    /operations\[2\]\.if/,
  )
})

test('an update is planned for the row that was found', () => {
  const changes = toChanges({ add: { n: 1 } }, 'changes')
  const step = updateStep(2, { key, changes, guard: undefined, writeId: undefined }, 'condition')
  const first = step.first(now)
  expect(step).toMatchObject({ index: 2, key, reason: 'condition' })
  expect(fits(first, { ...key, data: { n: 1 } })).toBe(true)
  const fresh = step.next(undefined, now)
  expect([fits(fresh, undefined), fits(fresh, { ...key, data: { n: 1 } })]).toEqual([true, false])
})

test('a bump makes a new version of a lock that is as it was read, for a day', () => {
  const machine = new Machine(now * 1000 + 999)
  const context = newContext(new MemoryStorage(machine), { runtime: machine })
  const { step, bumped } = bumpStep(context, 4, lock, 'lock')
  expect(bumped).toEqual({ ...key, version: expect.any(String), ttl: now + 24 * 60 * 60 })
  expect([step.index, step.reason]).toEqual([4, 'lock'])
  const row = { ...key, version: 'v1', ttl: 5000 }
  const [outcome] = [outcomeOf(step.first(now), row)]
  expect(outcome?.row).toEqual(bumped)
  expect([fits(step.first(now), { ...row, version: 'v2' }), fits(step.first(5000), row)]).toEqual([
    false,
    false,
  ])
  expect([step.isProof!({ ...bumped }, step.first(now)), step.isProof!(row, step.first(now))]).toEqual([
    true,
    false,
  ])
  expect(() => bumpStep(context, 0, { ...lock, version: '' }, 'locks[3]')).toThrow(/^locks\[3\]/)
})
