import { systemRuntime } from 'lockrow/backend'
import { describe, expect, test, vi } from 'vitest'
import { idSource, momentOf, stopwatch, ulidSource } from '../src/runtime.ts'

describe('clocks', () => {
  test('a stopwatch counts a suspension, and ignores a backward step', () => {
    let wall = 1_000_000
    let monotonic = 0
    const elapsed = stopwatch({ ...systemRuntime, now: () => wall, monotonic: () => monotonic })
    wall -= 3_600_000
    expect(elapsed()).toBe(0)
    monotonic += 1000
    wall += 1000
    expect(elapsed()).toBe(1000)
    wall += 600_000
    expect(elapsed()).toBe(601_000)
  })

  test('two machines from one snapshot make different ids', () => {
    let now = 1_000_000
    const id = idSource({ ...systemRuntime, now: () => now })
    const before = id().slice(0, 10)
    expect(id().slice(0, 10)).toBe(before)
    now += 60_000
    expect(id().slice(0, 10)).not.toBe(before)
  })

  test('a stopwatch takes a wall clock that counts whole milliseconds for no step', () => {
    let wall = 1_000_000
    let monotonic = 0.9
    const elapsed = stopwatch({ now: () => wall, monotonic: () => monotonic } as never)
    wall += 5
    monotonic += 14.9
    expect(elapsed()).toBeCloseTo(14.9)
    wall += 20
    monotonic += 20
    expect(elapsed()).toBeCloseTo(34.9)
  })

  test('a moment is both clocks', () => {
    expect(momentOf({ now: () => 7, monotonic: () => 3 })).toEqual({ wall: 7, monotonic: 3 })
  })
})

test('ids count up within a second, and a runtime of its own draws its prefix once', () => {
  let now = 0
  const id = idSource({ ...systemRuntime, now: () => now, random: () => 0.5 })
  expect([id(), id()]).toEqual(['wwwwwwwwww0', 'wwwwwwwwww1'])
  now += 5000
  expect(id()).toBe('wwwwwwwwww2')
})

test('ulids of one runtime sort in the order in which they were drawn, also when its clock steps back', () => {
  let now = 1_700_000_000_000
  const runtime = { ...systemRuntime, now: () => now, random: () => 0.25 }
  const drawn: string[] = []
  for (const step of [0, 0, 5, -1000, 1]) {
    now += step
    drawn.push(ulidSource(runtime)())
  }
  expect(drawn).toEqual(drawn.toSorted())
  expect(new Set(drawn).size).toBe(5)
})

test('sleep ends at once with the reason of its signal', async () => {
  const reason = new Error('enough')
  await expect(systemRuntime.sleep(60_000, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const later = new AbortController()
  const sleeping = systemRuntime.sleep(60_000, { signal: later.signal })
  later.abort(reason)
  await expect(sleeping).rejects.toBe(reason)
})

test("a ULID's 16 characters of chance are drawn for it alone, and each can be any of the 32", () => {
  const next = ulidSource(systemRuntime)
  // Each in a millisecond of its own: within one the next is the last plus one.
  const clock = vi.spyOn(systemRuntime, 'now')
  let now = Date.now() + 1000
  clock.mockImplementation(() => now++)
  const made = Array.from({ length: 2000 }, next)
  clock.mockRestore()
  expect(made.toSorted()).toEqual(made)
  expect(made.filter((one) => !/^[0-9A-HJKMNP-TV-Z]{26}$/.test(one))).toEqual([])
  const seen = Array.from({ length: 16 }, (_, i) => new Set(made.map((one) => one[10 + i])).size)
  expect(seen).toEqual(Array(16).fill(32))
  // No two characters of one ULID hang together.
  const pairs = new Set(made.map((one) => one[10]! + one[25]!))
  expect(pairs.size).toBeGreaterThan(600)
})
