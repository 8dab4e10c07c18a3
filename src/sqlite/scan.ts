import { hashOf } from '../model/hash.ts'
import { hashRange, scanPage } from '../model/scan-page.ts'
import type { Row, Scan, ScanPage } from '../storage.ts'
import { rowFromJson } from '../stores/row-json.ts'
import { pageLength, pageRows } from '../stores/stored-page.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'

interface ScannedRow {
  pk: string
  sk: string
  row: string
}

/** Reads the whole table, page by page, in the order of the keys. */
export class Scans {
  readonly #after: SqliteStatement
  readonly #partition: SqliteStatement
  readonly #nextPartition: SqliteStatement

  constructor(database: SqliteDatabase, table: string) {
    const from = `FROM "${table}"`
    this.#after = database.prepare(`SELECT pk, sk, row ${from} WHERE (pk, sk) > (?, ?) ORDER BY pk, sk`)
    this.#partition = database.prepare(`SELECT pk, sk, row ${from} WHERE pk = ? AND sk > ? ORDER BY sk`)
    this.#nextPartition = database.prepare(`SELECT pk ${from} WHERE pk > ? ORDER BY pk LIMIT 1`)
  }

  page(scan: Scan): ScanPage {
    const most = Math.min(scan.limit ?? pageRows, pageRows)
    const rows: Row[] = []
    let length = 0
    let limit = most
    for (const { pk, sk, row } of this.#rows(scan)) {
      rows.push(rowFromJson(pk, sk, row))
      // One more, so that the page knows whether it is the last.
      if (rows.length > limit) break
      length += row.length
      if (length >= pageLength) limit = Math.min(limit, rows.length)
    }
    return scanPage({ ...scan, limit }, rows, (row) => row)
  }

  *#rows({ segment = 0, segments = 1, after = { pk: '', sk: '' } }: Scan): Iterable<ScannedRow> {
    if (segments === 1) return yield* this.#after.iterate(after.pk, after.sk) as Iterable<ScannedRow>
    const [low, high] = hashRange(segment, segments)
    let { pk, sk }: { pk: string | undefined; sk: string } = after
    // Partitions of other segments are passed over by a look at their key.
    for (; pk !== undefined; pk = this.#partitionAfter(pk), sk = '') {
      const hash = hashOf(pk)
      if (hash >= low && hash < high) yield* this.#partition.iterate(pk, sk) as Iterable<ScannedRow>
    }
  }

  #partitionAfter(pk: string): string | undefined {
    return (this.#nextPartition.get(pk) as { pk: string } | undefined)?.pk
  }
}
