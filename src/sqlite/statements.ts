import type { AtomicDbItemKey } from '../contract/items.ts'
import { isNumeric } from '../model/numbers.ts'
import type { Range, Row, RowWrite } from '../storage.ts'
import { type Bounds, boundsOf } from '../stores/range-bounds.ts'
import { rowFromJson, rowToJson } from '../stores/row-json.ts'
import { rowsToAsk, type StoredRow } from '../stores/stored-page.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'

/** Ranges up to this many rows are fetched in one go; of others a page may need only the first few. */
const fetchedAtOnce = 64

/** The statements on the rows of one table, each prepared when it is first needed. */
export class RowStatements {
  readonly #database: SqliteDatabase
  readonly #table: string
  readonly #prepared = new Map<string, SqliteStatement>()
  readonly #get: (pk: string, sk: string) => string | undefined
  readonly #put: SqliteStatement
  readonly #delete: SqliteStatement

  constructor(database: SqliteDatabase, table: string) {
    this.#database = database
    this.#table = `"${table}"`
    this.#get = oneColumn(database.prepare(`SELECT row FROM ${this.#table} WHERE pk = ? AND sk = ?`))
    this.#put = database.prepare(
      `INSERT INTO ${this.#table} (pk, sk, ttl, row) VALUES (?, ?, ?, ?)
       ON CONFLICT (pk, sk) DO UPDATE SET ttl = excluded.ttl, row = excluded.row`,
    )
    this.#delete = database.prepare(`DELETE FROM ${this.#table} WHERE pk = ? AND sk = ?`)
  }

  get({ pk, sk }: AtomicDbItemKey): Row | undefined {
    const found = this.#get(pk, sk)
    return found === undefined ? undefined : rowFromJson(pk, sk, found)
  }

  /** The text that was written, if one was. */
  write(write: RowWrite): string | undefined {
    if ('delete' in write) {
      this.#delete.run(write.delete.pk, write.delete.sk)
      return undefined
    }
    const text = rowToJson(write.put)
    this.#put.run(write.put.pk, write.put.sk, expiryOf(write.put), text)
    return text
  }

  /** The rows of a range in the direction of reading, at least as many as its page looks at. */
  rangeOf(range: Range): Iterable<StoredRow> {
    const bounds = boundsOf(range)
    const most = rowsToAsk(range)
    const values: (string | number)[] = [range.pk]
    if (bounds.low) values.push(bounds.low.sk)
    if (bounds.high) values.push(bounds.high.sk)
    values.push(most)
    const statement = this.#range(bounds, range.reverse ?? false)
    return (
      most <= fetchedAtOnce ? statement.all(...values) : statement.iterate(...values)
    ) as Iterable<StoredRow>
  }

  /** Frees some rows that expired before a time, epoch seconds. */
  sweep(before: number, most: number): void {
    this.#prepare(
      `DELETE FROM ${this.#table} WHERE (pk, sk) IN
       (SELECT pk, sk FROM ${this.#table} WHERE ttl <= ? ORDER BY ttl LIMIT ?)`,
    ).run(before, most)
  }

  #range({ low, high }: Bounds, reverse: boolean): SqliteStatement {
    const from = low ? ` AND sk ${low.included ? '>=' : '>'} ?` : ''
    const to = high ? ` AND sk ${high.included ? '<=' : '<'} ?` : ''
    return this.#prepare(
      `SELECT sk, row FROM ${this.#table} WHERE pk = ?${from}${to} ORDER BY sk ${reverse ? 'DESC' : 'ASC'} LIMIT ?`,
    )
  }

  #prepare(sql: string): SqliteStatement {
    const known = this.#prepared.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }
}

/** The column `row` of the one row that is found. */
function oneColumn(statement: SqliteStatement): (pk: string, sk: string) => string | undefined {
  if (!statement.pluck) return (pk, sk) => (statement.get(pk, sk) as { row: string } | undefined)?.row
  statement.pluck()
  return (pk, sk) => statement.get(pk, sk) as string | undefined
}

/** When the sweep may look at a row, epoch seconds; nothing where it never expires. */
function expiryOf({ ttl }: Row): number | null {
  if (!isNumeric(ttl)) return null
  const seconds = Math.ceil(Number(ttl))
  return Number.isSafeInteger(seconds) ? seconds : null
}
