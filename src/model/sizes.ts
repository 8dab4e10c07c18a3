import type { Row } from '../storage.ts'
import { compareNumbers, Decimal, digitPairs, isNumeric, type Numeric } from './numbers.ts'

/** What DynamoDB counts for values and rows, and its limits. */

/** DynamoDB's limit of a row, attribute names and UTF-8 bytes included. */
export const maxItemBytes = 400 * 1024

/** Lists and maps within one another in `data`. DynamoDB's 32 levels count the row itself. */
export const maxDepth = 31

/** Bytes that DynamoDB counts for a value. */
export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
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
    for (const name in value)
      bytes += 1 + Buffer.byteLength(name) + valueBytes((value as Record<string, unknown>)[name])
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
  for (const name in row)
    if (row[name] !== undefined) bytes += Buffer.byteLength(name) + valueBytes(row[name])
  return bytes
}

/** An upper bound of `valueBytes` that is much cheaper: most rows need no more. */
export function upperBound(value: unknown): number {
  if (typeof value === 'string') return value.length * 3
  if (typeof value !== 'object' || value === null) return 21
  if (value instanceof Uint8Array) return value.byteLength
  let bytes = 3
  if (value instanceof Set) for (const member of value) bytes += upperBound(member)
  else if (Array.isArray(value)) for (const element of value) bytes += 1 + upperBound(element)
  else
    for (const name in value)
      bytes += 1 + name.length * 3 + upperBound((value as Record<string, unknown>)[name])
  return bytes
}

export function fitsOneRow(row: Row, limit = maxItemBytes): boolean {
  // Room for the engine's own attributes in the bound.
  return upperBound(row) < limit - 1024 || rowBytes(row) <= limit
}
