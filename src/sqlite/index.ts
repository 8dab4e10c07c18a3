/**
 * The database in a SQLite file: for one machine, without a cloud.
 *
 * @module lockrow/sqlite
 */

export { AtomicSqliteDb, type AtomicSqliteDbOptions } from './database.ts'
export type { SqliteDatabase, SqliteDriver, SqliteStatement } from './driver.ts'
