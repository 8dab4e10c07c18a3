import { expect, test } from 'vitest'
import { callOptions, optionsCheck } from '../../src/model/options-check.ts'

let lists = 0
interface Options {
  limit?: number
  reverse?: boolean
  signal?: AbortSignal
  timeoutMs?: number
}
const check = optionsCheck<Options>(() => {
  lists++
  return [{ limit: true, reverse: 'boolean', ...callOptions }, { most: "use 'limit'" }]
})

test('the list is made at the first call, and once', () => {
  expect(lists).toBe(0)
  check(undefined)
  expect(lists).toBe(0)
  check({})
  check({ limit: 1, reverse: true, signal: new AbortController().signal, timeoutMs: 1 })
  expect(lists).toBe(1)
})

test.each([
  [{ limti: 1 }, "'limit'"],
  [{ most: 1 }, "use 'limit'"],
  [{ reverse: 'yes' }, 'options.reverse'],
  [{ timeoutMs: 0 }, 'options.timeoutMs'],
  [{ signal: {} }, 'options.signal'],
])('%o is refused: %s', (given, text) => {
  expect(() => check(given)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining(text) }),
  )
})

test('errors name the argument', () => {
  expect(() => check({ reverse: 1 }, 'query')).toThrow(expect.objectContaining({ field: 'query.reverse' }))
  const named = optionsCheck<{ a?: number }>(() => [{ a: true }], 'wait')
  expect(() => named({ b: 1 })).toThrow(expect.objectContaining({ field: expect.stringContaining('wait') }))
})
