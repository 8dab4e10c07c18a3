import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbPageQuery } from '../../interface.ts'
import { checkSk } from '../../model/keys.ts'

/**
 * A cursor: base64url of a byte for the format, a signature of everything that follows, a hash of the query, and the `sk`
 * of the last item. Signature and hash are checksums against accidents, or with a secret HMACs against edits too.
 * `pk` goes into the hash only.
 */
const signatureBytes = 16
const hashBytes = 6
const skStart = 1 + signatureBytes + hashBytes
const plainFormat = 1
const secretFormat = 2

export type CursorSecret = string | Uint8Array

export function checkSecret(secret: CursorSecret | undefined): void {
  if (secret === undefined) return
  const size = typeof secret === 'string' || secret instanceof Uint8Array ? secret.length : 0
  if (size < 16) throw new InvalidInput('cursorSecret', 'must be a text or a Uint8Array of 16 or more')
}

function digest(purpose: string, content: string | Uint8Array, secret: CursorSecret | undefined): Buffer {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  return hash.update(`lockrow cursor ${purpose}\0`).update(content).digest()
}

/** What must be the same from page to page. */
const identity = ({ pk, sk, from, to, exclude, reverse }: AtomicDbPageQuery): string =>
  JSON.stringify([pk, sk || null, from ?? null, to ?? null, exclude ?? null, reverse ?? false])

const hashOf = (query: AtomicDbPageQuery, secret: CursorSecret | undefined): Buffer =>
  digest('query', identity(query), secret).subarray(0, hashBytes)

const signatureOf = (format: number, content: Uint8Array, secret: CursorSecret | undefined): Buffer =>
  digest(`signature ${format}`, content, secret).subarray(0, signatureBytes)

export function toCursor(query: AtomicDbPageQuery, sk: string, secret: CursorSecret | undefined): string {
  const format = secret === undefined ? plainFormat : secretFormat
  const content = Buffer.concat([hashOf(query, secret), Buffer.from(sk)])
  return Buffer.concat([Buffer.of(format), signatureOf(format, content, secret), content]).toString(
    'base64url',
  )
}

/** The `sk` in a cursor. `InvalidInput` with the reason when it is not one of this query. */
export function fromCursor(
  query: AtomicDbPageQuery,
  cursor: unknown,
  secret: CursorSecret | undefined,
): string {
  if (typeof cursor !== 'string')
    throw new InvalidInput('cursor', 'must be the text that page returned', { given: typeof cursor })
  const bytes = Buffer.from(cursor, 'base64url')
  // Node's decoder skips what it does not know: only the text that it would write itself is whole.
  if (bytes.length <= skStart || bytes.toString('base64url') !== cursor)
    throw new InvalidInput('cursor', 'is damaged: pass it as page returned it')
  const [format] = bytes as unknown as [number]
  const content = bytes.subarray(1 + signatureBytes)
  if (format !== (secret === undefined ? plainFormat : secretFormat)) {
    const made = format === plainFormat ? 'without' : format === secretFormat ? 'with' : undefined
    throw new InvalidInput('cursor', made ? `was made ${made} a cursorSecret` : 'is damaged')
  }
  if (!timingSafeEqual(bytes.subarray(1, 1 + signatureBytes), signatureOf(format, content, secret)))
    throw new InvalidInput(
      'cursor',
      secret === undefined ? 'is damaged' : 'was changed, or made with another cursorSecret',
    )
  if (!timingSafeEqual(content.subarray(0, hashBytes), hashOf(query, secret)))
    throw new InvalidInput('cursor', 'belongs to another query: pk, sk, from, to, exclude or reverse differ')
  const sk = bytes.subarray(skStart).toString()
  checkSk(sk, 'cursor')
  return sk
}
