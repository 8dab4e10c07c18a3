/**
 * The database in tables of PostgreSQL.
 *
 * @module lockrow/postgres
 */

export { AtomicPostgresDb, type AtomicPostgresDbOptions } from './database.ts'
export type { PostgresClient, PostgresPool, PostgresResult } from './pool.ts'
export { createTable, createTableSql, type PostgresTableOptions } from './schema.ts'
