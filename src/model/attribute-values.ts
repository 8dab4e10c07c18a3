import type { AtomicDbItemKey } from '../interface.ts'
import type { Row } from '../storage.ts'
import { Decimal, decodeExactly, decodeNumber, isShownExactly } from './numbers.ts'
import { setOwn } from './values.ts'
import { rememberExact } from './wire.ts'

interface Types {
  S: string
  N: string
  B: Uint8Array
  BOOL: boolean
  NULL: boolean
  L: AttributeValue[]
  M: Record<string, AttributeValue>
  SS: string[]
  NS: string[]
  BS: Uint8Array[]
}

/** A value in DynamoDB's form: an object whose one field names the type. Fits where the SDK wants its type of this name. */
export type AttributeValue = {
  [T in keyof Types]: { [F in keyof Types]?: F extends T ? Types[F] : never } & Pick<Types, T>
}[keyof Types]

/** The same as it is read, by whatever name its sender has for it. Bytes may still be base64, as on the wire. */
export type ReadValue = { [F in Exclude<keyof Types, 'L' | 'M' | 'B' | 'BS'>]?: Types[F] | undefined } & {
  B?: Uint8Array | string | undefined
  BS?: readonly (Uint8Array | string)[] | undefined
  L?: ReadValue[] | undefined
  M?: ReadRow | undefined
}
export type ReadRow = Record<string, ReadValue>

/**
 * Rows to and from DynamoDB's form, in one pass each. Not by the document client: that one costs a second resolution
 * of the SDK's middleware per call, takes an object for what its field `constructor` says, and lets a stored
 * `__proto__` replace a prototype. The engine has checked all values on the way in (`take`).
 */
export type WireRow = Record<string, AttributeValue>

export function encodeRow(row: object): WireRow {
  const wire: WireRow = {}
  for (const name in row) {
    const value = (row as Record<string, unknown>)[name]
    if (value === undefined) continue
    if (name === '__proto__') setOwn(wire, name, encode(value))
    else wire[name] = encode(value)
  }
  return wire
}

export const wireKey = ({ pk, sk }: AtomicDbItemKey): { pk: AttributeValue; sk: AttributeValue } => ({
  pk: { S: pk },
  sk: { S: sk },
})

export function encode(value: unknown): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value }
    case 'number':
    case 'bigint':
      return { N: String(value) }
    case 'boolean':
      return { BOOL: value }
  }
  if (value === null) return { NULL: true }
  if (Array.isArray(value)) return { L: value.map(encode) }
  if (value instanceof Uint8Array) return { B: wireBytes(value) }
  if (value instanceof Set) return encodeSet(value)
  if (value instanceof Decimal) return { N: value.text }
  if (typeof value === 'object') return { M: encodeRow(value) }
  throw new TypeError(`a ${typeof value} cannot be stored`)
}

function encodeSet(set: ReadonlySet<unknown>): AttributeValue {
  const members = [...set]
  if (typeof members[0] === 'string') return { SS: members as string[] }
  return members[0] instanceof Uint8Array
    ? { BS: (members as Uint8Array[]).map(wireBytes) }
    : { NS: members.map(String) }
}

/** The same bytes, which JSON shows as DynamoDB does: as base64. */
class WireBytes extends Uint8Array<ArrayBufferLike> {
  toJSON(): string {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString('base64')
  }
}

const wireBytes = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array =>
  new WireBytes(buffer, byteOffset, byteLength)

/** Bytes of their own: a small `Buffer` would be a part of one that many share. */
function readBytes(given: Uint8Array | string): Uint8Array {
  if (typeof given !== 'string') return given
  const bytes = new Uint8Array(Buffer.byteLength(given, 'base64'))
  Buffer.from(bytes.buffer).write(given, 'base64')
  return bytes
}

/** Whether something was decoded that JS cannot show, or that callers could not write. */
let isInexact = false

export function decodeRow(item: ReadRow | undefined): Row | undefined {
  if (item === undefined) return undefined
  isInexact = false
  const row = decodeMap(item, shownNumber) as Row
  return isInexact ? rememberExact(row, decodeMap(item, decodeExactly) as Row) : row
}

type DecodeNumber = (text: string) => unknown

function shownNumber(text: string): number | bigint {
  const shown = decodeNumber(text)
  if (!isInexact && !isShownExactly(shown, text)) isInexact = true
  return shown
}

function decodeMap(map: ReadRow, number: DecodeNumber): Record<string, unknown> {
  const decoded: Record<string, unknown> = {}
  for (const name in map) {
    const value = decode(map[name]!, number)
    if (name === '__proto__') {
      isInexact = true
      setOwn(decoded, name, value)
    } else decoded[name] = value
  }
  return decoded
}

function decode(value: ReadValue, number: DecodeNumber): unknown {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return number(value.N)
  if (value.M !== undefined) return decodeMap(value.M, number)
  if (value.L !== undefined) return value.L.map((element) => decode(element, number))
  if (value.BOOL !== undefined) return value.BOOL
  if (value.NULL !== undefined) return null
  if (value.SS !== undefined) return new Set(value.SS)
  if (value.NS !== undefined) return new Set(value.NS.map(number))
  if (value.BS !== undefined) return new Set(value.BS.map(readBytes))
  return value.B === undefined ? undefined : readBytes(value.B)
}
