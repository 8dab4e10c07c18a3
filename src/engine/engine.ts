import type {
  AtomicDbInterface,
  AtomicDbOperation,
  AtomicDbQueueCancelOptions,
  AtomicDbQueueFamily,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePauseOptions,
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
  AtomicDbQueueUniqueKey,
  CallOptions,
  TransactOptions,
  TransactResult,
} from '../interface.ts'
import * as check from '../model/option-names.ts'
import type { EngineOptions } from './context.ts'
import { inCall } from './in-call.ts'
import { contextOf, ItemsEngine } from './items-engine.ts'
import { queueOperations, queuesCommitted, queuesPrepared } from './queue/operations.ts'
import * as queue from './queue/queue.ts'
import { itemOperations } from './transact/operations.ts'
import { transact } from './transact/transact.ts'

export type { EngineOptions }

const everyOperation = /* @__PURE__ */ Object.assign({}, itemOperations, queueOperations)

/** The contract over any storage. A database of your own: `class MyDb extends AtomicEngine`, with your `Storage`. */
export class AtomicEngine extends ItemsEngine implements AtomicDbInterface {
  /** @inheritdoc */
  queuePush<T = unknown>(
    given: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: AtomicDbQueuePushOptions,
  ): Promise<AtomicDbQueueItem<T>[]> {
    return inCall(contextOf(this), check.checkPushOptions, options, (context, options) =>
      queue.push<T>(context, given, options),
    )
  }

  /** @inheritdoc */
  queuePull<T = unknown>(options: AtomicDbQueuePullOptions): Promise<AtomicDbQueuePullResult<T>> {
    return inCall(contextOf(this), check.checkPull, options, (context, options) =>
      queue.pull<T>(context, options),
    )
  }

  /** @inheritdoc */
  queuePullMany<T = unknown>(options: AtomicDbQueuePullManyOptions): Promise<AtomicDbQueuePullManyResult<T>> {
    return inCall(contextOf(this), check.checkPullMany, options, (context, options) =>
      queue.pullMany<T>(context, options),
    )
  }

  /** @inheritdoc */
  queueAcknowledge(item: AtomicDbQueueItemKey, options?: CallOptions): Promise<void> {
    return inCall(contextOf(this), check.checkCallOptions, options, (context) =>
      queue.acknowledge(context, item),
    )
  }

  /** @inheritdoc */
  queueRelease(item: AtomicDbQueueItemKey, options?: AtomicDbQueueReleaseOptions): Promise<void> {
    return inCall(contextOf(this), check.checkReleaseOptions, options, (context, options) =>
      queue.release(context, item, options),
    )
  }

  /** @inheritdoc */
  queueExtend<T = unknown>(
    item: AtomicDbQueueItem<T>,
    options: CallOptions & { ttlSeconds: number },
  ): Promise<AtomicDbQueueItem<T>> {
    return inCall(contextOf(this), check.checkExtendOptions, options, (context, options) =>
      queue.extend<T>(context, item, options),
    )
  }

  /** @inheritdoc */
  queueCancel(
    key: AtomicDbQueueItemKey | AtomicDbQueueUniqueKey,
    options?: AtomicDbQueueCancelOptions,
  ): Promise<boolean> {
    return inCall(contextOf(this), check.checkCancelOptions, options, (context, options) =>
      queue.cancel(context, key, options),
    )
  }

  /** @inheritdoc */
  queueStats(
    pk: string | AtomicDbQueueFamily,
    options?: AtomicDbQueueStatsOptions,
  ): Promise<AtomicDbQueueStats> {
    return inCall(contextOf(this), check.checkStatsOptions, options, (context, options) =>
      queue.stats(context, pk, options),
    )
  }

  /** @inheritdoc */
  queuePeek<T = unknown>(options: AtomicDbQueuePeekOptions): Promise<AtomicDbQueueItem<T>[]> {
    return inCall(contextOf(this), check.checkPeekOptions, options, (context, options) =>
      queue.peek<T>(context, options),
    )
  }

  /** @inheritdoc */
  queuePurge(pk: string | AtomicDbQueueFamily, options?: AtomicDbQueuePurgeOptions): Promise<number> {
    return inCall(contextOf(this), check.checkPurgeOptions, options, (context, options) =>
      queue.purge(context, pk, options),
    )
  }

  /** @inheritdoc */
  queueRedrive(options: AtomicDbQueueRedriveOptions): Promise<number> {
    return inCall(contextOf(this), check.checkRedriveOptions, options, (context, options) =>
      queue.redrive(context, options),
    )
  }

  /** @inheritdoc */
  queuePause(pk: string, options?: AtomicDbQueuePauseOptions): Promise<void> {
    return inCall(contextOf(this), check.checkPauseOptions, options, (context, options) =>
      queue.pause(context, pk, options),
    )
  }

  /** @inheritdoc */
  queueResume(pk: string, options?: CallOptions): Promise<void> {
    return inCall(contextOf(this), check.checkCallOptions, options, (context) => queue.resume(context, pk))
  }

  /** @inheritdoc */
  override transact(
    operations: readonly AtomicDbOperation[],
    options?: TransactOptions,
  ): Promise<TransactResult> {
    return inCall(contextOf(this), check.checkTransactOptions, options, (context, options) =>
      transact(context, everyOperation, operations, options, queuesPrepared, queuesCommitted),
    )
  }
}
