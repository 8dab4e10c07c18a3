import type { Row } from '../storage.ts'
import { decodeRow, type ReadRow, type ReadValue } from './attribute-values.ts'
import { setOwn } from './values.ts'

/**
 * A value in the form in which Lambda hands it over: DynamoDB's own as JSON, so bytes are Base64. What the SDK reads from
 * a stream, with bytes as they are, fits as well.
 */
export interface EventValue {
  S?: string | undefined
  N?: string | undefined
  B?: string | Uint8Array | undefined
  BOOL?: boolean | undefined
  NULL?: boolean | undefined
  SS?: string[] | undefined
  NS?: string[] | undefined
  BS?: (string | Uint8Array)[] | undefined
  L?: EventValue[] | undefined
  M?: EventImage | undefined
}

/** A row in that form, by the names of its attributes. */
export interface EventImage {
  [name: string]: EventValue
}

/** The row of an image: numbers to the last digit, sets and bytes as everywhere. */
export const rowOfImage = (image: EventImage | undefined): Row | undefined =>
  decodeRow(image && withBytes(image))

function withBytes(image: EventImage): ReadRow {
  const row: ReadRow = {}
  for (const name in image) {
    const value = valueWithBytes(image[name]!)
    if (name === '__proto__') setOwn(row, name, value)
    else row[name] = value
  }
  return row
}

function valueWithBytes(value: EventValue): ReadValue {
  const { B, BS, L, M, ...others } = value
  if (B !== undefined) return { B: bytesOf(B) }
  if (BS !== undefined) return { BS: BS.map(bytesOf) }
  if (L !== undefined) return { L: L.map(valueWithBytes) }
  return M === undefined ? others : { M: withBytes(M) }
}

/** A copy, so that nothing else of a pooled buffer is shared. */
const bytesOf = (given: string | Uint8Array): Uint8Array =>
  Uint8Array.from(typeof given === 'string' ? Buffer.from(given, 'base64') : given)
