import type { Changes } from '../contract/changes.ts'
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
  OldItem,
  ReadOptions,
  TransactOptions,
  TransactResult,
  UpdateOptions,
  UpdateResult,
  WriteOptions,
} from '../interface.ts'
import * as check from '../model/option-names.ts'
import type { Runtime } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import { type Context, type EngineOptions, newContext } from './context.ts'
import { inCall } from './in-call.ts'
import * as items from './items.ts'
import * as locks from './locks.ts'
import { count } from './query/count.ts'
import { deleteRange } from './query/delete-range.ts'
import { page } from './query/page.ts'
import { stream } from './query/stream.ts'
import { getTogether } from './query/together.ts'
import * as queue from './queue/queue.ts'
import { setAtomic, transact } from './transact/transact.ts'
import { update } from './update/update.ts'

export type { EngineOptions }

/** The contract over any storage. A database of your own: `class MyDb extends AtomicEngine`, with your `Storage`. */
export class AtomicEngine implements AtomicDbInterface {
  readonly runtime: Runtime
  /** Bound on each call that does not say otherwise, ms. */
  readonly timeoutMs: number | undefined
  readonly #context: Context

  constructor(storage: Storage, options: EngineOptions = {}) {
    this.#context = newContext(storage, options)
    this.runtime = this.#context.runtime
    this.timeoutMs = this.#context.timeoutMs
  }

  /** @inheritdoc */
  get<T = unknown>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined> {
    return inCall(this.#context, check.checkReadOptions, options, (context, options) =>
      items.get<T>(context, key, options),
    )
  }

