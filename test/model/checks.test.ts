import { InvalidInput } from 'lockrow'
import { describe, expect, test } from 'vitest'
import {
  checkBoolean,
  checkDb,
  checkFunction,
  checkOptions,
  checkSignal,
  futureMoment,
  isDuration,
  maxMoment,
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

const year10 = 316_224_000

test('durations, to the last one that is taken', () => {
  expect([seconds(year10, 'f'), seconds(0.001, 'f'), seconds(0, 'f', { zero: true })]).toEqual([
    year10,
    0.001,
    0,
  ])
  expect(milliseconds(year10 * 1000, 'f')).toBe(year10 * 1000)
  expect([isDuration(year10 * 1000), isDuration(year10 * 1000 + 1), isDuration(0), isDuration('1')]).toEqual([
    true,
    false,
    false,
    false,
  ])
  const refusal = (check: () => unknown) => {
    try {
      return check()
    } catch (error) {
      const { field, message, given } = error as InvalidInput & { given?: unknown }
      return { field, message, given }
    }
  }
  for (const [check, unit] of [
    [seconds, 'seconds'],
    [milliseconds, 'milliseconds'],
  ] as const) {
    const most = unit === 'seconds' ? year10 : year10 * 1000
    const says = (or: string, given: string) =>
      `f: must be ${or}a positive number of ${unit}, at most 10 years, got ${given}`
    expect(refusal(() => check(most + 1, 'f'))).toMatchObject({
      field: 'f',
      message: says('', String(most + 1)),
    })
    expect(refusal(() => check(-1, 'f', { zero: true }))).toMatchObject({ message: says('0 or ', '-1') })
    expect(refusal(() => check('5', 'f'))).toMatchObject({ message: says('', 'string') })
    expect(refusal(() => check(0, 'f'))).toMatchObject({ message: says('', '0') })
  }
  expect(refusal(() => wholeSeconds('5', 'f'))).toMatchObject({
    message: 'f: must be a whole number of seconds from 0, at most 10 years, got string',
  })
})

test('whole numbers: both bounds count, and only a bound that was passed is named', () => {
  expect([
    wholeNumber(0, 'f'),
    wholeNumber(1, 'f', { min: 1, max: 5 }),
    wholeNumber(5, 'f', { max: 5 }),
  ]).toEqual([0, 1, 5])
  expect(wholeNumber(Number.MAX_SAFE_INTEGER, 'f')).toBe(Number.MAX_SAFE_INTEGER)
  expect(() => wholeNumber(-1, 'f')).toThrow('f: must be a whole number from 0, got -1')
  expect(() => wholeNumber('2', 'f', { min: 1 })).toThrow('f: must be a whole number from 1, got string')
  expect(() => wholeNumber(2 ** 53, 'f')).toThrow('from 0 to 9007199254740991, got 9007199254740992')
})

test('moments to come: after now, until the year 9999, as a Date or epoch milliseconds', () => {
  const now = 1_800_000_000_000
  expect([futureMoment(now + 1, 'until', now), futureMoment(maxMoment, 'until', now)]).toEqual([
    now + 1,
    maxMoment,
  ])
  expect(futureMoment(new Date(now + 5), 'until', now)).toBe(now + 5)
  const future = 'until: must be in the future: milliseconds, not seconds, got '
  expect(() => futureMoment(now, 'until', now)).toThrow(`${future}2027-01-15T08:00:00.000Z`)
  expect(() => futureMoment(now / 1000, 'until', now)).toThrow(`${future}1970-01-21T20:00:00.000Z`)
  const whole = 'until: must be a Date or epoch milliseconds, a whole number, got '
  for (const [bad, given] of [
    [maxMoment + 1, String(maxMoment + 1)],
    [now + 0.5, String(now + 0.5)],
    [new Date(Number.NaN), 'Invalid Date'],
    ['tomorrow', 'string'],
    [null, 'null'],
    [{}, 'object'],
  ] as const)
    expect(() => futureMoment(bad, 'until', now)).toThrow(whole + given)
})

test('databases, functions, signals and booleans: the error says what was given and what to do', () => {
  const db = { get: () => {}, runtime: { now: () => 0 } }
  expect(() => checkDb(db)).not.toThrow()
  const says = (given: unknown) => {
    try {
      checkDb(given)
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing'
  }
  expect(says(Promise.resolve(db))).toBe('db: must be a database: await it, got object')
  expect(says({ send: () => {} })).toBe(
    'db: must be a database: new AtomicDynamoDB(client, tableName), got object',
  )
  const such = 'db: must be a database, such as an AtomicDynamoDB or AtomicMemoryDb, got '
  expect([says(null), says(undefined), says({ get: () => {} }), says({ runtime: db.runtime })]).toEqual([
    `${such}null`,
    `${such}undefined`,
    `${such}object`,
    `${such}object`,
  ])
  expect(() => checkDb(null, 'target')).toThrow('target: must be a database')
  expect(() => checkFunction(() => {}, 'handler')).not.toThrow()
  expect(() => checkFunction(null, 'handler')).toThrow('handler: must be a function, got null')
  for (const value of [true, false, undefined]) expect(() => checkBoolean(value, 'strict')).not.toThrow()
  expect(() => checkBoolean(1, 'strict')).toThrow('strict: must be true or false, got number')
  for (const value of [undefined, new AbortController().signal, { throwIfAborted: () => {} }])
    expect(() => checkSignal(value, 'signal')).not.toThrow()
  for (const [value, given] of [
    [null, 'null'],
    [{}, 'object'],
  ])
    expect(() => checkSignal(value, 'signal')).toThrow(`signal: must be an AbortSignal, got ${given}`)
})

test('how near a name must be', () => {
  expect(suggestion('lim', ['limit'])).toBe("did you mean 'limit'?")
  expect(suggestion('li', ['limit'])).toBe('known: limit')
  expect(suggestion('x', [])).toBe('no option is known here')
  expect(suggestion('conzistend', ['consistent'])).toBe("did you mean 'consistent'?")
  expect(suggestion('conzistandy', ['consistent'])).toBe('known: consistent')
  expect(suggestion('pj', ['limit', 'pk', 'sk'])).toBe("did you mean 'pk'?")
  expect(suggestion(`${'limit'.repeat(10)}`, ['limit'])).toBe('known: limit')
})
