import { engineOptions } from '../engine/context.ts'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { InvalidInput } from '../errors.ts'
import { milliseconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { systemRuntime } from '../runtime.ts'
import type { PostgresPool } from './pool.ts'
import { checkTable, type PostgresTableOptions } from './schema.ts'
import { PostgresStorage } from './storage.ts'

/** Options of `AtomicPostgresDb`. */
export interface AtomicPostgresDbOptions extends EngineOptions, PostgresTableOptions {
  /**
   * A connection without any answer for so long is given up, ms: its server may have gone without a word. Longer than any
   * lock of others on the table.
   * @default 30000
   */
  answerTimeoutMs?: number
}

const checkPostgresOptions = /* @__PURE__ */ optionsCheck<AtomicPostgresDbOptions>(() => [
  { ...engineOptions, table: true, answerTimeoutMs: true },
  {
    tableName: "use 'table'",
    schema: "write it before the name: table: 'app.lockrow'",
    timeout: "use 'timeoutMs' for calls, 'answerTimeoutMs' for connections",
  },
])

/**
 * The database in tables of PostgreSQL, beside your own. Any number of processes may use them. The tables are made by
 * `createTable`, or by the statements of `createTableSql` in a migration.
 *
 * @example
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL })
 * await createTable(pool)
 * const db = new AtomicPostgresDb(pool)
 * await db.set({ pk: 'users', sk: 'ann', data: { name: 'Ann' } })
 */
export class AtomicPostgresDb extends AtomicEngine {
  /**
   * No I/O here: a server that cannot be reached is an error of the first call. The pool stays yours, and is ended by you.
   *
   * @param pool `Pool` of `pg`.
   * @throws InvalidInput for what is no pool, and for options that cannot be.
   */
  constructor(pool: PostgresPool, options: AtomicPostgresDbOptions = {}) {
    checkPostgresOptions(options)
    const { table = 'lockrow', answerTimeoutMs = 30_000, ...rest } = options
    if (typeof (pool as Partial<PostgresPool> | undefined | null)?.connect !== 'function')
      throw new InvalidInput('pool', "must be a Pool of 'pg'", {
        given: pool === null ? 'null' : typeof pool,
      })
    checkTable(table)
    milliseconds(answerTimeoutMs, 'options.answerTimeoutMs')
    const runtime = options.runtime ?? systemRuntime
    super(new PostgresStorage({ pool, table, runtime, answerMs: answerTimeoutMs }), rest)
  }
}
