import { BackendError } from '../errors.ts'
import type { SqliteDatabase } from './driver.ts'

/** The layout that this version reads and writes. */
const format = 1

/** Names of tables: they become part of statements. */
export const tableNames = /^[A-Za-z_]\w{0,62}$/

/** How the file is written, see https://www.sqlite.org/pragma.html#pragma_synchronous. */
export type Synchronous = 'off' | 'normal' | 'full'

/** Locks are waited for by the caller, who lets the program go on meanwhile; opening alone waits in place. */
const openingMs = 5000

/** Settings of a connection of ours. */
export function configure(database: SqliteDatabase, synchronous: Synchronous): void {
  database.exec(`PRAGMA busy_timeout = ${openingMs}`)
  // First of all a read: it finds out whether the file is a database.
  database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()
  if (pragma(database, 'journal_mode') !== 'wal') unlessReadOnly(() => pragma(database, 'journal_mode = wal'))
  database.exec(`PRAGMA synchronous = ${synchronous}`)
}

/** After the opening. */
export const waitNoMore = (database: SqliteDatabase): void => {
  database.exec('PRAGMA busy_timeout = 0')
}

function unlessReadOnly(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!/read-?only/i.test((error as Error).message)) throw error
  }
}

const pragma = (database: SqliteDatabase, text: string): unknown =>
  Object.values((database.prepare(`PRAGMA ${text}`).get() ?? {}) as object)[0]

/** Makes the tables where there are none, and refuses those of another version. */
export function ensureTables(database: SqliteDatabase, table: string, where: string): void {
  const encoding = pragma(database, 'encoding')
  // Texts are compared by their bytes, which are in the order of their characters in UTF-8 alone.
  if (encoding !== 'UTF-8')
    throw new BackendError(`${where} keeps texts in ${encoding}: lockrow needs a database in UTF-8`)
  if (isThere(database, table, where)) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have been faster.
    if (!isThere(database, table, where)) create(database, table)
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw error
  }
}

export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself.
  }
}

function isThere(database: SqliteDatabase, table: string, where: string): boolean {
  const found = database
    .prepare(`SELECT name FROM sqlite_schema WHERE name COLLATE NOCASE IN (?, ?)`)
    .all(table, `${table}_meta`)
  if (found.length === 0) return false
  const meta = found.some(
    (row) => (row as { name: string }).name.toLowerCase() === `${table}_meta`.toLowerCase(),
  )
  const version =
    meta && (database.prepare(`SELECT * FROM "${table}_meta"`).get() as { format?: unknown })?.format
  if (version === format) return true
  throw new BackendError(
    typeof version === 'number'
      ? `'${table}' in ${where} has the format ${version}, this version of lockrow knows ${format}: use the version that wrote it, or copy its data`
      : `'${table}' in ${where} is a table of another program: choose a name by the option 'table'`,
  )
}

/**
 * Rows lie in the index of their key, so that a range is read in one go. Texts compare by their UTF-8 bytes. `ttl` is
 * for the sweep of what has expired; the truth is in `row`. Tokens are in the order of their time by their rowid.
 */
function create(database: SqliteDatabase, table: string): void {
  database.exec(`
    CREATE TABLE "${table}" (
      pk TEXT NOT NULL COLLATE BINARY, sk TEXT NOT NULL COLLATE BINARY, ttl INTEGER, row TEXT NOT NULL,
      PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX "${table}_ttl" ON "${table}" (ttl) WHERE ttl IS NOT NULL;
    CREATE TABLE "${table}_tokens" (token TEXT NOT NULL UNIQUE, outline TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE "${table}_meta" (format INTEGER NOT NULL);
    INSERT INTO "${table}_meta" VALUES (${format});
  `)
}
