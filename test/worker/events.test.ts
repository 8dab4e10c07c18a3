import { expect, test } from 'vitest'
import { tell } from '../../src/worker/events.ts'

test('an event is told as it is, and an observer that fails disturbs nobody', async () => {
  const told: unknown[] = []
  const event = { type: 'idle' } as const
  tell({ onEvent: (heard) => told.push(heard) }, event)
  expect(told).toEqual([event])
  expect(() => tell({}, event)).not.toThrow()
  const fails = () => {
    told.push('fails')
    throw new Error('of the observer')
  }
  expect(() => tell({ onEvent: fails }, event)).not.toThrow()
  tell({ onEvent: async () => fails() }, event)
  // A rejection that nobody handled would end this test.
  await new Promise(setImmediate)
  expect(told).toEqual([event, 'fails', 'fails'])
})
