import type { AtomicDbItemKey } from '../interface.ts'
import { keptExpiredSeconds } from '../model/expiry.ts'
import { checkTogether } from '../model/row-outcome.ts'
import { tokenLifeMs } from '../model/token-memory.ts'
import type { Runtime } from '../runtime.ts'
import type {
  Applied,
  FailedGuard,
  Page,
  Range,
  ReadRequestOptions,
  RequestOptions,
  Row,
  RowOperation,
  RowWrite,
  Scan,
  ScanPage,
  SingleOperation,
  Storage,
} from '../storage.ts'
import { rowFromJson } from '../stores/row-json.ts'
import { Connection } from './connection.ts'
import { blindEntry, storedKey } from './entries.ts'
import { Memo } from './memo.ts'
import { type TableNames, tablesOf } from './names.ts'
import { Pages } from './pages.ts'
import type { PostgresPool } from './pool.ts'
import { checkSchema } from './schema.ts'
import { RowStatements, type VersionedRow } from './statements.ts'
import { Transactions } from './transactions.ts'
import { Writes, type Writing } from './writes.ts'

/** What a storage is made of. */
export interface PostgresStorageOptions {
  readonly pool: PostgresPool
  readonly table: string
  readonly runtime: Runtime
  /** A connection that is silent for so long is given up, ms. */
  readonly answerMs: number
}

/** A sweep follows this many writes, and frees this many rows at most: more than they can have added. */
const writesPerSweep = 256
const rowsPerSweep = 4 * writesPerSweep

/** Rows in tables of PostgreSQL. What the tables are is looked at by the first request. */
export class PostgresStorage implements Storage {
  readonly batchSizes = { read: 100, write: 100 }
  readonly #connection: Connection
  readonly #tables: TableNames
  readonly #statements: RowStatements
  readonly #memo = new Memo()
  readonly #pages: Pages
  readonly #writes: Writes
  readonly #transactions: Transactions
  readonly #runtime: Runtime
  #checked: Promise<void> | undefined
  #written = 0

  constructor({ pool, table, runtime, answerMs }: PostgresStorageOptions) {
    this.#tables = tablesOf(table)
    this.#connection = new Connection(pool, this.#tables.shown, answerMs)
    this.#statements = new RowStatements(this.#tables)
    this.#pages = new Pages(this.#connection, this.#memo, this.#tables)
    this.#runtime = runtime
    const writing: Writing = {
      connection: this.#connection,
      statements: this.#statements,
      memo: this.#memo,
      runtime,
      onWritten: (rows) => this.#onWritten(rows),
    }
    this.#writes = new Writes(writing)
    this.#transactions = new Transactions(writing)
  }

  async read(keys: readonly AtomicDbItemKey[], options: ReadRequestOptions): Promise<(Row | undefined)[]> {
    await this.#ready()
    const stored = keys.map(storedKey)
    const statement =
      stored.length === 1 ? this.#statements.get(stored[0]!) : this.#statements.getMany(stored)
    const { rows } = await this.#connection.run(statement, options)
    return keys.map(({ pk, sk }, index) => {
      const found = rows[index] as VersionedRow | { ver: null } | undefined
      const row = found?.ver ? (found as VersionedRow) : undefined
      this.#memo.set(stored[index]!, row)
      return row && rowFromJson(pk, sk, row.row)
    })
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    options: RequestOptions,
  ): Promise<(Row | undefined)[]> {
    // One statement sees one moment.
    const rows = await this.read(keys, options)
    checkTogether(rows)
    return rows
  }

  async page(range: Range, options: ReadRequestOptions): Promise<Page> {
    await this.#ready()
    return this.#pages.page(range, options)
  }

  async scan(scan: Scan, options: ReadRequestOptions): Promise<ScanPage> {
    await this.#ready()
    return this.#pages.scan(scan, options)
  }

  async write(writes: readonly RowWrite[], options: RequestOptions): Promise<readonly RowWrite[]> {
    await this.#ready()
    await this.#writes.write(writes.map(blindEntry), options)
    return []
  }

  async apply(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    await this.#ready()
    return this.#writes.apply(operation, options)
  }

  async transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    await this.#ready()
    return this.#transactions.transact(operations, token, options)
  }

  #ready(): Promise<void> | undefined {
    if (this.#isReady) return undefined
    this.#checked ??= checkSchema(this.#connection, this.#tables).then(
      () => {
        this.#isReady = true
      },
      (error) => {
        // Looked at again by the next call: a migration may have run by then.
        this.#checked = undefined
        throw error
      },
    )
    return this.#checked
  }

  #isReady = false

  #onWritten(rows: number): void {
    this.#written += rows
    if (this.#written < writesPerSweep) return
    this.#written = 0
    void this.#sweep()
  }

  /** Nobody waits for it, and what it leaves the next one finds. */
  async #sweep(): Promise<void> {
    const now = Math.floor(this.#runtime.now())
    try {
      const before = Math.floor(now / 1000) - keptExpiredSeconds
      await this.#connection.run(this.#statements.sweepRows(before, rowsPerSweep))
      await this.#connection.run(this.#statements.sweepTokens(now - tokenLifeMs, rowsPerSweep))
    } catch {
      // Some other time.
    }
  }
}
