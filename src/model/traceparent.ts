import { InvalidInput } from '../errors.ts'

/**
 * The trace that a message belongs to, as W3C Trace Context writes it: version, trace, span and flags in hexadecimal
 * digits. Stored as its 26 bytes instead of 55 characters.
 */
const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

const packedBytes = 26

/** What a message grows by: its name and bytes. It is not counted against the room that a caller has. */
export const traceparentBytes = 1 + packedBytes

export function packTraceparent(text: unknown, field: string): Uint8Array {
  if (typeof text === 'string' && form.test(text))
    return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'))
  throw new InvalidInput(field, "must be a traceparent of W3C Trace Context: '00-<trace>-<span>-01'", {
    given: typeof text === 'string' ? `${text.length} characters` : typeof text,
  })
}

/** Undefined where it is none, as another program may have written it. */
export function unpackTraceparent(packed: unknown): string | undefined {
  if (!(packed instanceof Uint8Array) || packed.length !== packedBytes) return undefined
  const digits = Buffer.from(packed.buffer, packed.byteOffset, packed.length).toString('hex')
  const text = [digits.slice(0, 2), digits.slice(2, 34), digits.slice(34, 50), digits.slice(50)].join('-')
  return form.test(text) ? text : undefined
}
