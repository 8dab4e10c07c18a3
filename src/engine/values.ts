import { InvalidInput } from '../errors.ts'
import type { Row, TypeName } from '../storage.ts'
import {
  bigintProblem,
  compareNumbers,
  Decimal,
  decodeNumber,
  digitPairs,
  isNumeric,
  type Numeric,
  numberProblem,
} from './numbers.ts'

/** DynamoDB's limit of a row, attribute names and UTF-8 bytes included. */
export const maxItemBytes = 400 * 1024
/** Lists and maps within one another in `data`. DynamoDB's 32 levels count the row itself. */
export const maxDepth = 31

const maxNameBytes = 65_535

// Names of the way down to the value that is being checked; only an error reads it.
const trail: (string | number)[] = []

function reject(field: string, problem: string, given?: string): never {
  let where = field
  for (const step of trail) where += typeof step === 'number' ? `[${step}]` : `.${step}`
  trail.length = 0
  throw new InvalidInput(where, problem, given === undefined ? {} : { given })
}

/** Whether the value that is being checked may hold bigints up to 2^53; they count as numbers. */
let smallBigints = false

/**
 * A checked deep copy of what a caller gave: what is stored is what is read back, or it is refused here.
 * `field` names the value in errors. With `operand`, a bigint up to 2^53 is the number that it equals.
 */
export function take(value: unknown, field: string, operand = false): unknown {
  trail.length = 0
  smallBigints = operand
  return copy(value, field, 1)
}

function copy(value: unknown, field: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) reject(field, 'a text has a lone surrogate, which UTF-8 cannot hold')
      return value
    case 'number': {
      const problem = numberProblem(value)
      if (problem) reject(field, problem, String(value))
      return value === 0 ? 0 : value
    }
    case 'boolean':
      return value
    case 'bigint': {
      if (smallBigints && Number.isSafeInteger(Number(value))) return Number(value)
      const problem = bigintProblem(value)
      if (problem) reject(field, problem, `${value}n`)
      return value
    }
    case 'object':
      return value === null ? null : copyObject(value, field, depth)
    case 'undefined':
      return reject(field, 'undefined cannot be stored: leave the field out, or use null')
    default:
      return reject(field, `a ${typeof value} cannot be stored`)
  }
}

function copyObject(value: object, field: string, depth: number): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Set) return copySet(value, field)
  // Read from a row: it is stored as it was.
  if (value instanceof Decimal) return value
  if (depth > maxDepth) reject(field, `nested more than ${maxDepth} levels deep, or cyclic`)
  if (Array.isArray(value)) {
    const list: unknown[] = []
    for (let i = 0; i < value.length; i++) {
      trail.push(i)
      if (!(i in value)) reject(field, 'a hole in an array cannot be stored: use null')
      list.push(copy(value[i], field, depth + 1))
      trail.pop()
    }
    return list
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    reject(
      field,
      'only plain objects, arrays, Sets and Uint8Arrays can be stored',
      `a ${value.constructor?.name || 'class instance'}`,
    )
  }
  const map: Record<string, unknown> = {}
  for (const name in value) {
    trail.push(name)
    if (name === '__proto__') reject(field, "a field cannot be named '__proto__'")
    if (name === '') reject(field, 'a field name must not be empty')
    if (name.length * 3 > maxNameBytes && utf8(name) > maxNameBytes) {
      trail.pop()
      reject(field, `a field name can have at most ${maxNameBytes} bytes of UTF-8`, `${utf8(name)} bytes`)
    }
    if (!name.isWellFormed()) reject(field, 'a field name has a lone surrogate')
    map[name] = copy((value as Record<string, unknown>)[name], field, depth + 1)
    trail.pop()
  }
  if (Object.getOwnPropertySymbols(value).length > 0)
    reject(field, 'a symbol cannot be stored as a field name')
  return map
}

function copySet(value: Set<unknown>, field: string): Set<unknown> {
  if (value.size === 0) reject(field, 'an empty Set cannot be stored: leave the field out')
  const set = new Set<unknown>()
  let type: string | undefined
  let binaries: Set<string> | undefined
  for (const member of value) {
    const memberType =
      member instanceof Uint8Array
        ? 'binary'
        : typeof member === 'bigint' || member instanceof Decimal
          ? 'number'
          : typeof member
    if (memberType !== 'string' && memberType !== 'number' && memberType !== 'binary') {
      reject(field, 'a Set can hold strings, numbers or Uint8Arrays', memberType)
    }
    type ??= memberType
    if (memberType !== type)
      reject(field, 'the members of a Set must be of one type', `${type} and ${memberType}`)
    if (member instanceof Uint8Array) {
      binaries ??= new Set()
      const text = binaryText(member)
      if (binaries.has(text)) reject(field, 'a Set holds the same bytes twice')
      binaries.add(text)
    }
    set.add(copy(member, field, maxDepth))
  }
  // The document client takes a set for one of bigints when the first member is one.
  return type === 'number'
    ? new Set([...set].sort((a, b) => (typeof a === typeof b ? 0 : typeof a === 'bigint' ? -1 : 1)))
    : set
}

const binaryText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** How many decimals were shown as the nearest JS number so far: a copy that raises it is not exact. */
export const decimalsShown = { count: 0 }

/** A deep copy of stored values (already checked). */
export function clone<T>(value: T): T
export function clone(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const list = new Array(value.length)
    for (let i = 0; i < value.length; i++) list[i] = clone(value[i])
    return list
  }
  // Plain maps first: they are what rows are made of.
  if (Object.getPrototypeOf(value) === Object.prototype) return cloneMap(value as Record<string, unknown>)
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Decimal) {
    decimalsShown.count++
    return decodeNumber(value.text)
  }
  if (value instanceof Set) {
    const set = new Set()
    for (const member of value) set.add(clone(member))
    return set
  }
  return cloneMap(value as Record<string, unknown>)
}

