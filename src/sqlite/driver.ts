import { BackendError } from '../errors.ts'

/** What a statement can do, in better-sqlite3 and in `node:sqlite` alike. */
export interface SqliteStatement {
  get(...values: (string | number | null)[]): unknown
  all(...values: (string | number | null)[]): unknown[]
  iterate(...values: (string | number | null)[]): Iterable<unknown>
  run(...values: (string | number | null)[]): unknown
  /** Of better-sqlite3: the first column alone in place of a row, which saves an object. */
  pluck?(): unknown
}

/** A connection of better-sqlite3 (`new Database(path)`) or of `node:sqlite` (`new DatabaseSync(path)`). */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
}

/** `Database` of better-sqlite3, or `DatabaseSync` of `node:sqlite`. */
export type SqliteDriver = new (path: string) => SqliteDatabase

/** As a variable, so that no bundler looks for what may not be installed. */
const betterSqlite3 = 'better-sqlite3'

/** Opens a file with the first driver that works here: the one given, better-sqlite3, `node:sqlite`. */
export async function openDatabase(
  path: string,
  driver: SqliteDriver | undefined,
  builtin = builtinDriver,
  load: () => Promise<{ default: SqliteDriver }> = () => import(betterSqlite3),
): Promise<SqliteDatabase> {
  if (driver) return new driver(path)
  let missing: unknown
  try {
    const { default: Database } = await load()
    return new Database(path)
  } catch (error) {
    if (!isMissing(error)) throw error
    missing = error
  }
  const DatabaseSync = builtin()
  if (DatabaseSync) return new DatabaseSync(path)
  throw new BackendError(
    `no driver for SQLite: install better-sqlite3 (where npm asks, approve its install script), or use Node 22.13 or later, which has one (${(missing as Error).message.split('\n')[0]})`,
    { cause: missing },
  )
}

/** The package is not there, or its binary is not. */
function isMissing(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  return (
    code === 'ERR_MODULE_NOT_FOUND' ||
    code === 'MODULE_NOT_FOUND' ||
    code === 'ERR_DLOPEN_FAILED' ||
    message.startsWith('Could not locate the bindings file')
  )
}

/** The driver that Node has since 22.13, if it does. */
function builtinDriver(): SqliteDriver | undefined {
  const { getBuiltinModule } = process as {
    getBuiltinModule?: (name: string) => { DatabaseSync: SqliteDriver } | undefined
  }
  return getBuiltinModule?.('node:sqlite')?.DatabaseSync
}
