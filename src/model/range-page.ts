import type { Page, Range, Row } from '../storage.ts'
import { holds } from './evaluate.ts'
import { utf8Order } from './values.ts'

const pageRows = 1000

/**
 * One page of a range out of rows in the direction of reading, from any place at or before its start: for backends
 * that walk over their rows. Stops at the first row behind the range.
 */
export function pageFrom(range: Range, rows: Iterable<Row>, shown: (row: Row) => Row = same): Page {
  const limit = Math.min(range.limit ?? pageRows, pageRows)
  const placeOf = placesOf(range)
  const found: Row[] = []
  let read = 0
  let last: string | undefined
  for (const row of rows) {
    const place = placeOf(row.sk)
    if (place > 0) break
    if (place < 0) continue
    if (read++ === limit) return pageOf(range, found, shown, last)
    last = row.sk
    if (!range.only || holds(range.only, row)) found.push(row)
  }
  return pageOf(range, found, shown, undefined)
}

const same = (row: Row): Row => row

/** -1: before the range in the direction of reading, 0: inside, 1: behind it. */
function placesOf({ prefix, from, to, after, reverse = false }: Range): (sk: string) => -1 | 0 | 1 {
  const start = after === undefined ? undefined : utf8Order(after)
  const low = bound(prefix ?? from)
  const high = bound(to)
  const ahead = reverse ? 1 : -1
  return (sk) => {
    const order = utf8Order(sk)
    if (start !== undefined && (reverse ? order >= start : order <= start)) return -1
    if (prefix !== undefined && sk.startsWith(prefix)) return 0
    if (low !== undefined && order < low) return ahead
    if (prefix !== undefined || (high !== undefined && order > high)) return -ahead as -1 | 1
    return 0
  }
}

const bound = (sk: string | undefined): string | undefined => (sk === undefined ? undefined : utf8Order(sk))

function pageOf(
  { count }: Range,
  rows: readonly Row[],
  shown: (row: Row) => Row,
  next: string | undefined,
): Page {
  const page: Page = count ? { rows: [], count: rows.length } : { rows: rows.map(shown) }
  return next === undefined ? page : { ...page, next }
}
