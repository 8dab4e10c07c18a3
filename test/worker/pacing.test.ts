import { expect, test } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'
import { Pacing } from '../../src/worker/pacing.ts'

const at = (random: number) => ({ ...systemRuntime, now: () => 1000, random: () => random })
const none = { found: 0, wanted: 4 }

test('an idle worker looks at most every 3.75 s, and at least every 4 s, eventually consistent', () => {
  for (const random of [0, 0.999]) {
    const pacing = new Pacing(at(random), undefined)
    for (let i = 0; i < 10; i++) pacing.after(none)
    const { ms, isIdle } = pacing.after(none)
    expect(ms).toBeGreaterThan(3750)
    expect(ms).toBeLessThan(4000)
    expect(isIdle).toBe(true)
  }
})

test('a pull that gave all that it was asked for is followed by another one at once', () => {
  const pacing = new Pacing(at(0.5), undefined)
  expect(pacing.after({ found: 4, wanted: 4 })).toEqual({ ms: 0, isIdle: false })
  expect(pacing.after({ found: 3, wanted: 4 }).ms).toBe(60)
})

test('the more messages go to others first, the less often a worker pulls', () => {
  const pacing = new Pacing(at(0.5), undefined)
  const some = { found: 1, wanted: 4 }
  expect(pacing.after({ ...some, missed: 2 }).ms).toBe(120)
  expect(pacing.after({ ...some, missed: 1 }).ms).toBe(240)
  for (let i = 0; i < 9; i++) pacing.after({ ...some, missed: 1 })
  expect(pacing.after({ ...some, missed: 1 }).ms).toBe(400)
  for (let i = 0; i < 30; i++) pacing.after(some)
  expect(pacing.after(some).ms).toBe(60)
})

test('it looks when what it knows of is due, and when a pause ends', () => {
  const pacing = new Pacing(at(0.5), undefined)
  for (let i = 0; i < 10; i++) pacing.after(none)
  expect(pacing.after({ ...none, nextDue: 1500 }).ms).toBe(501)
  expect(pacing.after({ ...none, nextDue: 900 }).ms).toBe(1)
  expect(pacing.after({ ...none, nextDue: 900_000 }).ms).toBe(3810)
  pacing.woken()
  expect(pacing.after({ ...none, paused: true }).ms).toBe(3810)
  expect(pacing.after({ ...none, paused: true, nextDue: 1500 })).toEqual({ ms: 501, isIdle: true })
})

test('waits of your own double from the first to the second', () => {
  const pacing = new Pacing(at(0.999999), [100, 1000])
  const waits = Array.from({ length: 6 }, () => Math.round(pacing.after(none).ms))
  expect(waits).toEqual([100, 200, 400, 800, 1000, 1000])
  expect(pacing.after({ found: 1, wanted: 4 }).ms).toBe(0)
})
