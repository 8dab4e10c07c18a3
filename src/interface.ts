/**
 * The contract: everything that a lockrow database does, on every backend.
 *
 * Times named `ttl` are epoch seconds, options named `...Seconds` are seconds, `...Ms` and `...At` milliseconds.
 * Costs are DynamoDB's: WRU are write request units (one per started KB of the row), RRU read request units
 * (one per started 4 KB for a strong read, half of that for an eventual one); a transaction takes twice both.
 * Every method that does I/O rejects with `InvalidInput` before anything is sent when the call itself is wrong,
 * with `Throttled` when the backend kept refusing, and with `BackendError` when it cannot be reached.
 */

import type { Changes } from './contract/changes.ts'
import type {
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbLockedItem,
} from './contract/items.ts'
import type { AtomicDbOperation, TransactOptions, TransactResult } from './contract/operations.ts'
import type {
  CallOptions,
  OldItem,
  ReadOptions,
  UpdateOptions,
  UpdateResult,
  WriteOptions,
} from './contract/options.ts'
import type {
  AtomicDbPage,
  AtomicDbPageQuery,
  AtomicDbQuery,
  AtomicDbRange,
  DeleteRangeOptions,
  DeleteRangeResult,
} from './contract/queries.ts'

import type { AtomicDbQueueInterface } from './contract/queue-methods.ts'
import type { Runtime } from './runtime.ts'

declare global {
  // Without @types/node there is none; with it, this adds nothing to it.
  namespace NodeJS {
    interface ReadableStream {}
  }
}

export type * from './contract/items.ts'
export type * from './contract/operations.ts'
export type * from './contract/options.ts'
export type * from './contract/queries.ts'
export type * from './contract/queue.ts'
export type * from './contract/queue-methods.ts'
export type * from './contract/queue-pull.ts'
export type * from './contract/queue-stats.ts'

/** All of it. The queue's methods are in contract/queue-methods.ts. */
export interface AtomicDbInterface extends AtomicDbItemsInterface, AtomicDbQueueInterface {}

/** Items, locks, updates and transactions, without queues. */
export interface AtomicDbItemsInterface {
  /** Clock, timers and randomness of this database. Everything that is built on it uses the same. */
  readonly runtime: Runtime

  /**
   * Reads one item: `undefined` when there is none, when it has expired, or when the key holds a lock. 1 RRU per 4 KB.
   *
   * @example
   * const user = await db.get<{ name: string }>({ pk: 'users', sk: 'ada' })
   */
  get<T = unknown>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined>

