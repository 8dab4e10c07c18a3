import { expect, test } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'
import { retryDelay } from '../../src/worker/options.ts'

const delays = (retrySeconds: [number, number], random: number) =>
  [1, 2, 3, 4, 9].map((receives) =>
    retryDelay({ ...systemRuntime, random: () => random }, receives, { pk: 'jobs', retrySeconds }),
  )

test('the wait before the next try doubles, within its bounds', () => {
  expect(delays([2, 20], 1)).toEqual([2, 4, 8, 16, 20])
  expect(delays([2, 20], 0)).toEqual([2, 2, 4, 8, 10])
  expect(delays([0, 100], 1)).toEqual([1, 2, 4, 8, 100])
  expect(delays([5, 5], 0.5)).toEqual([5, 5, 5, 5, 5])
})
