import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { Buffer } from './buffer.ts'

/** The part of `node:crypto` that the library uses, by sources that a browser has. */

type Bytes = string | Uint8Array

const bytesOf = (value: Bytes): Uint8Array => (typeof value === 'string' ? Buffer.from(value) : value)

interface Running {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

/** What `createHash` and `createHmac` return. */
class Digest {
  readonly #running: Running
  constructor(running: Running) {
    this.#running = running
  }
  update(value: Bytes): this {
    this.#running.update(bytesOf(value))
    return this
  }
  digest(): Buffer
  digest(encoding: string): string
  digest(encoding?: string): Buffer | string {
    const bytes = Buffer.from(this.#running.digest())
    return encoding === undefined ? bytes : bytes.toString(encoding as 'hex')
  }
}

function only(algorithm: string): void {
  if (algorithm !== 'sha256') throw new Error(`${algorithm} is not here: in a browser there is sha256 only`)
}

export function createHash(algorithm: string): Digest {
  only(algorithm)
  return new Digest(sha256.create())
}

export function createHmac(algorithm: string, secret: Bytes): Digest {
  only(algorithm)
  return new Digest(hmac.create(sha256, bytesOf(secret)))
}

/** As long for equal bytes as for others. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) throw new RangeError('Input buffers must have the same byte length')
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

export const randomBytes = (count: number): Buffer => crypto.getRandomValues(Buffer.alloc(count))

export const randomUUID = (): string => crypto.randomUUID()
