import { BackendError } from '../errors.ts'
import { keptExpiredSeconds } from '../model/expiry.ts'
import type { Runtime } from '../runtime.ts'
import { openDatabase, type SqliteDatabase, type SqliteDriver } from './driver.ts'
import { toFault } from './faults.ts'
import { Scans } from './scan.ts'
import { configure, ensureTables, type Synchronous, waitNoMore } from './schema.ts'
import { RowStatements } from './statements.ts'
import { TokenRows } from './token-rows.ts'
import { Turns } from './turns.ts'
import { Writes } from './writes.ts'

/** What a connection is opened with. */
export interface FileOptions {
  /** A path, or a connection of the caller's. */
  readonly source: string | SqliteDatabase
  readonly table: string
  readonly driver: SqliteDriver | undefined
  readonly synchronous: Synchronous
  /** How long a write waits for another connection, ms. */
  readonly waitMs: number
  readonly runtime: Runtime
}

/** A sweep follows this many writes, and frees this many rows at most: more than they can have added. */
const writesPerSweep = 64
const rowsPerSweep = 4 * writesPerSweep

/** An open file with all that is prepared on it. */
export class SqliteFile {
  readonly database: SqliteDatabase
  readonly rows: RowStatements
  readonly tokens: TokenRows
  readonly scans: Scans
  readonly writes: Writes
  readonly turns = new Turns()
  readonly where: string
  readonly #isOurs: boolean
  readonly #runtime: Runtime
  #written = 0

  constructor(database: SqliteDatabase, { source, table, runtime, waitMs }: FileOptions) {
    this.database = database
    this.where = whereOf(source)
    this.#isOurs = typeof source === 'string'
    this.#runtime = runtime
    this.rows = new RowStatements(database, table)
    this.tokens = new TokenRows(database, table)
    this.scans = new Scans(database, table)
    this.writes = new Writes(database, {
      where: this.where,
      runtime,
      turns: this.turns,
      waitMs,
      housekeeping: (writes) => this.#sweep(writes),
    })
  }

  static async open(options: FileOptions): Promise<SqliteFile> {
    const { source, table, driver, synchronous } = options
    const where = whereOf(source)
    let database: SqliteDatabase | undefined
    try {
      database = typeof source === 'string' ? await openDatabase(source, driver) : source
      if (typeof source === 'string') configure(database, synchronous)
      ensureTables(database, table, where)
      if (typeof source === 'string') waitNoMore(database)
      return new SqliteFile(database, options)
    } catch (error) {
      if (typeof source === 'string') close(database)
      throw unopened(toFault(error, where), where)
    }
  }

  /** Ends what is under way; a file that was given stays open. */
  async close(): Promise<void> {
    await this.writes.idle()
    if (this.#isOurs) this.database.close()
  }

  #sweep(writes: number): void {
    this.#written += writes
    if (this.#written < writesPerSweep) return
    this.#written = 0
    const now = this.#runtime.now()
    this.rows.sweep(Math.floor(now / 1000) - keptExpiredSeconds, rowsPerSweep)
    this.tokens.sweep(now)
  }
}

const whereOf = (source: string | SqliteDatabase): string =>
  typeof source === 'string' ? source : 'the given SQLite database'

function close(database: SqliteDatabase | undefined): void {
  try {
    database?.close()
  } catch {
    // The error that led here says more.
  }
}

/** better-sqlite3 looks for the folder itself. */
const unopened = (error: unknown, where: string): unknown =>
  error instanceof TypeError && /directory does not exist/.test(error.message)
    ? new BackendError(`${where} cannot be opened: its folder is not there`, { cause: error })
    : error
