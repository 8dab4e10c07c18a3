import { BackendError } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { decided, decidedOne, keyOf } from '../model/decided.ts'
import { checkTogether } from '../model/row-outcome.ts'
import { shownRow } from '../model/wire.ts'
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
import { isPlainJson } from '../stores/row-json.ts'
import { pageOfStored } from '../stores/stored-page.ts'
import { toFault } from './faults.ts'
import { type FileOptions, SqliteFile } from './file.ts'
import { rollBack } from './schema.ts'

/** Rows in a SQLite file. The file is opened by the first request. */
export class SqliteStorage implements Storage {
  readonly #options: FileOptions
  #file: SqliteFile | undefined
  #opening: Promise<SqliteFile> | undefined
  #closed: Promise<void> | undefined

  constructor(options: FileOptions) {
    this.#options = options
  }

  read(keys: readonly AtomicDbItemKey[], options: ReadRequestOptions): Promise<(Row | undefined)[]> {
    const file = this.#file
    if (!file || keys.length > 1 || options.signal || options.beforeSending || file.turns.isDue)
      return this.#reading(options, (file) => keys.map((key) => file.rows.get(key)))
    // The same for the most frequent call of all, in half the time: nothing to wait for, nothing to map.
    try {
      return Promise.resolve([file.rows.get(keys[0]!)])
    } catch (error) {
      return Promise.reject(toFault(error, file.where))
    }
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    options: RequestOptions,
  ): Promise<(Row | undefined)[]> {
    const rows = await this.#reading(options, (file) => snapshot(file, keys))
    checkTogether(rows)
    return rows
  }

  page(range: Range, options: ReadRequestOptions): Promise<Page> {
    return this.#reading(options, (file) => pageOfStored(range, file.rows.rangeOf(range)))
  }

  scan(scan: Scan, options: ReadRequestOptions): Promise<ScanPage> {
    return this.#reading(options, (file) => file.scans.page(scan))
  }

  async write(writes: readonly RowWrite[], options: RequestOptions): Promise<readonly RowWrite[]> {
    const file = this.#file ?? (await this.#open())
    return file.writes.submit(() => {
      for (const write of writes) file.rows.write(write)
      return []
    }, options)
  }

  async apply(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    const file = this.#file ?? (await this.#open())
    return file.writes.submit(() => {
      // A put that asks for nothing need not look.
      const isBlind = operation.op === 'put' && !operation.guard && !operation.old
      const { answer, write } = decidedOne(operation, isBlind ? undefined : file.rows.get(keyOf(operation)))
      const text = write && file.rows.write(write)
      // Of numbers that JS cannot show callers see the nearest; a row that was read is as they see it.
      if (answer.row && text && !isPlainJson(text)) answer.row = shownRow(answer.row)
      return answer
    }, options)
  }

  async transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    const file = this.#file ?? (await this.#open())
    return file.writes.submit(() => {
      const now = this.#options.runtime.now()
      if (file.tokens.wasApplied(token, operations, now)) return []
      const decision = decided(
        operations,
        operations.map((operation) => file.rows.get(keyOf(operation))),
      )
      if (decision.failed) return decision.failed
      for (const write of decision.writes) file.rows.write(write)
      file.tokens.remember(token, operations, now)
      return []
    }, options)
  }

  /** Ends what is under way and closes the file. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      const opened = this.#opening
      this.#file = undefined
      this.#opening = undefined
      await (await opened?.catch(() => undefined))?.close()
    })()
    return this.#closed
  }

  #open(): Promise<SqliteFile> {
    if (this.#closed) return Promise.reject(new BackendError('this database was closed'))
    this.#opening ??= SqliteFile.open(this.#options).then(
      (file) => {
        if (!this.#closed) this.#file = file
        return file
      },
      (error) => {
        // Tried again by the next call: the folder may have been made by then.
        this.#opening = undefined
        throw error
      },
    )
    return this.#opening
  }

  async #reading<T>({ signal, beforeSending }: RequestOptions, work: (file: SqliteFile) => T): Promise<T> {
    const file = this.#file ?? (await this.#open())
    // A loop of reads would keep the program from all else.
    if (file.turns.isDue) await file.turns.next()
    if (signal?.aborted) throw signal.reason
    beforeSending?.()
    try {
      return work(file)
    } catch (error) {
      throw toFault(error, file.where)
    }
  }
}

/** All rows as of one moment. */
function snapshot(file: SqliteFile, keys: readonly AtomicDbItemKey[]): (Row | undefined)[] {
  file.database.exec('BEGIN')
  try {
    const rows = keys.map((key) => file.rows.get(key))
    file.database.exec('COMMIT')
    return rows
  } catch (error) {
    rollBack(file.database)
    throw error
  }
}
