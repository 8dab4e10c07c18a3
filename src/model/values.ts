import type { TypeName } from '../storage.ts'
import { compareNumbers, Decimal, decodeNumber, isNumeric } from './numbers.ts'

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

/** By their UTF-8 bytes. */
export function compareText(a: string, b: string): number {
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
