import type { Row, Scan, ScanPage } from '../storage.ts'
import { holds } from './evaluate.ts'
import { hashOf } from './hash.ts'
import { utf8Order } from './values.ts'

const pageRows = 1000
const hashes = 2 ** 32

/**
 * One page of a scan out of all rows in order of `pk` and then `sk` (UTF-8 bytes), from any place at or before its
 * start: for backends that walk over their rows. Rows of other segments are passed over.
 */
export const scanFrom = (scan: Scan, rows: Iterable<Row>, shown: (row: Row) => Row = same): ScanPage =>
  scanPage(scan, rowsOfSegment(scan, rows), shown)

/** The same out of the rows behind `after`, of the segment alone, in an order of the backend's own. */
export function scanPage({ limit, only }: Scan, rows: Iterable<Row>, shown: (row: Row) => Row): ScanPage {
  const most = Math.min(limit ?? pageRows, pageRows)
  const found: Row[] = []
  let scanned = 0
  let last: Row | undefined
  for (const row of rows) {
    if (scanned === most) return { rows: found.map(shown), scanned, next: { pk: last!.pk, sk: last!.sk } }
    scanned++
    last = row
    if (!only || holds(only, row)) found.push(row)
  }
  return { rows: found.map(shown), scanned }
}

const same = (row: Row): Row => row

function* rowsOfSegment({ segment = 0, segments = 1, after }: Scan, rows: Iterable<Row>): Iterable<Row> {
  const [low, high] = hashRange(segment, segments)
  const start = after && [utf8Order(after.pk), utf8Order(after.sk)]
  for (const row of rows) {
    if (start && isUpTo(row, start as [string, string])) continue
    const hash = segments === 1 ? low : hashOf(row.pk)
    if (hash >= low && hash < high) yield row
  }
}

function isUpTo(row: Row, [pk, sk]: [string, string]): boolean {
  const order = utf8Order(row.pk)
  return order < pk || (order === pk && utf8Order(row.sk) <= sk)
}

/** The hashes of the partition keys of a segment: from the first one up to the second, exclusive. */
export const hashRange = (segment: number, segments: number): [number, number] => [
  Math.ceil((segment * hashes) / segments),
  Math.ceil(((segment + 1) * hashes) / segments),
]
