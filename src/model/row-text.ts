import type { Row } from '../storage.ts'
import { decodeRow, encodeRow, type ReadRow } from './attribute-values.ts'

/**
 * Rows as JSON text, for stores that keep text: each value in DynamoDB's form (`{"S":"a"}`, `{"N":"1"}`), binaries in
 * base64. Nothing is lost: 38-digit numbers, sets, binaries and bigints come back as they were.
 */

interface Bytes {
  toString(encoding: 'base64'): string
}

/** A row as text. `ttl` and the key are part of it. */
export const rowToText = (row: Row): string => JSON.stringify(encodeRow(row), bytesToText)

function bytesToText(this: Record<string, unknown>, name: string, value: unknown): unknown {
  if (name === 'B') return base64(this[name])
  return name === 'BS' && Array.isArray(value) ? (this[name] as unknown[]).map(base64) : value
}

// An attribute may have the name B: its value is an object with a type.
const base64 = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? (Buffer.from(value.buffer, value.byteOffset, value.byteLength) as Bytes).toString('base64')
    : value

/** The row that `rowToText` wrote. */
export const rowFromText = (text: string): Row => decodeRow(JSON.parse(text, textToBytes) as ReadRow) as Row

function textToBytes(name: string, value: unknown): unknown {
  if (name === 'B' && typeof value === 'string') return new Uint8Array(Buffer.from(value, 'base64'))
  if (name === 'BS' && isTexts(value)) return value.map((one) => new Uint8Array(Buffer.from(one, 'base64')))
  return value
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