function cloneMap(value: Record<string, unknown>): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (const name in value) {
    const inner = value[name]
    const copied = typeof inner === 'object' ? clone(inner) : inner
    if (name === '__proto__') setOwn(map, name, copied)
    else map[name] = copied
  }
  return map
}

/** For a field that another program named `__proto__`: an assignment would replace the prototype. */
export function setOwn(map: object, name: string, value: unknown): void {
  Object.defineProperty(map, name, { value, enumerable: true, writable: true, configurable: true })
}

export function typeName(value: unknown): TypeName | undefined {
  switch (typeof value) {
    case 'string':
      return 'S'
    case 'number':
    case 'bigint':
      return 'N'
    case 'boolean':
      return 'BOOL'
    case 'object':
      if (value === null) return 'NULL'
      if (Array.isArray(value)) return 'L'
      if (value instanceof Uint8Array) return 'B'
      if (value instanceof Decimal) return 'N'
      if (value instanceof Set) {
        const [first] = value
        return typeof first === 'string' ? 'SS' : first instanceof Uint8Array ? 'BS' : 'NS'
      }
      return 'M'
  }
  return undefined
}

const utf8 = (text: string): number => Buffer.byteLength(text)

/** Bytes that DynamoDB counts for a value. */
export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return utf8(value)
  if (isNumeric(value)) return numberBytes(value)
  if (typeof value !== 'object' || value === null) return 1
  if (value instanceof Uint8Array) return value.byteLength
  let bytes = 0
  if (value instanceof Set) {
    for (const member of value) bytes += valueBytes(member)
    return bytes
  }
  bytes = 3
  if (Array.isArray(value)) for (const element of value) bytes += 1 + valueBytes(element)
  else
    for (const name in value) bytes += 1 + utf8(name) + valueBytes((value as Record<string, unknown>)[name])
  return bytes
}

/** A byte per two digits, counted in pairs from the decimal point, and one more; another one for the sign. */
function numberBytes(value: Numeric): number {
  if (value === 0) return 1
  return 1 + digitPairs(value) + (compareNumbers(value, 0) < 0 ? 1 : 0)
}

/** Lists and maps within one another in a value. */
export function depthOf(value: unknown): number {
  if (
    typeof value !== 'object' ||
    value === null ||
    value instanceof Uint8Array ||
    value instanceof Set ||
    value instanceof Decimal
  )
    return 0
  let deepest = 0
  for (const inner of Array.isArray(value) ? value : Object.values(value))
    deepest = Math.max(deepest, depthOf(inner))
  return deepest + 1
}

/** Bytes that DynamoDB counts for a row. */
export function rowBytes(row: Row): number {
  let bytes = 0
  for (const name in row) if (row[name] !== undefined) bytes += utf8(name) + valueBytes(row[name])
  return bytes
}

/** An upper bound of `valueBytes` that is much cheaper: most rows need no more. */
function bound(value: unknown): number {
  if (typeof value === 'string') return value.length * 3
  if (typeof value !== 'object' || value === null) return 21
  if (value instanceof Uint8Array) return value.byteLength
  let bytes = 3
  if (value instanceof Set) for (const member of value) bytes += bound(member)
  else if (Array.isArray(value)) for (const element of value) bytes += 1 + bound(element)
  else
    for (const name in value) bytes += 1 + name.length * 3 + bound((value as Record<string, unknown>)[name])
  return bytes
}

export function fitsOneRow(row: Row, limit = maxItemBytes): boolean {
  // Room for the engine's own attributes in the bound.
  return bound(row) < limit - 1024 || rowBytes(row) <= limit
}

/** Equality as DynamoDB sees it: by type and value, sets in any order. */
export function equals(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (typeName(a) !== typeName(b)) return false
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array) === 0
  if (a instanceof Set) {
    const other = b as Set<unknown>
    return a.size === other.size && [...a].every((member) => hasMember(other, member))
  }
  if (Array.isArray(a)) {
    const other = b as unknown[]
    return a.length === other.length && a.every((element, i) => equals(element, other[i]))
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && equals(left[name], right[name]))
  )
}

export function hasMember(set: ReadonlySet<unknown>, member: unknown): boolean {
  if (set.has(member)) return true
  if (typeof member === 'string') return false
  for (const other of set) if (equals(other, member)) return true
  return false
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** Negative, zero or positive; `undefined` for values that have no common order. Texts by UTF-8 bytes. */
export function compareValues(a: unknown, b: unknown): number | undefined {
  if (typeof a === 'string') return typeof b === 'string' ? compareText(a, b) : undefined
  if (isNumeric(a)) return isNumeric(b) ? compareNumbers(a, b) : undefined
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  return undefined
}

function compareText(a: string, b: string): number {
  const left = utf8Order(a)
  const right = utf8Order(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/**
 * A text whose JS order is the order of the UTF-8 bytes of `text`: the surrogates (code points from 2^16) move
 * behind U+E000..U+FFFF. Most texts have none of either and are their own.
 */
export function utf8Order(text: string): string {
  if (!/[\ud800-\uffff]/.test(text)) return text
  let ordered = ''
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    ordered += unit < 0xd800 ? text[i] : String.fromCharCode(unit < 0xe000 ? unit + 0x2000 : unit - 0x800)
  }
  return ordered
}
