import { checkOutline, outlineOf, tokenLifeMs } from '../model/token-memory.ts'
import type { RowOperation } from '../storage.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'

/** How many of the oldest tokens a sweep looks at. */
const sweptAtOnce = 64

/** The tokens of transactions, committed together with what they wrote. */
export class TokenRows {
  readonly #find: SqliteStatement
  readonly #add: SqliteStatement
  readonly #sweep: SqliteStatement

  constructor(database: SqliteDatabase, table: string) {
    const tokens = `"${table}_tokens"`
    this.#find = database.prepare(`SELECT outline, at FROM ${tokens} WHERE token = ?`)
    this.#add = database.prepare(
      `INSERT INTO ${tokens} (token, outline, at) VALUES (?, ?, ?)
       ON CONFLICT (token) DO UPDATE SET outline = excluded.outline, at = excluded.at`,
    )
    this.#sweep = database.prepare(
      `DELETE FROM ${tokens} WHERE at < ? AND rowid IN (SELECT rowid FROM ${tokens} ORDER BY rowid LIMIT ${sweptAtOnce})`,
    )
  }

  /** Whether these operations were applied with this token. Throws `mismatch` where others were. */
  wasApplied(token: string, operations: readonly RowOperation[], now: number): boolean {
    const found = this.#find.get(token) as { outline: string; at: number } | undefined
    if (!found || now - found.at >= tokenLifeMs) return false
    checkOutline(found.outline, operations)
    return true
  }

  remember(token: string, operations: readonly RowOperation[], now: number): void {
    this.#add.run(token, outlineOf(operations), Math.floor(now))
  }

  /** Drops some of those that are too old. */
  sweep(now: number): void {
    this.#sweep.run(Math.floor(now) - tokenLifeMs)
  }
}
