import { expect, test } from 'vitest'
import { Slots } from '../../src/worker/slots.ts'

const { signal } = new AbortController()

test('who serves alone gets all places, of two each gets half of what is free', async () => {
  const slots = new Slots(5)
  const leave = slots.join()
  expect(await slots.take(signal)).toBe(5)
  slots.give(5)
  slots.join()
  expect([await slots.take(signal), await slots.take(signal)]).toEqual([3, 1])
  leave()
  expect(await slots.take(signal)).toBe(1)
})

test('who finds none waits until some are given back', async () => {
  const slots = new Slots(1)
  slots.join()
  expect(await slots.take(signal)).toBe(1)
  let taken: number | undefined
  const waiting = slots.take(signal).then((count) => {
    taken = count
  })
  slots.give(0)
  await new Promise(setImmediate)
  expect(taken).toBe(undefined)
  slots.give(2)
  await waiting
  expect(taken).toBe(2)
})

test('a signal that comes first takes nothing', async () => {
  const slots = new Slots(1)
  expect(await slots.take(AbortSignal.abort())).toBe(0)
  slots.join()
  await slots.take(signal)
  const ending = new AbortController()
  const waiting = slots.take(ending.signal)
  ending.abort()
  expect(await waiting).toBe(0)
})
