import type { Changes } from '../contract/changes.ts'
import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePushOptions,
} from '../interface.ts'
import type { TransactionQuery } from './query.ts'
import { Rollback } from './rollback.ts'
import type { Session } from './session.ts'

/**
 * What the callback of `transaction` works with. Reads are the same however often they are repeated and see the
 * transaction's own writes; writes are kept until the commit. Together up to 100 rows (1 for each item read, 2 for each
 * item written, 1 with `locks: false`, 1 for each message) and 4 MB, written and compared: the call that passes one of
 * them is `InvalidInput`. After the callback every method is `InvalidInput`.
 */
export interface Transaction {
  /** One item. 1 request, 1 RRU per started 4 KB; none when this transaction has read or written it. */
  get<T = unknown>(key: AtomicDbItemKey): Promise<AtomicDbItem<T> | undefined>

  /** Items in the order of `keys`. 1 request, 1 RRU per item and started 4 KB. */
  getMany<T = unknown>(keys: readonly AtomicDbItemKey[]): Promise<(AtomicDbItem<T> | undefined)[]>

  /**
   * The items of a partition, with this transaction's own writes. Each item returned must be unchanged at the commit.
   * Items that others *add*, also behind a `limit`, are not noticed: where that matters, read an item that all writers
   * of the partition change (a count, a summary). 1 request and 1 RRU per started 4 KB.
   */
  query<T = unknown>(query: TransactionQuery): Promise<AtomicDbItem<T>[]>

  /**
   * Write an item: its `data` and `ttl` become these, attributes of other programs stay. No I/O until the commit;
   * `InvalidInput` at once.
   */
  set<T = unknown>(item: NoInfer<AtomicDbItemInput<T>>): void

  delete(key: AtomicDbItemKey): void

  /**
   * Change an item by the rules of `update`, from what this transaction has read or written; what it has not is read
   * first. Returns the item as it is now in this transaction. Counts in the order of the calls, awaited or not.
   */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: NoInfer<Changes<T>>,
  ): Promise<AtomicDbItem<T> | undefined>

  /**
   * Send messages when the transaction commits. One whose `deduplicationId` or `uniqueId` is taken is left out, and the
   * rest commits. Each is 1 row, and 1 more for each of its ids and for a payload of its own.
   */
  queuePush<T = unknown>(
    items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: Pick<AtomicDbQueuePushOptions, 'shards' | 'payloadThreshold' | 'deduplicationWindowSeconds'>,
  ): void

  /** Acknowledge a pulled message when the transaction commits, and only if it is still ours then. */
  queueAcknowledge(pulled: AtomicDbQueueItemKey): void

  /** Leaves the transaction at once, without writing and without an error: `transaction` returns `value`. */
  rollback(value?: unknown): never
}

/** A session for as long as its callback runs. */
export class Scope implements Transaction {
  readonly #session: Session
  readonly #pending = new Map<symbol, Promise<unknown>>()
  #isOver = false
  #rollback: Rollback | undefined

  constructor(session: Session) {
    this.#session = session
  }

  get<T>(key: AtomicDbItemKey): Promise<AtomicDbItem<T> | undefined> {
    return this.#track(async () => (await this.#session.read<T>([key], 'key'))[0])
  }

  getMany<T>(keys: readonly AtomicDbItemKey[]): Promise<(AtomicDbItem<T> | undefined)[]> {
    return this.#track(() => this.#session.read<T>(keys, 'keys'))
  }

  query<T>(query: TransactionQuery): Promise<AtomicDbItem<T>[]> {
    return this.#track(() => this.#session.query<T>(query))
  }

  set(item: AtomicDbItemInput): void {
    this.#checkOpen()
    this.#session.set(item)
  }

  delete(key: AtomicDbItemKey): void {
    this.#checkOpen()
    this.#session.delete(key)
  }

  update<T>(key: AtomicDbItemKey, changes: NoInfer<Changes<T>>): Promise<AtomicDbItem<T> | undefined> {
    return this.#track(() => this.#session.update<T>(key, changes as unknown as Changes))
  }

  queuePush(
    items: AtomicDbQueueItemInput | readonly AtomicDbQueueItemInput[],
    options: Parameters<Transaction['queuePush']>[1] = {},
  ): void {
    this.#checkOpen()
    this.#session.queuePush(items, options)
  }

  queueAcknowledge(pulled: AtomicDbQueueItemKey): void {
    this.#checkOpen()
    this.#session.queueAcknowledge(pulled)
  }

  rollback(value?: unknown): never {
    this.#checkOpen()
    // Also where the callback catches what is thrown here.
    this.#rollback = new Rollback(value)
    this.#isOver = true
    throw this.#rollback
  }

  /** Why nothing is to be written, if the callback said so. */
  get left(): Rollback | undefined {
    return this.#rollback
  }

  #checkOpen(): void {
    if (this.#isOver)
      throw new InvalidInput(
        'tx',
        'was used after its callback: await everything that uses it before the callback returns',
      )
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    let result: Promise<T>
    try {
      this.#checkOpen()
      result = work()
    } catch (error) {
      return Promise.reject(error)
    }
    const id = Symbol('call')
    // A failure that nobody awaits must stay unhandled: no `then` on what is returned.
    const running = (async () => {
      try {
        return await result
      } finally {
        this.#pending.delete(id)
      }
    })()
    this.#pending.set(id, running)
    return running
  }

  /** The callback has failed, or left: nothing that it started counts. */
  abandon(): void {
    this.#isOver = true
    for (const running of this.#pending.values()) running.catch(() => {})
  }

  /**
   * The callback has returned: what it started and did not await is waited for, with what follows from it, so that
   * nothing of it is lost. Throws where one of them fails. From then on the scope is closed.
   */
  async close(): Promise<void> {
    while (this.#pending.size > 0) {
      const ends = await Promise.allSettled(this.#pending.values())
      const failed = ends.find((end) => end.status === 'rejected')
      if (failed) {
        this.#isOver = true
        throw failed.reason
      }
      // What the callback does with the answers comes some turns later.
      for (let turn = 0; turn < 20; turn++) await undefined
    }
    this.#isOver = true
  }
}
