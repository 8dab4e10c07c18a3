import { engineOptions } from '../engine/context.ts'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { InvalidInput } from '../errors.ts'
import { milliseconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { systemRuntime } from '../runtime.ts'
import type { SqliteDatabase, SqliteDriver } from './driver.ts'
import { type Synchronous, tableNames } from './schema.ts'
import { SqliteStorage } from './storage.ts'

/** Options of `AtomicSqliteDb`. */
export interface AtomicSqliteDbOptions extends EngineOptions {
  /**
   * Name of the table, so that several databases fit one file; others begin with it.
   * @default 'lockrow'
   */
  table?: string
  /**
   * What a write that was answered survives. `full`: a power failure. `normal`: the end of the process at any moment; a
   * power failure may take back the last writes, and never tears one. `off`: the end of the process; a power failure may
   * damage the file. A database that is given keeps its own setting.
   * @default 'full'
   */
  synchronous?: Synchronous
  /**
   * How long a write waits for another process that writes, ms; then it is tried again as `retry` says.
   * @default 5000
   */
  lockWaitMs?: number
  /**
   * `Database` of better-sqlite3 or `DatabaseSync` of `node:sqlite`.
   * @default better-sqlite3 where it is installed, else `node:sqlite` (Node 22.13 and later)
   */
  driver?: SqliteDriver
}

const checkSqliteOptions = /* @__PURE__ */ optionsCheck<AtomicSqliteDbOptions>(() => [
  { ...engineOptions, table: true, synchronous: true, lockWaitMs: true, driver: true },
  { timeout: "use 'lockWaitMs'", busyTimeout: "use 'lockWaitMs'", tableName: "use 'table'" },
])

/**
 * The database in a SQLite file, in memory, or in a database that is open. Several processes may use one file, on a disk
 * of their own machine. The file and its tables are made when they are first needed.
 *
 * @example
 * const db = new AtomicSqliteDb(':memory:')
 * await db.set({ pk: 'users', sk: 'ann', data: { name: 'Ann' } })
 * await db.close()
 */
export class AtomicSqliteDb extends AtomicEngine {
  readonly #storage: SqliteStorage

  /** No I/O here: a file that cannot be opened is a `BackendError` of the first call. */
  constructor(source: string | SqliteDatabase, options: AtomicSqliteDbOptions = {}) {
    checkSqliteOptions(options)
    const { table = 'lockrow', synchronous = 'full', lockWaitMs = 5000, driver, ...rest } = options
    checkSource(source)
    if (typeof table !== 'string' || !tableNames.test(table))
      throw new InvalidInput('options.table', 'must be letters, digits and _, and begin with no digit')
    if (!['off', 'normal', 'full'].includes(synchronous))
      throw new InvalidInput('options.synchronous', "must be 'full', 'normal' or 'off'", {
        given: String(synchronous),
      })
    milliseconds(lockWaitMs, 'options.lockWaitMs', { zero: true })
    if (driver !== undefined && typeof driver !== 'function')
      throw new InvalidInput(
        'options.driver',
        'must be Database of better-sqlite3, or DatabaseSync of node:sqlite',
        {
          given: typeof driver,
        },
      )
    const runtime = options.runtime ?? systemRuntime
    const storage = new SqliteStorage({ source, table, driver, synchronous, waitMs: lockWaitMs, runtime })
    super(storage, rest)
    this.#storage = storage
  }

  /** Ends what is under way and closes the file; a database that was given stays open. No call works afterwards. */
  close(): Promise<void> {
    return this.#storage.close()
  }

  /** `await using db = new AtomicSqliteDb(path)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function checkSource(source: unknown): void {
  if (typeof source === 'string') {
    if (source === '' || source.includes('\0'))
      throw new InvalidInput('path', "must be the path of a file, or ':memory:'")
    return
  }
  const { prepare, exec } = (source ?? {}) as Partial<SqliteDatabase>
  if (typeof prepare !== 'function' || typeof exec !== 'function')
    throw new InvalidInput('path', 'must be a path, or an open database of better-sqlite3 or node:sqlite', {
      given: source === null ? 'null' : typeof source,
    })
}
