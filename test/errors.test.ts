import { AtomicDbError, ConditionFailed, InvalidInput, PartialWrite, RaceCondition, Throttled } from 'lockrow'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 's' }

test('code and name say which error it is, and keys and cause what it is about', () => {
  const cause = new Error('below')
  const error = new Throttled('too much', { keys: [key], cause })
  expect(error).toMatchObject({
    code: 'Throttled',
    name: 'Throttled',
    message: 'too much',
    keys: [key],
    cause,
  })
  expect(new AtomicDbError('x')).toMatchObject({ code: 'AtomicDbError', keys: [] })
  expect(new AtomicDbError('x')).not.toHaveProperty('cause')
})

test('an error of another copy of the package is known by its code', () => {
  const brand = Symbol.for('lockrow.error')
  const foreign = Object.defineProperty(Object.assign(new Error('x'), { code: 'Throttled' }), brand, {
    value: true,
  })
  expect([
    foreign instanceof Throttled,
    foreign instanceof AtomicDbError,
    foreign instanceof PartialWrite,
  ]).toEqual([true, true, false])
  expect([{ code: 'Throttled' } instanceof Throttled, (null as unknown) instanceof Throttled]).toEqual([
    false,
    false,
  ])
})

test('the errors of a subclass of a user are its own', () => {
  class SoldOut extends ConditionFailed {}
  const error = new SoldOut('no more', [])
  expect([error instanceof SoldOut, error instanceof ConditionFailed]).toEqual([true, true])
  expect(new ConditionFailed('no', []) instanceof SoldOut).toBe(false)
})

test('conflicts name their keys; one attempt unless it is told otherwise', () => {
  const conflicts = [{ index: 1, key, reason: 'lock' }] as const
  expect(new RaceCondition('lost', conflicts)).toMatchObject({ conflicts, keys: [key], attempts: 1 })
  expect(new RaceCondition('lost', conflicts, { attempts: 4 }).attempts).toBe(4)
})

test('bad input says where, what was given, and the limit', () => {
  const error = new InvalidInput('items[3].sk', 'is too long', { given: '1025 bytes', limit: 1024 })
  expect(error).toMatchObject({ field: 'items[3].sk', limit: 1024, given: '1025 bytes' })
  expect(error.message).toBe('items[3].sk: is too long, got 1025 bytes')
  expect(new InvalidInput('pk', 'is missing').message).toBe('pk: is missing')
})

test('work in slices says how much was done', () =>
  expect(new PartialWrite('stopped', { done: 7 }).done).toBe(7))
