import { InvalidInput } from 'lockrow'
import { describe, expect, test } from 'vitest'
import {
  checkOptions,
  milliseconds,
  seconds,
  shortText,
  suggestion,
  wholeNumber,
  wholeSeconds,
} from '../../src/model/checks.ts'

describe('options', () => {
  const known = ['consistent', 'signal', 'timeoutMs', 'if', 'exactlyOnce']

  test('known names, absent ones and undefined ones pass', () => {
    for (const given of [undefined, {}, { consistent: true, if: 1 }, { typo: undefined }])
      expect(() => checkOptions(given, known)).not.toThrow()
  })

  test.each([
    [{ iff: 1 }, "options.iff: is not known: did you mean 'if'?"],
    [{ Consistent: true }, "options.Consistent: is not known: did you mean 'consistent'?"],
    [{ timeout: 5 }, "options.timeout: is not known: did you mean 'timeoutMs'?"],
    [{ exactly: true }, "options.exactly: is not known: did you mean 'exactlyOnce'?"],
    [{ zzz: 1 }, 'options.zzz: is not known: known: consistent, signal, timeoutMs, if, exactlyOnce'],
    [[], 'options: must be an object'],
    [null, 'options: must be an object, got null'],
    ['x', 'options: must be an object, got string'],
  ])('%j is refused', (given, message) => {
    expect(() => checkOptions(given, known)).toThrow(message)
    expect(() => checkOptions(given, known)).toThrow(InvalidInput)
  })

  test('a hint wins over a guess, and inherited names are not hints', () => {
    expect(() => checkOptions({ condition: 1 }, known, 'options', { condition: "use 'if'" })).toThrow(
      "options.condition: is not known: use 'if'",
    )
    expect(() => checkOptions({ toString: 1 }, known)).toThrow('known: consistent')
  })
})

test('numbers name the option, its unit and its bounds', () => {
  expect(wholeNumber(3, 'limit', { min: 1, max: 5 })).toBe(3)
  for (const bad of [0, 6, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', undefined])
    expect(() => wholeNumber(bad, 'limit', { min: 1, max: 5 })).toThrow(
      /^limit: must be a whole number from 1 to 5/,
    )
  expect(() => wholeNumber(1e18, 'limit', { min: 1 })).toThrow(/from 1 to 9007199254740991, got 1/)
  expect(milliseconds(0.5, 'ttlMs')).toBe(0.5)
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12, '5', null])
    expect(() => milliseconds(bad, 'ttlMs')).toThrow(/^ttlMs: .*milliseconds/)
  expect(milliseconds(0, 'timeoutMs', { zero: true })).toBe(0)
  expect(seconds(30, 'delaySeconds')).toBe(30)
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9])
    expect(() => seconds(bad, 'delaySeconds')).toThrow(/^delaySeconds: .*seconds/)
})

test('whole seconds, up to ten years', () => {
  expect([wholeSeconds(0, 'f'), wholeSeconds(1, 'f', { min: 1 }), wholeSeconds(316_224_000, 'f')]).toEqual([
    0, 1, 316_224_000,
  ])
  for (const value of [-1, 1.5, 316_224_001, Number.NaN, '5', undefined])
    expect(() => wholeSeconds(value, 'f')).toThrow(
      /^f: must be a whole number of seconds from 0, at most 10 years/,
    )
  expect(() => wholeSeconds(0, 'f', { min: 1 })).toThrow(/seconds from 1, at most 10 years, got 0/)
})

test('short texts, in bytes of UTF-8', () => {
  expect(shortText('äb', 'f', 3)).toBe('äb')
  for (const value of ['', 'äbc', 'abcd', '\ud800', 7, undefined])
    expect(() => shortText(value, 'f', 3)).toThrow(/^f: must be a text of 1 to 3 bytes/)
})

test('a name is suggested only where it is near: two neighbours exchanged are one edit', () => {
  expect(suggestion('limti', ['limit'])).toBe("did you mean 'limit'?")
  expect(suggestion('imlti', ['limit'])).toBe('known: limit')
  expect(suggestion('lmiti', ['limit'])).toBe('known: limit')
})
