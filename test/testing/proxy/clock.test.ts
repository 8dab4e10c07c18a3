import { TestClock } from 'lockrow/testing'
import { describe, expect, test } from 'vitest'
import { signBy } from '../../../src/testing/proxy/clock.ts'

describe('a clock for tests', () => {
  test('starts where it is told, and is advanced by both of its readings', () => {
    const clock = new TestClock({ start: 1000, speed: 0.001, random: () => 0.5 })
    const [wall, monotonic] = [clock.now(), clock.monotonic()]
    clock.advance(60_000)
    expect(clock.now() - wall).toBeGreaterThanOrEqual(60_000)
    expect(clock.monotonic() - monotonic).toBeLessThan(61_000)
    expect(clock.random()).toBe(0.5)
  })

  test('sleepers wake up when their time is over, and no sooner', async () => {
    const clock = new TestClock({ speed: 0.001 })
    let awake = false
    const sleeping = clock.sleep(10_000, { unref: true }).then(() => {
      awake = true
    })
    clock.advance(9000)
    await Promise.resolve()
    expect(awake).toBe(false)
    clock.advance(1000)
    await sleeping
    expect(awake).toBe(true)
  })

  test('a signal ends a sleep with its reason, before and during', async () => {
    const clock = new TestClock({ speed: 0.001 })
    const reason = new Error('enough')
    await expect(clock.sleep(1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const later = new AbortController()
    const sleeping = clock.sleep(1e6, { signal: later.signal })
    later.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })

  test.each([0, -1, 100_001, Number.NaN])('speed %d is refused', (speed) => {
    expect(() => new TestClock({ speed })).toThrow(RangeError)
  })

  test('it only goes forward', () => {
    expect(() => new TestClock().advance(-1)).toThrow(RangeError)
  })
})

test('a client signs by the clock, and keeps the correction that the SDK finds', () => {
  const clock = { now: () => Date.now() + 5000 }
  const client = { config: {} as { systemClockOffset: number } }
  signBy(client, clock, 100)
  expect(Math.abs(client.config.systemClockOffset - 5100)).toBeLessThan(1000)
  client.config.systemClockOffset = 7000
  expect(Math.abs(client.config.systemClockOffset - 7000)).toBeLessThan(1000)
})
