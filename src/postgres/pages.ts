import { scanPage } from '../model/scan-page.ts'
import type { Page, Range, ReadRequestOptions, Row, Scan, ScanPage } from '../storage.ts'
import { type Bound, boundsOf } from '../stores/range-bounds.ts'
import { rowFromJson } from '../stores/row-json.ts'
import { pageLength, pageOfStored, pageRows, rowsToAsk } from '../stores/stored-page.ts'
import type { Connection, Statement } from './connection.ts'
import type { StoredKey } from './entries.ts'
import type { Memo } from './memo.ts'
import { decodeKey, encodeKey, partitionOf, type TableNames } from './names.ts'

/** So few rows are asked for as they are; of more the server sends no longer page than is looked at. */
const fewRows = 24

interface PagedRow {
  pk: string
  sk: string
  long_pk: string | null
  ver: string
  row: string
}

/** Reads ranges and the whole table, page by page. */
export class Pages {
  readonly #connection: Connection
  readonly #memo: Memo
  readonly #rows: string

  constructor(connection: Connection, memo: Memo, { rows }: TableNames) {
    this.#connection = connection
    this.#memo = memo
    this.#rows = rows
  }

  async page(range: Range, options: ReadRequestOptions): Promise<Page> {
    const pk = partitionOf(range.pk)
    const { rows } = await this.#connection.run(this.#range(range, pk), options)
    const stored = (rows as PagedRow[]).map(({ sk, ver, row }) => {
      if (!range.count) this.#memo.set(keyIn(pk, sk), { ver, row })
      return { sk: decodeKey(sk), row }
    })
    return pageOfStored(range, stored)
  }

  async scan(scan: Scan, options: ReadRequestOptions): Promise<ScanPage> {
    const most = Math.min(scan.limit ?? pageRows, pageRows)
    const { rows } = await this.#connection.run(this.#all(scan, most + 1), options)
    const found: Row[] = []
    let limit = most
    let length = 0
    for (const { pk, sk, long_pk, row } of rows as PagedRow[]) {
      found.push(rowFromJson(decodeKey(long_pk ?? pk), decodeKey(sk), row))
      // One more, so that the page knows whether it is the last.
      if (found.length > limit) break
      length += row.length
      if (length >= pageLength) limit = Math.min(limit, found.length)
    }
    return scanPage({ ...scan, limit }, found, (row) => row)
  }

  #range(range: Range, pk: string): Statement {
    const { low, high } = boundsOf(range)
    const values: unknown[] = [pk]
    const side = (bound: Bound | undefined, sign: string): string =>
      bound ? ` AND sk ${sign}${bound.included ? '=' : ''} $${values.push(encodeKey(bound.sk))}` : ''
    const where = `pk = $1${side(low, '>')}${side(high, '<')}`
    const order = `sk ${range.reverse ? 'DESC' : 'ASC'}`
    return this.#limited('sk, ver, row', where, order, rowsToAsk(range), values)
  }

  #all({ segment = 0, segments = 1, after }: Scan, limit: number): Statement {
    const values: unknown[] = []
    const where: string[] = []
    if (after) {
      values.push(partitionOf(after.pk), encodeKey(after.sk))
      where.push('(pk, sk) > ($1, $2)')
    }
    if (segments > 1) {
      const at = values.push(segments, segment)
      where.push(`mod(hashtext(pk)::bigint + 2147483648, $${at - 1}::bigint) = $${at}::bigint`)
    }
    return this.#limited('pk, sk, long_pk, row', where.join(' AND ') || 'true', 'pk, sk', limit, values)
  }

  /** Up to `limit` rows: each whose predecessor does not fill the page. */
  #limited(columns: string, where: string, order: string, limit: number, values: unknown[]): Statement {
    const rows = `FROM ${this.#rows} WHERE ${where} ORDER BY ${order} LIMIT ${limit}`
    if (limit <= fewRows) return { text: `SELECT ${columns} ${rows}`, values }
    return {
      text: `SELECT ${columns} FROM (
  SELECT *, sum(size) OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING) AS before
  FROM (SELECT * ${rows}) AS asked
) AS summed WHERE before IS NULL OR before < ${pageLength} ORDER BY ${order}`,
      values,
    }
  }
}

const keyIn = (pk: string, sk: string): StoredKey => ({ pk, sk, id: `${pk}\0${sk}` })
