import type { AtomicDbItemKey } from '../interface.ts'
import { checkTogether } from '../model/row-outcome.ts'
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
import { checkServer } from './check-server.ts'
import type { Link } from './client.ts'
import { Connection, type ReplicaWait } from './connection.ts'
import { rowOf } from './entries.ts'
import { baseOf, rowKey } from './names.ts'
import { Pages } from './pages.ts'
import { Transactions } from './transactions.ts'
import { Writes } from './writes.ts'

/** What a storage is made of. */
export interface RedisStorageOptions {
  readonly link: Link
  readonly prefix: string
  readonly runtime: Runtime
  /** A request without an answer for so long is given up, ms. */
  readonly answerMs: number
  readonly replicas?: ReplicaWait | undefined
}

/** Rows in Redis. What the server is, and what is allowed there, is looked at by the first request. */
export class RedisStorage implements Storage {
  readonly batchSizes = { read: 100, write: 100 }
  readonly #connection: Connection
  readonly #pages: Pages
  readonly #writes: Writes
  readonly #transactions: Transactions
  #isReady = false
  #checked: Promise<void> | undefined

  constructor({ link, prefix, runtime, answerMs, replicas }: RedisStorageOptions) {
    const connection = new Connection(link, baseOf(prefix), answerMs, replicas)
    this.#connection = connection
    this.#pages = new Pages(connection)
    this.#writes = new Writes({ connection, runtime })
    this.#transactions = new Transactions({ connection, runtime })
  }

  async read(keys: readonly AtomicDbItemKey[], options: ReadRequestOptions): Promise<(Row | undefined)[]> {
    await this.#ready()
    const found = await this.#connection.get(
      keys.map((key) => rowKey(this.#connection.base, key)),
      options,
    )
    return keys.map((key, index) => rowOf(key, found[index]!))
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    options: RequestOptions,
  ): Promise<(Row | undefined)[]> {
    // One command sees one moment.
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
    await this.#writes.write(writes, options)
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
    this.#checked ??= checkServer(this.#connection).then(
      () => {
        this.#isReady = true
      },
      (error) => {
        // Looked at again by the next call: a right may have been granted by then.
        this.#checked = undefined
        throw error
      },
    )
    return this.#checked
  }
}
