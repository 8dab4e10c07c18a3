import { Decimal, decodeExactly, decodeNumber, isShownExactly } from '../model/numbers.ts'
import { setOwn } from '../model/values.ts'
import { rememberExact } from '../model/wire.ts'
import type { Row } from '../storage.ts'

/**
 * Rows as text, for stores with keys of their own: the attributes without `pk` and `sk` as JSON. A row of texts, numbers,
 * booleans, nulls, lists and maps is plain JSON, read at the speed of `JSON.parse`. Another one begins with `!`, and the
 * values that JSON lacks are maps of one name:
 *
 * | value | as JSON |
 * |---|---|
 * | binary | `{"$b": base64}` |
 * | bigint, number of more digits than a JS number has | `{"$n": "12345678901234567890"}` |
 * | set of texts, of numbers, of binaries | `{"$ss": [...]}`, `{"$ns": ["1"]}`, `{"$bs": [base64]}` |
 * | map of one name that begins with `$` | `{"$m": {...}}` |
 *
 * Nothing is lost: 38 digits, the kind of a set, and fields named `__proto__` come back as they were.
 */

const tagged = '!'

/** The attributes of a row as text. */
export function rowToJson(row: Row): string {
  const { pk, sk, ...attributes } = row
  return isPlain(attributes) ? JSON.stringify(attributes) : tagged + JSON.stringify(encode(attributes, true))
}

/** Whether JSON shows the row to the last digit, so that a row that was written is what a reader sees. */
export const isPlainJson = (text: string): boolean => !text.startsWith(tagged)

/** The row that `rowToJson` wrote. */
export function rowFromJson(pk: string, sk: string, text: string): Row {
  if (isPlainJson(text)) {
    const row = JSON.parse(text) as Row
    row.pk = pk
    row.sk = sk
    return row
  }
  const attributes = JSON.parse(text.slice(tagged.length)) as Record<string, unknown>
  isInexact = false
  const row = { pk, sk, ...decodeMap(attributes, shownNumber) } as Row
  return isInexact ? rememberExact(row, { pk, sk, ...decodeMap(attributes, decodeExactly) } as Row) : row
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object') return typeof value !== 'bigint'
  if (value === null) return true
  if (Array.isArray(value)) return value.every(isPlain)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const name in value)
    if (name === '__proto__' || !isPlain((value as Record<string, unknown>)[name])) return false
  return true
}

function encode(value: unknown, isRow = false): unknown {
  if (typeof value === 'bigint') return { $n: String(value) }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((element) => encode(element))
  if (value instanceof Uint8Array) return { $b: toBase64(value) }
  if (value instanceof Set) return encodeSet(value)
  if (value instanceof Decimal) return { $n: value.text }
  const names = Object.keys(value)
  const map: Record<string, unknown> = {}
  for (const name of names) setOwn(map, name, encode((value as Record<string, unknown>)[name]))
  return !isRow && names.length === 1 && names[0]!.startsWith('$') ? { $m: map } : map
}

function encodeSet(set: ReadonlySet<unknown>): unknown {
  const members = [...set]
  if (typeof members[0] === 'string') return { $ss: members }
  return members[0] instanceof Uint8Array
    ? { $bs: (members as Uint8Array[]).map(toBase64) }
    : { $ns: members.map(String) }
}

const toBase64 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

/** Bytes of their own: a small `Buffer` would be a part of one that many share. */
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

/** Whether something was decoded that JS cannot show, or that callers could not write. */
let isInexact = false

type DecodeNumber = (text: string) => unknown

function shownNumber(text: string): number | bigint {
  const shown = decodeNumber(text)
  if (!isInexact && !isShownExactly(shown, text)) isInexact = true
  return shown
}

function decode(value: unknown, number: DecodeNumber): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((element) => decode(element, number))
  const names = Object.keys(value)
  const only = names[0]
  if (names.length === 1 && only!.startsWith('$'))
    return decodeTagged(only!, (value as Record<string, unknown>)[only!], number)
  return decodeMap(value as Record<string, unknown>, number)
}

function decodeMap(value: Record<string, unknown>, number: DecodeNumber): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const inner = decode(value[name], number)
    if (name === '__proto__') {
      isInexact = true
      setOwn(map, name, inner)
    } else map[name] = inner
  }
  return map
}

function decodeTagged(tag: string, value: unknown, number: DecodeNumber): unknown {
  switch (tag) {
    case '$n':
      return number(value as string)
    case '$b':
      return fromBase64(value as string)
    case '$ss':
      return new Set(value as string[])
    case '$ns':
      return new Set((value as string[]).map(number))
    case '$bs':
      return new Set((value as string[]).map(fromBase64))
    case '$m':
      return decodeMap(value as Record<string, unknown>, number)
    default:
      throw new TypeError(`a stored value has the unknown tag '${tag}': it was written by a newer version`)
  }
}
