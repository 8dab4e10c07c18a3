/** Values of items as JSON and back. */

/** A key that is a tag, or that would be taken for one. */
const tag = /^\$+(bigint|bytes|set)$/
/** DEL, C1 controls, bidi marks and line separators: JSON lets them stand, a terminal obeys them. */
const unsafeInJson = /[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu

export const hex = (character: string, digits: number): string =>
  character.codePointAt(0)!.toString(16).padStart(digits, '0')

/** The one key of an object that `tag` matches. */
function tagOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const [key, ...others] = Object.keys(value)
  return key !== undefined && others.length === 0 && tag.test(key) ? key : undefined
}

/**
 * JSON, on one line unless `indent` is given. What JSON lacks is tagged: {"$bigint":"1"}, {"$bytes":"base64"},
 * {"$set":[]}. An object that looks like a tag gets one more dollar sign: {"$$set":1}.
 */
export function toJson(value: unknown, indent?: number): string {
  const tagged = function (this: Record<string, unknown>, key: string) {
    // Not the second argument: toJSON of a Buffer was called on that.
    const one = this[key]
    if (typeof one === 'bigint') return { $bigint: String(one) }
    if (one instanceof Uint8Array) return { $bytes: Buffer.from(one).toString('base64') }
    if (one instanceof Set) return { $set: [...one] }
    const looksTagged = tagOf(one)
    return looksTagged === undefined ? one : { [`$${looksTagged}`]: (one as never)[looksTagged] }
  }
  return JSON.stringify(value ?? null, tagged, indent).replace(unsafeInJson, (one) => `\\u${hex(one, 4)}`)
}

/** A tag around something that it cannot hold. */
export class WrongTag extends Error {}

/**
 * The value that `toJson` wrote.
 * @throws SyntaxError when it is not JSON, WrongTag
 */
export const fromJson = (text: string): unknown => JSON.parse(text, (_, value) => untagged(value))

function untagged(value: unknown): unknown {
  const key = tagOf(value)
  if (key === undefined) return value
  const inside = (value as Record<string, unknown>)[key]
  switch (key) {
    case '$bigint':
      if (typeof inside !== 'string' || !/^-?\d+$/.test(inside))
        throw new WrongTag('{"$bigint"} needs a whole number as a text: {"$bigint":"1"}')
      return BigInt(inside)
    case '$bytes': {
      const bytes = Buffer.from(String(inside), 'base64')
      if (typeof inside !== 'string' || bytes.toString('base64') !== inside)
        throw new WrongTag('{"$bytes"} needs base64 with its padding: {"$bytes":"AQI="}')
      return Uint8Array.from(bytes)
    }
    case '$set':
      if (!Array.isArray(inside)) throw new WrongTag('{"$set"} needs a list: {"$set":["a","b"]}')
      return new Set(inside)
    default:
      return { [key.slice(1)]: inside }
  }
}
