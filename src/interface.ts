/**
 * The contract: everything that a lockrow database does, on every backend.
 *
 * Times named `ttl` are epoch seconds, options named `...Seconds` are seconds, `...Ms` and `...At` milliseconds.
 * Costs are DynamoDB's: WRU are write request units (one per started KB of the row), RRU read request units
 * (one per started 4 KB for a strong read, half of that for an eventual one); a transaction takes twice both.
 * Every method that does I/O rejects with `InvalidInput` before anything is sent when the call itself is wrong,
 * with `Throttled` when the backend kept refusing, and with `BackendError` when it cannot be reached.
 */

import type { Changes } from './changes.ts'
import type { Condition } from './conditions.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullManyResult,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueuePushOptions,
  AtomicDbQueueRedriveOptions,
  AtomicDbQueueReleaseOptions,
  AtomicDbQueueStats,
  AtomicDbQueueStatsOptions,
} from './interface-queue.ts'
import type { PathOf } from './places.ts'
import type { Runtime } from './runtime.ts'

export type * from './interface-queue.ts'

/** Where a row is. `pk` 1 to 2048 bytes of UTF-8, `sk` 1 to 1024; no lone surrogates. */
export interface AtomicDbItemKey {
  pk: string
  sk: string
}

/**
 * An item as it is read.
 *
 * `data` is anything DynamoDB can hold and give back unchanged: strings, finite numbers up to 2^53, bigints beyond
 * that (38 digits), booleans, null, Uint8Array, arrays, plain objects, and non-empty Sets of strings, numbers or
 * Uint8Arrays; 32 levels deep, 400 KB with its keys.
 */
export interface AtomicDbItem<T = unknown> extends AtomicDbItemKey {
  data: T
  /** When it expires, epoch seconds. From that second on no read returns it. */
  ttl?: number
}

/** An item as it is written. `data` may be left out where nothing is said of it, or its type has `undefined`. */
export type AtomicDbItemInput<T = unknown> = AtomicDbItemKey & { ttl?: number } & (undefined extends T
    ? { data?: T }
    : { data: T })

/** A lock row. It is no item: `get`, `query` and `stream` never return one. */
export interface AtomicDbItemLock extends AtomicDbItemKey {
  /** A ULID; every atomic write that names the lock gives it a new one. */
  version: string
  /** When it expires, epoch seconds: 24 hours after it was made, last written, or refreshed. */
  ttl: number
}

/** An item and its lock, as of one moment. */
export interface AtomicDbLockedItem<T = unknown> {
  /** Absent: there is none, and the lock guards that. */
  item?: AtomicDbItem<T>
  lock: AtomicDbItemLock
}

export interface CallOptions {
  /** Ends the call at once; the promise rejects with the signal's reason. A write may have happened all the same. */
  signal?: AbortSignal
  /**
   * Bound on the whole call with all its repeats, ms. After it: `Throttled` or `BackendError` when certainly nothing
   * was written, else `OutcomeUnknown` or `PartialWrite`. For a stream: on each page.
   * @default that of the database
   */
  timeoutMs?: number
}

export interface ReadOptions extends CallOptions {
  /**
   * `true` (the default): the read sees every write that was confirmed before. `false`: half the price, may be stale,
   * and must not feed a locked write (the stale item would be older than the lock, and an update would be lost).
   */
  consistent?: boolean
}

/** Part of a partition, in order of the UTF-8 bytes of `sk`. What is given must all hold. */
export interface AtomicDbRange {
  pk: string
  /** Only items whose `sk` begins with this. */
  sk?: string
  /** Only items from this `sk` on: the lower bound, also with `reverse`. Included unless `exclude` says otherwise. */
  from?: string
  /** Only items up to this `sk`: the upper bound. Included unless `exclude` says otherwise. */
  to?: string
  /**
   * The bounds that are not included themselves.
   *
   * @example `{ pk: 'log', from: '2026-01', to: '2026-02', exclude: 'to' }`
   */
  exclude?: 'from' | 'to' | 'both'
}

/** A path of names inside a `T`, as text; names with dots or reserved ones as an array. */
export type FieldPath<T = unknown> =
  | (unknown extends T ? string : Exclude<PathOf<T>, '' | `${string}[${number}]${string}`>)
  | readonly string[]

