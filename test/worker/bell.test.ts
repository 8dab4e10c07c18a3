import { expect, test } from 'vitest'
import { Bell } from '../../src/worker/bell.ts'

const isDone = async (promise: Promise<void>): Promise<boolean> => {
  let done = false
  void promise.then(() => {
    done = true
  })
  await new Promise(setImmediate)
  return done
}

test('a ring wakes everybody, and a ring in between is not missed', async () => {
  const bell = new Bell()
  const [a, b] = [bell.after(bell.count), bell.after(bell.count)]
  expect(await isDone(a)).toBe(false)
  const before = bell.count
  bell.ring()
  expect([await isDone(a), await isDone(b)]).toEqual([true, true])
  expect(await isDone(bell.after(before))).toBe(true)
  expect(await isDone(bell.after(bell.count))).toBe(false)
})

test('a signal ends the wait of one', async () => {
  const bell = new Bell()
  const ending = new AbortController()
  const [ended, goesOn] = [bell.after(0, ending.signal), bell.after(0)]
  ending.abort()
  expect([await isDone(ended), await isDone(goesOn)]).toEqual([true, false])
  expect(await isDone(bell.after(0, ending.signal))).toBe(true)
  bell.ring()
  expect(await isDone(goesOn)).toBe(true)
})
