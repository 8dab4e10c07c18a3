import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { decodeNumber } from '../engine/numbers.ts'
import type { Row } from '../storage.ts'

/** The document client's settings: numbers beyond 2^53 become bigints, and nothing is changed on the way in. */
export const translation = { unmarshallOptions: { wrapNumbers: decodeNumber } }

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
