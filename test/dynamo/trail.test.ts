import { expect, test } from 'vitest'
import {
  isRenewed,
  mayBeAfterSending,
  noteRenewed,
  noteSent,
  noteUnconnected,
  wasUnconnected,
} from '../../src/dynamo/trail.ts'

test.each([
  ['sent', noteSent, mayBeAfterSending],
  ['unconnected', noteUnconnected, wasUnconnected],
  ['renewed', noteRenewed, isRenewed],
])('%s is known of the very error that it was noted of, and of no other', (_, note, isKnown) => {
  const error = new Error('lost')
  expect(isKnown(error)).toBe(false)
  note(error)
  expect(isKnown(error)).toBe(true)
  expect(isKnown(new Error('lost'))).toBe(false)
  expect([mayBeAfterSending, wasUnconnected, isRenewed].filter((asked) => asked(error))).toEqual([isKnown])
})
