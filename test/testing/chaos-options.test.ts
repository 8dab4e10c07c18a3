import { expect, test } from 'vitest'
import { checkChaosOptions } from '../../src/testing/chaos-options.ts'

test('rates from 0 to 1, a seed and a delay', () => {
  expect(() =>
    checkChaosOptions({
      seed: 1,
      rates: { delay: 0, throttled: 1, conflict: undefined },
      maxDelayMs: 0,
    } as never),
  ).not.toThrow()
})

test.each([
  [{ rates: { dealy: 1 } }, 'rates'],
  [{ rates: { delay: 1.01 } }, 'rates.delay'],
  [{ rates: { delay: -0.01 } }, 'rates.delay'],
  [{ rates: { delay: Number.NaN } }, 'rates.delay'],
  [{ maxDelayMs: -1 }, 'maxDelayMs'],
  [{ sede: 1 }, 'options'],
])('%o is refused for %s', (options, field) => {
  expect(() => checkChaosOptions(options as never)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: expect.stringContaining(field) }),
  )
})