  /**
   * Reads any number of items, in the order and length of `keys`. One request per 100 keys, 1 RRU per 4 KB of each
   * item. The items are not read at one moment: for that use `getTogether`.
   *
   * @example
   * const [ada, bob] = await db.getMany([{ pk: 'users', sk: 'ada' }, { pk: 'users', sk: 'bob' }])
   */
  getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]>

  /**
   * Reads up to 100 items as of one moment, in the order and length of `keys`, without locks. 1 request, 2 RRU per
   * 4 KB of each item.
   *
   * @throws InvalidInput beyond 100 keys or 4 MB: one moment cannot be split.
   * @example
   * const [from, to] = await db.getTogether([{ pk: 'accounts', sk: 'a' }, { pk: 'accounts', sk: 'b' }])
   */
  getTogether<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]>

  /**
   * Reads the lock at this key, and makes it when there is none. By convention the key is the item's with `#lock`, see
   * `lockKey`. Read the lock strictly *before* the item that it guards. 1 RRU; 1 WRU more when the lock is made, or
   * refreshed in its last hour. A refresh keeps the version.
   *
   * @throws InvalidInput when the key holds an item.
   * @example
   * const lock = await db.getLock(lockKey({ pk: 'users', sk: 'ada' }))
   */
  getLock(key: AtomicDbItemKey, options?: CallOptions): Promise<AtomicDbItemLock>

  /**
   * Reads items each with its lock (at `lockKey(key)`), in the order of `keys`: the safe way to read what a locked
   * write depends on. Up to 50 items are of one moment; beyond that, each pair is. Makes the locks that are missing.
   * 2 RRU per row and 4 KB, one request per 50 items; two requests more where locks are missing.
   *
   * @example
   * const [ada] = await db.getLocked<{ name: string }>([{ pk: 'users', sk: 'ada' }])
   */
  getLocked<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<AtomicDbLockedItem<T>[]>

  /**
   * Writes items, each one whole, whatever their locks. Not atomic and in no order. One item: 1 request; more: one per
   * 25. 1 WRU per KB. Of two items with one key the last one counts. With `returnOld` the answer is what was there
   * before, in the order given; else it is empty.
   *
   * @throws PartialWrite when the retries are used up: `keys` lists what was not written.
   * @example
   * const [before] = await db.set({ pk: 'users', sk: 'ada', data: { name: 'Ada' } }, { returnOld: true })
   */
  set<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    options?: WriteOptions,
  ): Promise<OldItem<T>[]>

  /**
   * Writes all items if every lock is as it was read, else none. Returns the locks as they are now, in order, to go on
   * with. Up to 100 rows, locks included. 1 request, 2 WRU per row and KB.
   *
   * @throws RaceCondition when a lock has changed: `conflicts` lists them.
   * @example
   * const lock = await db.getLock(lockKey({ pk: 'users', sk: 'ada' }))
   * await db.setAtomic({ pk: 'users', sk: 'ada', data: { name: 'Ada' } }, lock)
   */
  setAtomic<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    locks: AtomicDbItemLock | readonly AtomicDbItemLock[],
    options?: CallOptions,
  ): Promise<AtomicDbItemLock[]>

  /**
   * Deletes rows (items, locks, messages), any number. A missing row is not an error. 1 request per 25, 1 WRU per KB.
   * `returnOld` and errors are those of `set`.
   *
   * @example
   * await db.delete([{ pk: 'users', sk: 'ada' }, { pk: 'users', sk: 'bob' }])
   */
  delete<T = unknown>(
    keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
    options?: WriteOptions,
  ): Promise<OldItem<T>[]>

  /**
   * Reads the live items of a partition, or of a range of it, in order of `sk` (UTF-8 bytes). 1 request per MB, 1 RRU
   * per 4 KB read.
   *
   * @example
   * const newest = await db.query({ pk: 'user#1', sk: 'order#', reverse: true, limit: 10 })
   * const january = await db.query({ pk: 'log', from: '2026-01', to: '2026-02', exclude: 'to' })
   */
  query<T = unknown>(query: NoInfer<AtomicDbQuery<T>>): Promise<AtomicDbItem<T>[]>

  /**
   * Does the same as `query`, as a stream of objects. Reads page by page (1 MB), at most one page ahead of the reader.
   * Destroying the stream, or leaving the loop, ends the reading. `timeoutMs` counts for each page.
   *
   * @example
   * for await (const item of db.stream({ pk: 'log' })) console.log(item.sk)
   */
  stream<T = unknown>(
    query: NoInfer<AtomicDbQuery<T>>,
  ): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>>

  /**
   * Reads one page of a query, and a cursor for the next one. The cursor is safe in a URL, never holds the `pk`, and
   * fits only its own query. With the option `cursorSecret` of the database nobody else can make or change one. Costs
   * as `query`, with one live item read ahead.
   *
   * @throws InvalidInput when the cursor belongs to another query or was changed.
   * @example
   * const first = await db.page({ pk: 'log', limit: 20 })
   * const second = await db.page({ pk: 'log', limit: 20, cursor: first.cursor })
   */
  page<T = unknown>(query: NoInfer<AtomicDbPageQuery<T>>): Promise<AtomicDbPage<T>>

  /**
   * Counts the items that `query` would return, without sending them. The same units as `query`: 1 RRU per 4 KB read.
   *
   * @example
   * const orders = await db.count({ pk: 'user#1', sk: 'order#' })
   */
  count(query: AtomicDbQuery): Promise<number>

  /**
   * Deletes all rows of a range, slice by slice and with little memory: items, expired rows, and locks, so that the
   * holders of these notice. Not atomic; after an error or an abort, another call goes on. For messages use
   * `queuePurge`. 1 RRU per 4 KB, 1 WRU per KB, 1 request per 25 rows.
   *
   * @throws PartialWrite when the backend ends it early: `done` says how many rows were deleted.
   * @example
   * const { deleted } = await db.deleteRange({ pk: 'user#1', sk: 'order#' })
   */
  deleteRange(range: AtomicDbRange, options?: DeleteRangeOptions): Promise<DeleteRangeResult>

  /**
   * Changes an item where it lies. Makes the item, and missing parents of a path, where needed. Without `if` the
   * answer is always `applied: true`. 1 request (2 where something is made), 1 WRU per KB of the item.
   *
   * @throws InvalidInput when a change does not fit what is there, such as `add` to a text.
   * @throws OutcomeUnknown when the reply was lost and the row does not tell whether the change was made; see
   * `exactlyOnce`.
   * @example
   * const shoes = { pk: 'stock', sk: 'shoes' }
   * const { applied } = await db.update(shoes, { add: { count: -1 } }, { if: { count: { gte: 1 } } })
   */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: NoInfer<Changes<T>>,
    options?: NoInfer<UpdateOptions<T>>,
  ): Promise<UpdateResult<T>>

  /**
   * Applies all operations or none. Up to 100 rows, one operation per row. Safe against lost replies. 1 request, 2 WRU
   * per row and KB.
   *
   * @throws RaceCondition when something changed since it was read: `conflicts` lists every part that failed.
   * @throws ConditionFailed when a condition of your own does not hold: `conflicts` as above.
   * @throws OutcomeUnknown when it cannot be told whether the operations were applied; see `idempotencyKey`.
   * @example
   * await db.transact([
   *   { type: 'update', key: { pk: 'stock', sk: 'shoes' }, changes: { add: { count: -1 } } },
   *   { type: 'queuePush', item: { pk: 'shipping', data: { article: 'shoes' } } },
   * ])
   */
  transact(operations: readonly AtomicDbOperation[], options?: TransactOptions): Promise<TransactResult>
}