export interface AtomicDbQuery<T = unknown> extends AtomicDbRange, ReadOptions {
  /** Descending order of `sk`. Order is by UTF-8 bytes. */
  reverse?: boolean
  /** At most so many live items; lock rows and expired rows are not counted. */
  limit?: number
  /** Only items behind this `sk` in the direction of the query: the last one of the page before. */
  after?: string
  /**
   * Only these fields of `data`: paths of names, without list positions. The costs are those of whole items, less is
   * sent. `data` is an object with those of the fields that the item has; `pk`, `sk` and `ttl` always come along.
   *
   * @example `await db.query<Pick<User, 'name'>>({ pk: 'users', fields: ['name'] })`
   */
  fields?: readonly FieldPath<T>[]
}

/** A query of which `page` returns one part. */
export interface AtomicDbPageQuery<T = unknown> extends Omit<AtomicDbQuery<T>, 'after'> {
  /**
   * How many items a page has at most.
   *
   * @default 100
   */
  limit?: number
  /** What `page` returned with the part before. The query must be the same but for `limit`, `fields` and `consistent`. */
  cursor?: string | undefined
}

export interface AtomicDbPage<T = unknown> {
  items: AtomicDbItem<T>[]
  /** For the next page; absent exactly when there is none. */
  cursor?: string
}

export interface DeleteRangeOptions extends CallOptions {
  /** At most so many rows are deleted, locks and expired ones included; the next call goes on. */
  limit?: number
  /** Called after each slice of up to 1,000 rows. Must not throw. */
  onProgress?: (progress: DeleteRangeProgress) => void
}

export interface DeleteRangeProgress {
  /** How many live items were deleted so far. */
  deleted: number
  /** The last `sk` that was deleted. */
  sk: string
}

export interface DeleteRangeResult {
  /** How many live items were deleted. */
  deleted: number
  /** `false`: `limit` was reached, and more may be there. */
  done: boolean
}

export interface WriteOptions extends CallOptions {
  /**
   * Tell what was there before: one request per row instead of one for 25. The same units.
   *
   * @default false
   */
  returnOld?: boolean
}

/** What was there before a write. */
export interface OldItem<T = unknown> {
  /** `false`: a reply was lost, and with it what was there. The write happened. */
  known: boolean
  /** Absent, and `known`: there was none, or it had expired. */
  item?: AtomicDbItem<T>
}

export interface UpdateOptions<T = unknown> extends WriteOptions {
  /** The changes are made only if this holds for the row as it is at that moment. */
  if?: Condition<T>
  /**
   * Write through a transaction with a token, so that a lost reply is never a doubt: twice the write cost, and
   * `item` is read afterwards (1 read more; it may show later writes).
   */
  exactlyOnce?: boolean
}

export interface UpdateResult<T = unknown> {
  /** Whether the changes were made. */
  applied: boolean
  /**
   * Applied: the item as it is now. Not applied: the item that did not satisfy `if`. Absent when there is none, and
   * with `exactlyOnce` also when it was written but could not be read back.
   */
  item?: AtomicDbItem<T>
  /** With `returnOld`, and applied: the item as it was before. */
  old?: OldItem<T>
}

/** One part of a transaction. */
export type AtomicDbOperation =
  /** The lock must be unchanged. 2 WRU. */
  | { type: 'check'; lock: AtomicDbItemLock }
  /** The condition must hold for the item; a key that holds a lock counts as empty. 2 WRU. */
  | { type: 'check'; key: AtomicDbItemKey; if: Condition }
  /** The lock must be unchanged and gets a new version. 2 WRU. */
  | { type: 'bump'; lock: AtomicDbItemLock }
  /**
   * The lock at this key (see `lockKey`) gets a new version whatever it has, so that whoever has read it notices. Made
   * where there is none; an item that lies there stays as it is. 2 WRU.
   */
  | { type: 'bump'; key: AtomicDbItemKey }
  /** Write the item, whatever is there. */
  | { type: 'set'; item: AtomicDbItemInput; if?: Condition }
  /** Write the item; there must be none. */
  | { type: 'setIfAbsent'; item: AtomicDbItemInput }
  | { type: 'delete'; key: AtomicDbItemKey; if?: Condition }
  | { type: 'update'; key: AtomicDbItemKey; changes: Changes; if?: Condition }
  | { type: 'queuePush'; item: AtomicDbQueueItemInput }
  /** The message must still be ours (with a receipt), and is deleted. By bare key: whatever holds it. */
  | { type: 'queueAcknowledge'; item: AtomicDbQueueItemKey }

export interface TransactOptions extends CallOptions {
  /**
   * The same key within ten minutes is applied once, from whatever process: later calls return the first one's
   * result. Costs one row more (2 WRU). 1 to 1000 bytes. With other content: `IdempotencyMismatch`.
   */
  idempotencyKey?: string
}

