import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, ReadOptions } from '../interface.ts'
import type { Scan, ScanPage } from '../storage.ts'
import { checkDb, wholeNumber } from './checks.ts'
import { checkKey } from './keys.ts'
import { callOptions, optionsCheck } from './options-check.ts'

/** What `scanRows` is asked for. */
export interface ScanRowsOptions extends Scan, ReadOptions {}

const checkScanOptions = /* @__PURE__ */ optionsCheck<ScanRowsOptions>(() => [
  {
    ...callOptions,
    consistent: 'boolean',
    segment: true,
    segments: true,
    after: true,
    limit: true,
    only: true,
    paths: true,
  },
  {
    TotalSegments: "use 'segments'",
    Segment: "use 'segment'",
    ExclusiveStartKey: "use 'after': 'next' of the page before",
    cursor: "use 'after': 'next' of the page before",
    pk: 'a scan reads the whole table: one partition is what query is for',
    filter: "use 'only'",
  },
])

/** How a database scans its table. No method of the contract: a handler has no right to it. */
export const rowScan: unique symbol = Symbol.for('lockrow.rowScan') as never

/** A database that can. Wrappers pass it on; one that shows other rows than the table has leaves it out. */
export interface Scannable {
  [rowScan](options: ScanRowsOptions): Promise<ScanPage>
}

const maxSegments = 1_000_000

/**
 * One page of the whole table, as its rows are stored: items, locks, messages, what has expired, and rows of others.
 * For tools that migrate, copy or show a table. `next` is where the next page begins, also in another process: keep it as
 * JSON. One request; 1 RRU per 4 KB of everything looked at, half of that with `consistent: false`. The grant is
 * `{ methods: ['scan'] }`, and no other grant holds it.
 *
 * @throws InvalidInput the database cannot scan, or an argument is wrong
 *
 * @example
 * let after: ScanPage['next']
 * do {
 *   const { rows, next } = await scanRows(db, { after, limit: 250 })
 *   for (const row of rows) console.log(row.pk, row.sk)
 *   after = next
 * } while (after)
 */
export async function scanRows(db: AtomicDbInterface, options: ScanRowsOptions = {}): Promise<ScanPage> {
  checkDb(db)
  checkScanOptions(options)
  const { segment, segments, after, limit } = options
  if (segments !== undefined) wholeNumber(segments, 'options.segments', { min: 1, max: maxSegments })
  if (segment !== undefined) wholeNumber(segment, 'options.segment', { min: 0, max: (segments ?? 1) - 1 })
  if (limit !== undefined) wholeNumber(limit, 'options.limit', { min: 1 })
  if (after !== undefined) checkKey(after, 'options.after')
  const scan = (db as Partial<Scannable>)[rowScan]
  if (typeof scan !== 'function')
    throw new InvalidInput(
      'db',
      'cannot scan its table: give the database itself, or a wrapper that passes it on',
    )
  return scan.call(db, options)
}
