import { utf8Order } from '../model/values.ts'
import type { Range } from '../storage.ts'

/** One end of a range of sort keys. */
export interface Bound {
  sk: string
  /** Whether the key itself counts. */
  included: boolean
}

/** Both ends, by the UTF-8 bytes of `sk`; an absent one is open. */
export interface Bounds {
  low?: Bound
  high?: Bound
}

/** Where a range begins and ends in an index: for stores that seek. `after` is one of its ends. */
export function boundsOf({ prefix, from, to, after, reverse = false }: Range): Bounds {
  const bounds: Bounds = {}
  const first = prefix ?? from
  if (first !== undefined) bounds.low = { sk: first, included: true }
  if (to !== undefined) bounds.high = { sk: to, included: true }
  const behind = prefix === undefined ? undefined : behindPrefix(prefix)
  if (behind !== undefined) bounds.high = { sk: behind, included: false }
  if (after === undefined) return bounds
  const start = { sk: after, included: false }
  if (reverse) bounds.high = !bounds.high || isBefore(start, bounds.high) ? start : bounds.high
  else bounds.low = !bounds.low || isBefore(bounds.low, start) ? start : bounds.low
  return bounds
}

/** At the same key the end that does not count it is the narrower one; so `after` wins. */
const isBefore = (a: Bound, b: Bound): boolean => utf8Order(a.sk) <= utf8Order(b.sk)

/** The first text behind all that begin with `prefix`; `undefined` if there is none. */
export function behindPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!)
  while (points.length > 0) {
    const point = points.pop()!
    // Surrogates are no characters.
    if (point < 0x10ffff) return String.fromCodePoint(...points, point === 0xd7ff ? 0xe000 : point + 1)
  }
  return undefined
}
