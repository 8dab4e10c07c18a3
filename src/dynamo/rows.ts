import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { decodeNumber } from '../engine/numbers.ts'
import type { Row } from '../storage.ts'

/** The document client's settings: numbers beyond 2^53 become bigints, and nothing is changed on the way in. */
export const translation = { unmarshallOptions: { wrapNumbers: decodeNumber } }

/**
 * The document client takes an object for what its `constructor` says, also when that is a field of the data. As a
 * Map it has no fields. Other values are passed as they are.
 */
export function forClient<T>(value: T): T {
  return hides(value) ? (convert(value) as T) : value
}

function hides(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Set)
    return false
  if (Array.isArray(value)) return value.some(hides)
  for (const name in value)
    if (name === 'constructor' || hides((value as Record<string, unknown>)[name])) return true
  return false
}

function convert(value: unknown): unknown {
  if (!hides(value)) return value
  if (Array.isArray(value)) return value.map(convert)
  const entries = Object.entries(value as object).map(([name, inner]) => [name, convert(inner)] as const)
  return Object.hasOwn(value as object, 'constructor') ? new Map(entries) : Object.fromEntries(entries)
}

/** The rows in errors, which the document client leaves in DynamoDB's own form. */
export function decodeRow(item: Record<string, AttributeValue> | undefined): Row | undefined {
  return item === undefined ? undefined : (decodeMap(item) as Row)
}

function decodeMap(map: Record<string, AttributeValue>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, decode(value)]))
}

function decode(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return decodeNumber(value.N)
  if (value.M !== undefined) return decodeMap(value.M)
  if (value.L !== undefined) return value.L.map(decode)
  if (value.BOOL !== undefined) return value.BOOL
  if (value.NULL !== undefined) return null
  if (value.SS !== undefined) return new Set(value.SS)
  if (value.NS !== undefined) return new Set(value.NS.map(decodeNumber))
  return value.BS === undefined ? value.B : new Set(value.BS)
}
