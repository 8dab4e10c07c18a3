import { InvalidInput } from '../errors.ts'
import type { AtomicDbQuery, AtomicDbRange } from '../interface.ts'
import type { Range } from '../storage.ts'
import { wholeNumber } from './checks.ts'
import { toPaths } from './fields.ts'
import { checkPk, checkSk } from './keys.ts'
import { lastWithPrefix, nextText, previousText } from './text-bounds.ts'
import { utf8Order } from './values.ts'

/** From the public query to a range of sort keys: one prefix, or one pair of bounds, both included. */

interface Bounds {
  low: string | undefined
  high: string | undefined
}

const isBehind = (a: string, b: string): boolean => utf8Order(a) > utf8Order(b)

/** The range of a query; `undefined` where no row can lie in it. Throws `InvalidInput`. */
export function toRange(query: AtomicDbQuery, field = 'query'): Range | undefined {
  if (typeof query !== 'object' || query === null) throw new InvalidInput(field, 'must be an object with pk')
  checkPk(query.pk)
  if (query.limit !== undefined) wholeNumber(query.limit, 'limit', { min: 1 })
  const prefix = query.sk === undefined || query.sk === '' ? undefined : query.sk
  if (prefix !== undefined) checkSk(prefix)
  const bounds = boundsOf(query, prefix)
  checkAfter(query, prefix)
  if (!bounds) return undefined
  const range: Range = { pk: query.pk, reverse: query.reverse ?? false }
  if (prefix !== undefined && bounds.low === undefined) range.prefix = prefix
  if (bounds.low !== undefined) range.from = bounds.low
  if (bounds.high !== undefined) range.to = bounds.high
  if (query.fields !== undefined) range.paths = toPaths(query.fields)
  return goingOn(range, query.after)
}

/** The bounds given, narrowed to the prefix; none where the prefix says it all, `undefined` for an empty range. */
function boundsOf({ from, to, exclude }: AtomicDbRange, prefix: string | undefined): Bounds | undefined {
  if (from !== undefined) checkSk(from, 'from')
  if (to !== undefined) checkSk(to, 'to')
  checkExclude(exclude, from, to)
  if (from !== undefined && to !== undefined && isBehind(from, to))
    throw new InvalidInput('from', "lies behind 'to': 'from' is the lower bound, also with reverse")
  if (from === undefined && to === undefined) return { low: undefined, high: undefined }
  let low = from !== undefined && exclude !== 'to' && exclude ? nextText(from) : from
  let high = to !== undefined && exclude !== 'from' && exclude ? previousText(to) : to
  if ((from !== undefined && low === undefined) || (to !== undefined && high === undefined)) return undefined
  if (prefix !== undefined) {
    const last = lastWithPrefix(prefix)
    if (from !== undefined && isBehind(from, last))
      throw new InvalidInput('from', 'lies behind every key with the prefix in sk')
    if (to !== undefined && isBehind(prefix, to))
      throw new InvalidInput('to', 'lies before every key with the prefix in sk')
    if (low === undefined || isBehind(prefix, low)) low = prefix
    if (high === undefined || isBehind(high, last)) high = last
    if (low === prefix && high === last) return { low: undefined, high: undefined }
  }
  if (low !== undefined && high !== undefined && isBehind(low, high)) return undefined
  return { low, high }
}

function checkExclude(exclude: unknown, from: string | undefined, to: string | undefined): void {
  if (exclude === undefined) return
  if (exclude !== 'from' && exclude !== 'to' && exclude !== 'both')
    throw new InvalidInput('exclude', "must be 'from', 'to' or 'both'", { given: String(exclude) })
  if ((exclude !== 'to' && from === undefined) || (exclude !== 'from' && to === undefined))
    throw new InvalidInput('exclude', 'names a bound that is not given', { given: exclude })
}

function checkAfter({ after, from, to }: AtomicDbQuery, prefix: string | undefined): void {
  if (after === undefined) return
  checkSk(after, 'after')
  if (!after.startsWith(prefix ?? '')) throw new InvalidInput('after', 'must begin with the prefix in sk')
  if ((from !== undefined && isBehind(from, after)) || (to !== undefined && isBehind(after, to)))
    throw new InvalidInput('after', "must lie between 'from' and 'to'")
}

/** The part of the range behind `after`. DynamoDB takes a start within the bounds only. */
function goingOn(range: Range, after: string | undefined): Range | undefined {
  if (after === undefined) return range
  const [first, last] = range.reverse ? [range.to, range.from] : [range.from, range.to]
  const isPast = (a: string, b: string) => (range.reverse ? !isBehind(a, b) : !isBehind(b, a))
  if (last !== undefined && isPast(after, last)) return undefined
  if (first !== undefined && after !== first && isPast(first, after)) return range
  return { ...range, after }
}