  /** @inheritdoc */
  getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    return inCall(this.#context, check.checkReadOptions, options, (context, options) =>
      items.getMany<T>(context, keys, options),
    )
  }

  /** @inheritdoc */
  getTogether<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    return inCall(this.#context, check.checkCallOptions, options, (context) => getTogether<T>(context, keys))
  }

  /** @inheritdoc */
  getLock(key: AtomicDbItemKey, options?: CallOptions): Promise<AtomicDbItemLock> {
    return inCall(this.#context, check.checkCallOptions, options, (context) => locks.getLock(context, key))
  }

  /** @inheritdoc */
  getLocked<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<AtomicDbLockedItem<T>[]> {
    return inCall(this.#context, check.checkCallOptions, options, (context) =>
      locks.getLocked<T>(context, keys),
    )
  }

  /** @inheritdoc */
  set<T = unknown>(
    given: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return inCall(this.#context, check.checkSetOptions, options, (context, options) =>
      items.set<T>(context, given, options),
    )
  }

  /** @inheritdoc */
  setAtomic<T = unknown>(
    given: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    held: AtomicDbItemLock | readonly AtomicDbItemLock[],
    options?: CallOptions,
  ): Promise<AtomicDbItemLock[]> {
    return inCall(this.#context, check.checkSetOptions, options, (context) => setAtomic(context, given, held))
  }

  /** @inheritdoc */
  delete<T = unknown>(
    keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return inCall(this.#context, check.checkDeleteOptions, options, (context, options) =>
      items.remove<T>(context, keys, options),
    )
  }

  /** @inheritdoc */
  query<T = unknown>(query: NoInfer<AtomicDbQuery<T>>): Promise<AtomicDbItem<T>[]> {
    return inCall(this.#context, check.checkQuery, query as AtomicDbQuery, (context, query) =>
      items.query<T>(context, query),
    )
  }

  /** @inheritdoc */
  stream<T = unknown>(
    query: NoInfer<AtomicDbQuery<T>>,
  ): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>> {
    return stream<T>(this.#context, query as AtomicDbQuery) as unknown as NodeJS.ReadableStream &
      AsyncIterable<AtomicDbItem<T>>
  }

  /** @inheritdoc */
  page<T = unknown>(query: NoInfer<AtomicDbPageQuery<T>>): Promise<AtomicDbPage<T>> {
    return inCall(this.#context, check.checkPageQuery, query as AtomicDbPageQuery, (context, query) =>
      page<T>(context, query),
    )
  }

  /** @inheritdoc */
  count(query: AtomicDbQuery): Promise<number> {
    return inCall(this.#context, check.checkCountQuery, query, (context, query) => count(context, query))
  }

  /** @inheritdoc */
  deleteRange(range: AtomicDbRange, options?: DeleteRangeOptions): Promise<DeleteRangeResult> {
    return inCall(this.#context, check.checkDeleteRangeOptions, options, (context, options) =>
      deleteRange(context, range, options),
    )
  }

  /** @inheritdoc */
  queuePush<T = unknown>(
    given: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: AtomicDbQueuePushOptions,
  ): Promise<AtomicDbQueueItem<T>[]> {
    return inCall(this.#context, check.checkPushOptions, options, (context, options) =>
      queue.push<T>(context, given, options),
    )
  }

  /** @inheritdoc */
  queuePull<T = unknown>(options: AtomicDbQueuePullOptions): Promise<AtomicDbQueuePullResult<T>> {
    return inCall(this.#context, check.checkPull, options, (context, options) =>
      queue.pull<T>(context, options),
    )
  }

  /** @inheritdoc */
  queuePullMany<T = unknown>(
    options: AtomicDbQueuePullManyOptions,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    return inCall(this.#context, check.checkPullMany, options, (context, options) =>
      queue.pullMany<T>(context, options),
    )
  }

  /** @inheritdoc */
  queueAcknowledge(item: AtomicDbQueueItemKey, options?: CallOptions): Promise<void> {
    return inCall(this.#context, check.checkCallOptions, options, (context) =>
      queue.acknowledge(context, item),
    )
  }

  /** @inheritdoc */
  queueRelease(item: AtomicDbQueueItemKey, options?: AtomicDbQueueReleaseOptions): Promise<void> {
    return inCall(this.#context, check.checkReleaseOptions, options, (context, options) =>
      queue.release(context, item, options),
    )
  }

  /** @inheritdoc */
  queueExtend<T = unknown>(
    item: AtomicDbQueueItem<T>,
    options: CallOptions & { ttlSeconds: number },
  ): Promise<AtomicDbQueueItem<T>> {
    return inCall(this.#context, check.checkExtendOptions, options, (context, options) =>
      queue.extend<T>(context, item, options),
    )
  }

  /** @inheritdoc */
  queueStats(pk: string, options?: AtomicDbQueueStatsOptions): Promise<AtomicDbQueueStats> {
    return inCall(this.#context, check.checkStatsOptions, options, (context, options) =>
      queue.stats(context, pk, options),
    )
  }

  /** @inheritdoc */
  queuePeek<T = unknown>(options: AtomicDbQueuePeekOptions): Promise<AtomicDbQueueItem<T>[]> {
    return inCall(this.#context, check.checkPeekOptions, options, (context, options) =>
      queue.peek<T>(context, options),
    )
  }

  /** @inheritdoc */
  queuePurge(pk: string, options?: AtomicDbQueuePurgeOptions): Promise<number> {
    return inCall(this.#context, check.checkPurgeOptions, options, (context, options) =>
      queue.purge(context, pk, options),
    )
  }

  /** @inheritdoc */
  queueRedrive(options: AtomicDbQueueRedriveOptions): Promise<number> {
    return inCall(this.#context, check.checkRedriveOptions, options, (context, options) =>
      queue.redrive(context, options),
    )
  }

  /** @inheritdoc */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: NoInfer<Changes<T>>,
    options?: NoInfer<UpdateOptions<T>>,
  ): Promise<UpdateResult<T>> {
    return inCall(
      this.#context,
      check.checkUpdateOptions,
      options as UpdateOptions | undefined,
      (context, options) => update<T>(context, key, changes as unknown as Changes, options),
    )
  }

  /** @inheritdoc */
  transact(operations: readonly AtomicDbOperation[], options?: TransactOptions): Promise<TransactResult> {
    return inCall(this.#context, check.checkTransactOptions, options, (context, options) =>
      transact(context, operations, options),
    )
  }
}
