import type { AtomicDbInterface, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { scanRows } from '../model/scan-rows.ts'
import type { Row } from '../storage.ts'
import { justBefore } from './just-before.ts'

/**
 * One row as it is stored, whatever it holds: a lock, which no method of the contract shows without making it. A scan goes through a partition in the order of `sk`, so its next row behind the place just before the
 * key is the row, or there is none. 0.5 RRU per 4 KB.
 */
export async function readRawRow(
  db: AtomicDbInterface,
  { pk, sk }: AtomicDbItemKey,
  options: CallOptions,
): Promise<Row | undefined> {
  const before = justBefore(sk)
  if (before === undefined) return undefined
  const { rows } = await scanRows(db, { ...options, after: { pk, sk: before }, limit: 1, consistent: false })
  return rows.find((row) => row.pk === pk && row.sk === sk)
}
