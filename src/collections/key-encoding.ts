import { InvalidInput } from '../errors.ts'
import { bigintProblem, numberProblem } from '../model/numbers.ts'

/**
 * How values become texts of keys. The order of the UTF-8 bytes is the order of the values; no two values share a text;
 * no value can reach into its neighbour; the text can be read back.
 *
 * | value | text |
 * |---|---|
 * | `false`, `true` | `$0`, `$1` |
 * | negative number | `$4`, 999 - (exponent + 500), the digits' complements to 9, `~` |
 * | 0 | `$5` |
 * | positive number | `$6`, exponent + 500, the digits: 42 is 0.42 * 10^2, `$650242` |
 * | date | `$8` and ISO 8601: `$82026-01-02T03:04:05.678Z` |
 * | the empty text | `$?` |
 * | any other text | itself; characters up to U+0024 (controls, space, `!`, `"`, `#`, `$`) become `$` and U+0040 + code |
 *
 * Several values are joined by `#`, which sorts before everything that a value can hold. Values of different types sort
 * in the order of the table. A number and the bigint that equals it are one value.
 */

/** What can be a part of a key. Texts sort by UTF-8 bytes, dates have years 0 to 9999, numbers up to 38 digits. */
export type KeyValue = string | number | bigint | boolean | Date

/** Between two values of a key. */
export const separator = '#'
/** Sorts behind a value and everything that follows it, and before every other value that begins with it. */
export const behind = '$'
/** Sorts before the first value. */
export const beforeAll = '$'

const reserved = /[\0-$]/g
const escaped = (text: string): string =>
  text.replace(reserved, (one) => `$${String.fromCharCode(0x40 + one.charCodeAt(0))}`)

/** The text of one value; `field` is named in errors. */
export function encodeValue(value: unknown, field = 'value'): string {
  switch (typeof value) {
    case 'string':
      return value === '' ? '$?' : encodeText(value, field)
    case 'number':
    case 'bigint':
      return encodeNumber(value, field)
    case 'boolean':
      return value ? '$1' : '$0'
  }
  if (value instanceof Date) return encodeDate(value, field)
  throw new InvalidInput(field, 'cannot be a part of a key: use a text, number, bigint, boolean or Date', {
    given: value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value,
  })
}

/** The beginning of a text, for ranges: what begins with it is encoded to what begins with this. */
export function encodeText(text: string, field: string): string {
  if (!text.isWellFormed())
    throw new InvalidInput(field, 'has a lone surrogate: different keys would become one')
  return escaped(text)
}

function encodeNumber(value: number | bigint, field: string): string {
  const isSmall = typeof value === 'bigint' && Number.isSafeInteger(Number(value))
  const problem = isSmall
    ? undefined
    : typeof value === 'number'
      ? numberProblem(value)
      : bigintProblem(value)
  if (problem) throw new InvalidInput(field, problem, { given: String(value) })
  if (value === 0 || value === 0n) return '$5'
  const { digits, exponent } = decimal(value)
  const power = exponent + 500
  if (value > 0) return `$6${pad(power)}${digits}`
  return `$4${pad(999 - power)}${complement(digits)}~`
}

/** The value as 0.digits * 10^exponent, without zeros at either end of the digits. */
function decimal(value: number | bigint): { digits: string; exponent: number } {
  if (typeof value === 'bigint') {
    const all = (value < 0n ? -value : value).toString()
    return { digits: all.replace(/0+$/, ''), exponent: all.length }
  }
  const [mantissa, power] = Math.abs(value).toExponential().split('e') as [string, string]
  return { digits: mantissa.replace('.', ''), exponent: Number(power) + 1 }
}

const pad = (power: number): string => String(power).padStart(3, '0')
const complement = (digits: string): string => digits.replace(/\d/g, (digit) => String(9 - Number(digit)))

function encodeDate(value: Date, field: string): string {
  const year = value.getUTCFullYear()
  if (Number.isNaN(year)) throw new InvalidInput(field, 'is an invalid Date')
  if (year < 0 || year > 9999)
    throw new InvalidInput(field, 'a Date in a key has a year from 0 to 9999', { given: String(year) })
  return `$8${value.toISOString()}`
}

/** The texts of several values, joined. */
export const encodeKey = (values: readonly unknown[], field = 'key'): string =>
  values.map((value, i) => encodeValue(value, `${field}[${i}]`)).join(separator)

/** The value that `encodeValue` wrote. `InvalidInput` for any other text. */
export function decodeValue(text: string): KeyValue {
  const value = decoded(text)
  if (value === undefined || encodeValue(value) !== text)
    throw new InvalidInput('key', 'is not a text that encodes a value', { given: text.slice(0, 40) })
  return value
}

/** The values that `encodeKey` joined. */
export const decodeKey = (text: string): KeyValue[] => text.split(separator).map(decodeValue)

function decoded(text: string): KeyValue | undefined {
  const rest = text.slice(2)
  switch (/^\$([0-?])/.exec(text)?.[1]) {
    case undefined:
      return text.replace(/\$([@-d])/g, (_, one: string) => String.fromCharCode(one.charCodeAt(0) - 0x40))
    case '0':
      return false
    case '1':
      return true
    case '4':
      return /^\d{4,}~$/.test(rest)
        ? number(`-${complement(rest.slice(3, -1))}`, 999 - Number(rest.slice(0, 3)))
        : undefined
    case '5':
      return 0
    case '6':
      return /^\d{4,}$/.test(rest) ? number(rest.slice(3), Number(rest.slice(0, 3))) : undefined
    case '8':
      return Number.isNaN(Date.parse(rest)) ? undefined : new Date(rest)
    case '?':
      return ''
  }
  return undefined
}

function number(digits: string, power: number): number | bigint {
  const count = digits.replace('-', '').length
  const zeros = power - 500 - count
  if (zeros >= 0 && zeros < 40) {
    const whole = BigInt(digits) * 10n ** BigInt(zeros)
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole
  }
  return Number(`${digits}e${zeros}`)
}
