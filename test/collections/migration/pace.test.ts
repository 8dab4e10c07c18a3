import { systemRuntime } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { Pace } from '../../../src/collections/migration/pace.ts'

test('each waits until those before it are paid for; without a rate nobody does', async () => {
  let now = 0
  const slept: number[] = []
  const sleep = async (ms: number) => {
    slept.push(ms)
    now += ms
  }
  const runtime = { ...systemRuntime, monotonic: () => now, sleep }
  const pace = new Pace(runtime, 100)
  for (const units of [10, 50, 1]) await pace.spend(units)
  expect(slept).toEqual([100, 500])
  now += 10_000
  await pace.spend(1)
  expect(slept).toHaveLength(2)
  const unbound = new Pace(runtime, Number.POSITIVE_INFINITY)
  for (let i = 0; i < 3; i++) await unbound.spend(1e6)
  expect(slept).toHaveLength(2)
})
