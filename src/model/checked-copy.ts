import { InvalidInput } from '../errors.ts'
import { bigintProblem, Decimal, numberProblem } from './numbers.ts'
import { maxDepth } from './sizes.ts'

const maxNameBytes = 65_535

// The path of the value that is being checked. Only an error reads it.
const trail: (string | number)[] = []

function reject(field: string, problem: string, given?: string): never {
  let where = field
  for (const step of trail) where += typeof step === 'number' ? `[${step}]` : `.${step}`
  trail.length = 0
  throw new InvalidInput(where, problem, given === undefined ? {} : { given })
}

/** Whether bigints up to 2^53 in the value that is being checked count as numbers. */
let smallBigints = false

/**
 * A deep copy of what a caller gave. Throws `InvalidInput` where a value would not be read back as it was stored.
 * `field` names the value in errors. With `operand`, a bigint up to 2^53 is the number that it equals.
 */
export function checkedCopy(value: unknown, field: string, operand = false): unknown {
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
  if (Array.isArray(value)) return copyList(value, field, depth)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    reject(
      field,
      'only plain objects, arrays, Sets and Uint8Arrays can be stored',
      `a ${value.constructor?.name || 'class instance'}`,
    )
  }
  return copyMap(value as Record<string, unknown>, field, depth)
}

function copyList(value: readonly unknown[], field: string, depth: number): unknown[] {
  const list: unknown[] = []
  for (let i = 0; i < value.length; i++) {
    trail.push(i)
    if (!(i in value)) reject(field, 'a hole in an array cannot be stored: use null')
    list.push(copy(value[i], field, depth + 1))
    trail.pop()
  }
  return list
}

function copyMap(value: Record<string, unknown>, field: string, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (const name in value) {
    trail.push(name)
    checkName(name, field)
    map[name] = copy(value[name], field, depth + 1)
    trail.pop()
  }
  if (Object.getOwnPropertySymbols(value).length > 0)
    reject(field, 'a symbol cannot be stored as a field name')
  return map
}

function checkName(name: string, field: string): void {
  if (name === '__proto__') reject(field, "a field cannot be named '__proto__'")
  if (name === '') reject(field, 'a field name must not be empty')
  // A UTF-16 unit is at most three bytes of UTF-8.
  const bytes = name.length * 3 > maxNameBytes ? Buffer.byteLength(name) : 0
  if (bytes > maxNameBytes) {
    trail.pop()
    reject(field, `a field name can have at most ${maxNameBytes} bytes of UTF-8`, `${bytes} bytes`)
  }
  if (!name.isWellFormed()) reject(field, 'a field name has a lone surrogate')
}

type MemberType = 'string' | 'number' | 'binary'

function copySet(value: ReadonlySet<unknown>, field: string): Set<unknown> {
  if (value.size === 0) reject(field, 'an empty Set cannot be stored: leave the field out')
  const set = new Set<unknown>()
  let binaries: Set<string> | undefined
  let type: MemberType | undefined
  for (const member of value) {
    const memberType = memberTypeOf(member, field)
    type ??= memberType
    if (memberType !== type)
      reject(field, 'the members of a Set must be of one type', `${type} and ${memberType}`)
    if (member instanceof Uint8Array) {
      const text = binaryText(member)
      binaries ??= new Set()
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

function memberTypeOf(member: unknown, field: string): MemberType {
  if (member instanceof Uint8Array) return 'binary'
  if (typeof member === 'bigint' || member instanceof Decimal) return 'number'
  if (typeof member === 'string' || typeof member === 'number') return typeof member as MemberType
  return reject(field, 'a Set can hold strings, numbers or Uint8Arrays', typeof member)
}

const binaryText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
