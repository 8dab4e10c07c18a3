import { scanPage } from '../model/scan-page.ts'
import type { Page, Range, ReadRequestOptions, Row, Scan, ScanPage } from '../storage.ts'
import { type Bound, boundsOf } from '../stores/range-bounds.ts'
import { rowFromJson } from '../stores/row-json.ts'
import { pageLength, pageOfStored, pageRows, rowsToAsk, type StoredRow } from '../stores/stored-page.ts'
import type { Connection } from './connection.ts'
import { pageScript, scanScript } from './scripts.ts'

/** Reads ranges and the whole database, page by page. */
export class Pages {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async page(range: Range, options: ReadRequestOptions): Promise<Page> {
    const { low, high } = boundsOf(range)
    const first = bound(low, '-')
    const last = bound(high, '+')
    const ends = range.reverse ? ['ZREVRANGEBYLEX', last, first] : ['ZRANGEBYLEX', first, last]
    const most = rowsToAsk(range) - 1
    const values = [range.pk, ...ends, String(most), String(pageLength)]
    const [more, ...found] = (await this.#connection.read(pageScript, values, options)) as string[]
    const rows: StoredRow[] = []
    for (let i = 0; i < found.length; i += 2) rows.push({ sk: found[i]!, row: found[i + 1]! })
    if (!Number(more)) return pageOfStored({ ...range, limit: most }, rows)
    // The server has ended the page: there is another row, whatever it is.
    return pageOfStored({ ...range, limit: rows.length }, [...rows, { sk: '', row: '{}' }])
  }

  async scan(scan: Scan, options: ReadRequestOptions): Promise<ScanPage> {
    const { segment = 0, segments = 1, after } = scan
    const most = Math.min(scan.limit ?? pageRows, pageRows)
    const start = after ? ['1', after.pk, after.sk] : ['0', '', '']
    const values = [...start, ...[segment, segments, most, pageLength].map(String)]
    const [more, ...found] = (await this.#connection.read(scanScript, values, options)) as string[]
    const rows: Row[] = []
    for (let i = 0; i < found.length; i += 3) rows.push(rowFromJson(found[i]!, found[i + 1]!, found[i + 2]!))
    if (!Number(more)) return scanPage({ ...scan, limit: most }, rows, same)
    return scanPage({ ...scan, limit: rows.length }, [...rows, { pk: '', sk: '' }], same)
  }
}

const same = (row: Row): Row => row

const bound = (end: Bound | undefined, open: string): string =>
  end ? `${end.included ? '[' : '('}${end.sk}` : open
