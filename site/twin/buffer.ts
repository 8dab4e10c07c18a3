import { Buffer } from 'buffer/index.js'

/** Node's `Buffer` as npm's `buffer` has it, with the encoding that is missing there. */

const { from } = Buffer
const encode = Buffer.prototype.toString

const urlSafe = (base64: string): string =>
  base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

const known = (encoding: unknown) => (encoding === 'base64url' ? 'base64' : encoding)

// Its decoder of base64 takes both alphabets.
Buffer.from = ((...[value, encoding, length]: [never, never, never]) =>
  from(value, known(encoding) as never, length)) as typeof from

Buffer.prototype.toString = function (encoding?: string, start?: number, end?: number): string {
  return encoding === 'base64url'
    ? urlSafe(encode.call(this, 'base64', start, end))
    : encode.call(this, encoding as 'utf8', start, end)
}

export { Buffer }
