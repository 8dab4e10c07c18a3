import type { Changes } from '../changes.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbLockedItem,
  AtomicDbOperation,
  AtomicDbPage,
  AtomicDbPageQuery,
  AtomicDbQuery,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueuePushOptions,
  AtomicDbQueueRedriveOptions,
  AtomicDbQueueReleaseOptions,
  AtomicDbQueueStats,
  AtomicDbQueueStatsOptions,
  AtomicDbRange,
  CallOptions,
  DeleteRangeOptions,
  DeleteRangeResult,
  ReadOptions,
  TransactOptions,
  TransactResult,
  UpdateOptions,
  UpdateResult,
} from '../interface.ts'
import { idSource, type Runtime, systemRuntime, ulidSource } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import type { Context } from './context.ts'
import { count } from './count.ts'
import { type CursorSecret, checkSecret } from './cursor.ts'
import { deleteRange } from './delete-range.ts'
import * as items from './items.ts'
import * as locks from './locks.ts'
import { page } from './page.ts'
import * as queue from './queue/queue.ts'
import type { AtomicDbEvent, RetryOptions } from './retry.ts'
import { getTogether } from './together.ts'
import { setAtomic, transact } from './transact.ts'
import { update } from './update.ts'

export interface EngineOptions {
  /** Time and chance; default those of the system. */
  runtime?: Runtime
  /** Waiting and trying again when the backend refuses or does not answer. */
  retry?: RetryOptions
  /** Told of every try that is repeated; must not throw. */
  onEvent?: (event: AtomicDbEvent) => void
  /**
   * Signs the cursors of `page`, so that nobody else can make or change one: the same secret in every process, at
   * least 16 characters or bytes. Without it a cursor is checked against accidents only.
   */
  cursorSecret?: CursorSecret
}

/** The contract over any storage. A database of your own: `class MyDb extends AtomicEngine`, with your `Storage`. */
export class AtomicEngine implements AtomicDbInterface {
  readonly runtime: Runtime
  readonly #context: Context

  constructor(storage: Storage, options: EngineOptions = {}) {
    this.runtime = options.runtime ?? systemRuntime
    checkSecret(options.cursorSecret)
    this.#context = Object.freeze({
      cursorSecret: options.cursorSecret,
      storage,
      runtime: this.runtime,
      retry: Object.freeze({ ...options.retry }),
      onEvent: options.onEvent,
      ulid: ulidSource(this.runtime),
      id: idSource(this.runtime),
    })
  }

  /** @inheritdoc */
  get<T = unknown>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined> {
    return items.get<T>(this.#context, key, options)
  }

  /** @inheritdoc */
  getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    return items.getMany<T>(this.#context, keys, options)
  }

  /** @inheritdoc */
  getTogether<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    return getTogether<T>(this.#context, keys, options)
  }

  /** @inheritdoc */
  getLock(key: AtomicDbItemKey, options?: CallOptions): Promise<AtomicDbItemLock> {
    return locks.getLock(this.#context, key, options)
  }

  /** @inheritdoc */
  getLocked<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<AtomicDbLockedItem<T>[]> {
    return locks.getLocked<T>(this.#context, keys, options)
  }

  /** @inheritdoc */
  set(given: AtomicDbItemInput | readonly AtomicDbItemInput[], options?: CallOptions): Promise<void> {
    return items.set(this.#context, given, options)
  }

  /** @inheritdoc */
  setAtomic(
    given: AtomicDbItemInput | readonly AtomicDbItemInput[],
    held: AtomicDbItemLock | readonly AtomicDbItemLock[],
    options?: CallOptions,
  ): Promise<AtomicDbItemLock[]> {
    return setAtomic(this.#context, given, held, options)
  }

  /** @inheritdoc */
  delete(keys: AtomicDbItemKey | readonly AtomicDbItemKey[], options?: CallOptions): Promise<void> {
    return items.remove(this.#context, keys, options)
  }

  /** @inheritdoc */
  query<T = unknown>(query: AtomicDbQuery): Promise<AtomicDbItem<T>[]> {
    return items.query<T>(this.#context, query)
  }

  /** @inheritdoc */
  stream<T = unknown>(query: AtomicDbQuery): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>> {
    return items.stream<T>(this.#context, query) as unknown as NodeJS.ReadableStream &
      AsyncIterable<AtomicDbItem<T>>
  }

  /** @inheritdoc */
  page<T = unknown>(query: AtomicDbPageQuery): Promise<AtomicDbPage<T>> {
    return page<T>(this.#context, query)
  }

  /** @inheritdoc */
  count(query: AtomicDbQuery): Promise<number> {
    return count(this.#context, query)
  }

  /** @inheritdoc */
  deleteRange(range: AtomicDbRange, options?: DeleteRangeOptions): Promise<DeleteRangeResult> {
    return deleteRange(this.#context, range, options)
  }

  /** @inheritdoc */
  queuePush<T = unknown>(
    given: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: AtomicDbQueuePushOptions,
  ): Promise<AtomicDbQueueItem<T>[]> {
    return queue.push<T>(this.#context, given, options)
  }

  /** @inheritdoc */
  queuePull<T = unknown>(options: AtomicDbQueuePullOptions): Promise<AtomicDbQueuePullResult<T>> {
    return queue.pull<T>(this.#context, options)
  }

  /** @inheritdoc */
  queuePullMany<T = unknown>(
    options: AtomicDbQueuePullManyOptions,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    return queue.pullMany<T>(this.#context, options)
  }

  /** @inheritdoc */
  queueAcknowledge(item: AtomicDbQueueItemKey, options?: CallOptions): Promise<void> {
    return queue.acknowledge(this.#context, item, options)
  }

  /** @inheritdoc */
  queueRelease(item: AtomicDbQueueItemKey, options?: AtomicDbQueueReleaseOptions): Promise<void> {
    return queue.release(this.#context, item, options)
  }

  /** @inheritdoc */
  queueExtend<T = unknown>(
    item: AtomicDbQueueItem<T>,
    options: CallOptions & { ttlSeconds: number },
  ): Promise<AtomicDbQueueItem<T>> {
    return queue.extend<T>(this.#context, item, options)
  }

  /** @inheritdoc */
  queueStats(pk: string, options?: AtomicDbQueueStatsOptions): Promise<AtomicDbQueueStats> {
    return queue.stats(this.#context, pk, options)
  }

  /** @inheritdoc */
  queuePeek<T = unknown>(options: AtomicDbQueuePeekOptions): Promise<AtomicDbQueueItem<T>[]> {
    return queue.peek<T>(this.#context, options)
  }

  /** @inheritdoc */
  queuePurge(pk: string, options?: AtomicDbQueuePurgeOptions): Promise<number> {
    return queue.purge(this.#context, pk, options)
  }

  /** @inheritdoc */
  queueRedrive(options: AtomicDbQueueRedriveOptions): Promise<number> {
    return queue.redrive(this.#context, options)
  }

  /** @inheritdoc */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: Changes,
    options?: UpdateOptions,
  ): Promise<UpdateResult<T>> {
    return update<T>(this.#context, key, changes, options)
  }

  /** @inheritdoc */
  transact(operations: readonly AtomicDbOperation[], options?: TransactOptions): Promise<TransactResult> {
    return transact(this.#context, operations, options)
  }
}
