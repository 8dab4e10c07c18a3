import { AtomicDbError, deadLetter, InvalidInput, QueueOutcome, retryAt, snooze } from 'lockrow'
import { expect, test } from 'vitest'
import { reasonOf } from '../../src/worker/outcomes.ts'

test('an outcome says what is to become of a message, and can be thrown', () => {
  expect(retryAt(new Date(5000))).toMatchObject({ kind: 'retry', later: { at: 5000 }, reason: '' })
  expect(retryAt(5000, 'busy')).toMatchObject({ later: { at: 5000 }, reason: 'busy' })
  expect(snooze({ seconds: 1.5 })).toMatchObject({ kind: 'snooze', later: { seconds: 1.5 } })
  expect(snooze({ until: new Date(7000) }, 'early')).toMatchObject({ later: { at: 7000 }, reason: 'early' })
  const cause = new TypeError('no order')
  expect(deadLetter(cause)).toMatchObject({ kind: 'dead', reason: 'TypeError: no order', cause })
  expect(deadLetter('x')).toBeInstanceOf(AtomicDbError)
  expect(deadLetter('x')).toBeInstanceOf(QueueOutcome)
})

test('bad input is refused where the outcome is made', () => {
  for (const time of [Number.NaN, new Date('never'), -1, '2030-01-01', undefined, Number.POSITIVE_INFINITY]) {
    expect(() => retryAt(time as never)).toThrow(InvalidInput)
    expect(() => snooze({ until: time as never })).toThrow(InvalidInput)
  }
  for (const later of [
    undefined,
    {},
    { seconds: 0 },
    { seconds: -1 },
    { seconds: 1, until: 5 },
    { second: 1 },
    60,
  ])
    expect(() => snooze(later as never)).toThrow(InvalidInput)
  for (const reason of [undefined, '']) expect(() => deadLetter(reason)).toThrow(InvalidInput)
})

test('the beginning of time is a time, and what is no error has a reason too', () => {
  expect(retryAt(0)).toMatchObject({ later: { at: 0 } })
  expect(reasonOf('down')).toBe('down')
  expect(reasonOf(new RangeError('far'))).toBe('RangeError: far')
  expect(reasonOf(deadLetter('poison'))).toBe('poison')
})
