import { holds } from '../model/evaluate.ts'
import type { Page, Range, Row } from '../storage.ts'
import { rowFromJson } from './row-json.ts'

/** A row as a store gives it: its sort key, and its attributes as `rowToJson` wrote them. */
export interface StoredRow {
  sk: string
  row: string
}

/** Rows that one page looks at where the range sets no limit. */
export const pageRows = 1000
/** A page ends behind the row that makes it this long, as DynamoDB's do: memory stays bounded. UTF-16 units. */
export const pageLength = 1024 * 1024

/** How many rows to ask a store for: one more than the page, for what comes after. */
export const rowsToAsk = ({ limit = pageRows }: Range): number => Math.min(limit, pageRows) + 1

/** One page out of the rows of a range, which the store gives within its bounds and in the direction of reading. */
export function pageOfStored(range: Range, stored: Iterable<StoredRow>): Page {
  const limit = rowsToAsk(range) - 1
  const rows: Row[] = []
  let count = 0
  let read = 0
  let length = 0
  let last: string | undefined
  for (const { sk, row: text } of stored) {
    if (read === limit || length >= pageLength) return pageWith(range, rows, count, last)
    read++
    length += text.length
    last = sk
    if (range.count && !range.only) {
      count++
      continue
    }
    const row = rowFromJson(range.pk, sk, text)
    if (range.only && !holds(range.only, row)) continue
    count++
    if (!range.count) rows.push(row)
  }
  return pageWith(range, rows, count, undefined)
}

function pageWith(range: Range, rows: Row[], count: number, next: string | undefined): Page {
  const page: Page = range.count ? { rows: [], count } : { rows }
  return next === undefined ? page : { ...page, next }
}