export interface TransactResult {
  /** The locks of `bump` and `check` with a `lock`, as they are now, in the order given. */
  locks: AtomicDbItemLock[]
  /** The messages pushed, in the order given. */
  pushed: AtomicDbQueueItem[]
}

export interface AtomicDbInterface {
  /** Clock, timers and chance of this database; whatever is built on top uses the same. */
  readonly runtime: Runtime

  /** One item, or `undefined` when there is none, it has expired, or the key holds a lock. 1 RRU per 4 KB. */
  get<T = unknown>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined>

  /**
   * Any number of items, in the order and length of `keys`. One request per 100. The items are not read at one
   * moment: for that use `getTogether`.
   */
  getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]>

  /**
   * Up to 100 items as of one moment, in the order and length of `keys`, without locks. 1 request, 2 RRU per 4 KB of
   * each item. `InvalidInput` beyond 100 keys or 4 MB in all: one moment cannot be split.
   *
   * @example `const [from, to] = await db.getTogether<Account>([a, b])`
   */
  getTogether<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]>

  /**
   * The lock at this key; made when there is none (by convention the item's key with `#lock`, see `lockKey`).
   * Read the lock strictly *before* the item it guards. 1 RRU; 1 WRU more when it is made, or refreshed in its
   * last hour (which keeps its version). A key that holds an item is `InvalidInput`.
   */
  getLock(key: AtomicDbItemKey, options?: CallOptions): Promise<AtomicDbItemLock>

  /**
   * Items each with its lock (at `lockKey(key)`), in the order of `keys`, up to 50 of them as of one moment, beyond
   * that every pair: the safe way to read what a locked write depends on. Locks that are missing are made.
   * 2 RRU per row and 4 KB, one request per 50 items; two requests more where locks are missing.
   */
  getLocked<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<AtomicDbLockedItem<T>[]>

  /**
   * Write items without looking at locks, each one whole. One item: 1 request; more: one per 25, in no order
   * between them, not atomic. `PartialWrite` lists what was not written when the retries are used up.
   * One key twice: the last one counts. With `returnOld` the answer is what was there before, in the order given;
   * else it is empty.
   *
   * @example `const [before] = await db.set<User>(item, { returnOld: true })`
   */
  set<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T> | readonly AtomicDbItemInput<T>[]>,
    options?: WriteOptions,
  ): Promise<OldItem<T>[]>

  /**
   * Write all items, or none: only if every lock is as it was read. Returns the locks as they are now, in order, to
   * go on with. Up to 100 rows in all. `RaceCondition` names the locks that changed. 1 request, 2 WRU per row and KB.
   */
  setAtomic<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T> | readonly AtomicDbItemInput<T>[]>,
    locks: AtomicDbItemLock | readonly AtomicDbItemLock[],
    options?: CallOptions,
  ): Promise<AtomicDbItemLock[]>

  /** Delete rows (items, locks, messages), any number; what is not there is no error. 1 request per 25. `returnOld` as in `set`. */
  delete<T = unknown>(
    keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
    options?: WriteOptions,
  ): Promise<OldItem<T>[]>

  /**
   * The live items of a partition, or of a part of it, in order of `sk` (UTF-8 bytes). 1 request per MB, 1 RRU per
   * 4 KB read.
   *
   * @example `await db.query<Order>({ pk: 'user#1', sk: 'order#', reverse: true, limit: 10 })`
   * @example `await db.query({ pk: 'log', from: '2026-01', to: '2026-02', exclude: 'to' })`
   */
  query<T = unknown>(query: NoInfer<AtomicDbQuery<T>>): Promise<AtomicDbItem<T>[]>

  /**
   * The same as a stream of objects, page by page (1 MB) and at most one page ahead of the reader; also for
   * `for await`. Destroying it stops the paging.
   */
  stream<T = unknown>(
    query: NoInfer<AtomicDbQuery<T>>,
  ): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>>

  /**
   * One part of a query after the other, also over HTTP: the cursor is text that is safe in a URL, never holds the
   * `pk`, and fits its own query only (`InvalidInput` otherwise). With `cursorSecret` in the options of the database
   * it cannot be made or changed by others. Costs as `query`, with one live item read ahead.
   *
   * @example
   * const { items, cursor } = await db.page<Order>({ pk: 'user#1', sk: 'order#', limit: 20, cursor: request.cursor })
   */
  page<T = unknown>(query: NoInfer<AtomicDbPageQuery<T>>): Promise<AtomicDbPage<T>>

  /**
   * How many items `query` would return, without sending them. The same units as `query`: 1 RRU per 4 KB read.
   *
   * @example `await db.count({ pk: 'user#1', sk: 'order#' })`
   */
  count(query: AtomicDbQuery): Promise<number>

  /**
   * Delete all rows of a range slice by slice, with little memory: items, expired rows and the locks among them, so
   * that whoever holds one of these notices. Not atomic; called again after an error or an abort it goes on.
   * Messages are deleted by `queuePurge`. 1 RRU per 4 KB, 1 WRU per KB, 1 request per 25 rows.
   *
   * @example `await db.deleteRange({ pk: 'user#1' }, { onProgress: ({ deleted }) => console.log(deleted) })`
   */
  deleteRange(range: AtomicDbRange, options?: DeleteRangeOptions): Promise<DeleteRangeResult>

  /**
   * Append messages, any number, in order: 25 per request, 1 WRU per KB. With an `sk` of the caller's each message is
   * a request of its own and 2 WRU per KB, and an existing key is `ConditionFailed`. `PartialWrite` lists what was not
   * written when the retries are used up; everything is checked before anything is sent.
   */
  queuePush<T = unknown>(
    items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: AtomicDbQueuePushOptions,
  ): Promise<AtomicDbQueueItem<T>[]>

  /**
   * Claim the first message available. About 1 RRU and 1 WRU per KB. A lone consumer gets exact order; where claims
   * collide each consumer takes one of the first few, so that they get out of each other's way.
   */
  queuePull<T = unknown>(options: AtomicDbQueuePullOptions): Promise<AtomicDbQueuePullResult<T>>

  /** Claim up to `limit` messages with one query. */
  queuePullMany<T = unknown>(options: AtomicDbQueuePullManyOptions): Promise<AtomicDbQueuePullManyResult<T>>

  /**
   * The message is done: delete it. With a pulled message (its receipt): only if it is still ours, else
   * `StaleReceipt`. With a bare key: whatever holds it. 1 WRU per KB.
   */
  queueAcknowledge(item: AtomicDbQueueItemKey, options?: CallOptions): Promise<void>

  /**
   * Give the message back, to be pulled at once or after `delaySeconds`, or to the dead letters. Receipts as in
   * `queueAcknowledge`. 1 WRU per KB.
   */
  queueRelease(item: AtomicDbQueueItemKey, options?: AtomicDbQueueReleaseOptions): Promise<void>

  /**
   * Keep a pulled message for `ttlSeconds` from now on. It only grows: a message that is kept for longer already stays
   * as it is. `StaleReceipt` when it is no longer ours. 1 WRU per KB.
   */
  queueExtend<T = unknown>(
    item: AtomicDbQueueItem<T>,
    options: CallOptions & { ttlSeconds: number },
  ): Promise<AtomicDbQueueItem<T>>

  /** Counts, by reading the whole queue and its dead-letter queue (default `pk` with `#dead`): 1 RRU per 4 KB. */
  queueStats(pk: string, options?: AtomicDbQueueStatsOptions): Promise<AtomicDbQueueStats>

  /** The messages of a queue in order, whatever their state, without claiming them. 1 RRU per 4 KB. */
  queuePeek<T = unknown>(options: AtomicDbQueuePeekOptions): Promise<AtomicDbQueueItem<T>[]>

  /** Delete all messages of a queue (or the first `limit`), those in processing too. Returns how many. 1 WRU per KB. */
  queuePurge(pk: string, options?: AtomicDbQueuePurgeOptions): Promise<number>

  /**
   * Move dead letters back to where they come from, their receive count at 0, each in one transaction (2 WRU per KB
   * and queue). Returns how many were moved.
   */
  queueRedrive(options: AtomicDbQueueRedriveOptions): Promise<number>

  /**
   * Change an item where it lies, in one round trip: 1 WRU per KB of the item. Makes the item and missing parents
   * of a path where needed (one round trip more). Without `if` the answer is always `applied: true`.
   * `InvalidInput` names path and reason when a change does not fit what is there (add to a string).
   * `OutcomeUnknown` when the reply was lost and the write's own id is not in the row (see `exactlyOnce`).
   */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: NoInfer<Changes<T>>,
    options?: NoInfer<UpdateOptions<T>>,
  ): Promise<UpdateResult<T>>

  /**
   * All operations or none. Up to 100 rows, one operation per row. `RaceCondition` (something changed
   * since it was read) or `ConditionFailed` (a condition of your own does not hold) lists every part that failed.
   * 1 request, 2 WRU per row and KB. Safe against lost replies.
   */
  transact(operations: readonly AtomicDbOperation[], options?: TransactOptions): Promise<TransactResult>
}
