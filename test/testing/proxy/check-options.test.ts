import { expect, test } from 'vitest'
import { checkProxyOptions, checkRates } from '../../../src/testing/proxy/check-options.ts'

const target = 'http://127.0.0.1:8000'

test('a target, rates from 0 to 1, and how long requests are held', () => {
  expect(() =>
    checkProxyOptions({ target, rates: { late: 0, freeze: 1 }, hold: { replies: 1, ms: 2 } }),
  ).not.toThrow()
})

test.each([
  [undefined, 'options'],
  [{}, 'target'],
  [{ target: 'localhost' }, 'target'],
  [{ target, hold: { reply: 1 } }, 'hold'],
  [{ target, rates: { lat: 1 } }, 'rates'],
  [{ target, rates: { late: 2 } }, 'rates.late'],
  [{ target, dalay: 1 }, 'options'],
])('%o is refused for %s', (options, field) => {
  expect(() => checkProxyOptions(options as never)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: expect.stringContaining(field) }),
  )
})

test('a rate that is none is shown', () => {
  expect(() => checkRates({ late: -0.1 })).toThrow(expect.objectContaining({ given: '-0.1' }))
})
