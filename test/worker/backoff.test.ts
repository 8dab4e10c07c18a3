import { deadLetter } from 'lockrow'
import { expect, test } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'
import { type Backoff, backoffOf, policyDelay, secondsUntil } from '../../src/worker/backoff.ts'

const chance = (random: number) => ({ ...systemRuntime, random: () => random })
const delays = (policy: Parameters<typeof policyDelay>[2], random: number) =>
  [1, 2, 3, 4, 9].map((receives) => policyDelay(chance(random), receives, policy))

test('the wait before the next try grows by the factor, within its bounds, and by chance', () => {
  expect(delays({ baseSeconds: 2, maxSeconds: 20 }, 1)).toEqual([2, 4, 8, 16, 20])
  expect(delays({ baseSeconds: 2, maxSeconds: 20 }, 0)).toEqual([1, 2, 4, 8, 10])
  expect(delays({ baseSeconds: 2, factor: 3, jitter: 0 }, 0.3)).toEqual([2, 6, 18, 54, 300])
  expect(delays({ baseSeconds: 0 }, 1)).toEqual([0, 0, 0, 0, 0])
  expect(delays({ baseSeconds: 5, factor: 1, jitter: 0 }, 0.5)).toEqual([5, 5, 5, 5, 5])
  expect(delays({ jitter: 1, baseSeconds: 8, maxSeconds: undefined }, 0)).toEqual([0, 0, 0, 0, 0])
  expect(policyDelay(chance(1), 100_000, {})).toBe(300)
})

test('without a policy a message outlives 16 minutes of 15 receipts', () => {
  const waits = Array.from({ length: 14 }, (_, i) => policyDelay(chance(0), i + 1))
  expect(waits.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(960)
})

test('a function says seconds or an outcome; anything else is an error', () => {
  const item = { pk: 'q', sk: '1', data: 0, isProcessing: true, receiveCount: 3, enqueuedAt: 0 }
  const said = (backoff: Backoff) => backoffOf(systemRuntime, { item, error: 'no', receives: 3 }, backoff)
  expect(said(({ receives, error }) => (error === 'no' ? receives * 1.5 : 0))).toBe(5)
  expect(said(() => deadLetter('never'))).toMatchObject({ kind: 'dead', reason: 'never' })
  for (const value of [Number.NaN, -1, undefined, '5'])
    expect(() => said(() => value as never)).toThrow(/seconds/)
})

test('seconds until a time: none when it has passed, whole ones, as many as a release can say', () => {
  expect([secondsUntil(1000, 5000), secondsUntil(5001, 5000), secondsUntil(65_000, 5000)]).toEqual([0, 1, 60])
  expect(secondsUntil(Number.MAX_SAFE_INTEGER, 0)).toBe(3660 * 24 * 3600)
})
