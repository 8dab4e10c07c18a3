import type { CallOptions } from './options.ts'
import type {
  AtomicDbQueueCancelOptions,
  AtomicDbQueueFamily,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePauseOptions,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueuePushOptions,
  AtomicDbQueueRedriveOptions,
  AtomicDbQueueReleaseOptions,
  AtomicDbQueueUniqueKey,
} from './queue.ts'
import type {
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullManyResult,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
} from './queue-pull.ts'
import type { AtomicDbQueueStats, AtomicDbQueueStatsOptions } from './queue-stats.ts'

/** The queue's part of the contract in interface.ts. */
export interface AtomicDbQueueInterface {
  /**
   * Appends messages, any number, in order. 1 request per 25, 1 WRU per KB; for each message with an `sk` of its own
   * 1 request and 2 WRU per KB. Everything is checked before anything is sent.
   *
   * @throws ConditionFailed when a message with this `sk` is there already.
   * @throws PartialWrite when the retries are used up: `keys` lists what was not written.
   * @example
   * await db.queuePush([{ pk: 'jobs', data: { id: 1 } }, { pk: 'jobs', data: { id: 2 }, delaySeconds: 60 }])
   */
  queuePush<T = unknown>(
    items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: AtomicDbQueuePushOptions,
  ): Promise<AtomicDbQueueItem<T>[]>

  /**
   * Claims the first message that is available. About 1 RRU and 1 WRU per KB. A lone consumer gets exact order. Where
   * claims collide, each consumer takes one of the first few messages, so that they keep out of each other's way.
   *
   * @example
   * const { item } = await db.queuePull<{ id: number }>({ pk: 'jobs', ttlSeconds: 60 })
   * if (item) console.log(item.data.id, item.receiveCount)
   */
  queuePull<T = unknown>(options: AtomicDbQueuePullOptions): Promise<AtomicDbQueuePullResult<T>>

  /**
   * Claims up to `limit` messages with one query. About 1 RRU and 1 WRU per KB and message.
   *
   * @example
   * const { items } = await db.queuePullMany<{ id: number }>({ pk: 'jobs', limit: 10 })
   */
  queuePullMany<T = unknown>(options: AtomicDbQueuePullManyOptions): Promise<AtomicDbQueuePullManyResult<T>>

  /**
   * Deletes a message that is done. A pulled message (with its receipt) is deleted only while it is still ours; a bare
   * key deletes the message whoever holds it. 1 WRU per KB.
   *
   * @throws StaleReceipt when the message is no longer ours.
   * @example
   * const { item } = await db.queuePull({ pk: 'jobs' })
   * if (item) await db.queueAcknowledge(item)
   */
  queueAcknowledge(item: AtomicDbQueueItemKey, options?: CallOptions): Promise<void>

  /**
   * Gives a message back, to be pulled at once or after `delaySeconds`, or moves it to the dead letters. Receipts count
   * as in `queueAcknowledge`. 1 WRU per KB.
   *
   * @throws StaleReceipt when the message is no longer ours.
   * @example
   * const { item } = await db.queuePull({ pk: 'jobs' })
   * if (item) await db.queueRelease(item, { delaySeconds: 30, reason: 'the mail server is down' })
   */
  queueRelease(item: AtomicDbQueueItemKey, options?: AtomicDbQueueReleaseOptions): Promise<void>

  /**
   * Keeps a pulled message for `ttlSeconds` from now on. A message that is kept for longer already stays as it is.
   * 1 WRU per KB.
   *
   * @throws StaleReceipt when the message is no longer ours.
   * @example
   * const { item } = await db.queuePull({ pk: 'jobs' })
   * if (item) await db.queueExtend(item, { ttlSeconds: 600 })
   */
  queueExtend<T = unknown>(
    item: AtomicDbQueueItem<T>,
    options: CallOptions & { ttlSeconds: number },
  ): Promise<AtomicDbQueueItem<T>>

  /**
   * Deletes a message that waits: one that is ready or delayed, or whose visibility timeout passed two seconds ago. `true`: it
   * was deleted, and nobody is given it any more. `false`: it is in processing, or not there (any more). The key is that
   * of `queuePush`, or the queue and the `uniqueId`. 2 requests, 1 RRU and 2 WRU per KB; by its `uniqueId` 1 RRU more. With
   * `set` an item is written in the same transaction, for example that it was cancelled.
   *
   * @example
   * const [pushed] = await db.queuePush({ pk: 'mails', data: { to: 'ann' }, delaySeconds: 600 })
   * const isCancelled = await db.queueCancel(pushed!)
   */
  queueCancel(
    key: AtomicDbQueueItemKey | AtomicDbQueueUniqueKey,
    options?: AtomicDbQueueCancelOptions,
  ): Promise<boolean>

  /**
   * Counts the messages of a queue, of its dead-letter queue and of what is due later, up to `limit`: 1 RRU per 4 KB and 1 RRU
   * for whether it is paused and what lies behind the limit with a lower priority. With the default at most 700 rows: over any backlog of messages of 0.85 KB 150 RRU, once a
   * minute $0.80 a month. Of shards, and of a family, at most 64 are looked at, others at each reading.
   *
   * @example
   * const { ready, inFlight, dead } = await db.queueStats('jobs')
   */
  queueStats(
    pk: string | AtomicDbQueueFamily,
    options?: AtomicDbQueueStatsOptions,
  ): Promise<AtomicDbQueueStats>

  /**
   * Reads the messages of a queue in order, whatever their state, without claiming them. 1 RRU per 4 KB.
   *
   * @example
   * const next = await db.queuePeek({ pk: 'jobs', limit: 3 })
   */
  queuePeek<T = unknown>(options: AtomicDbQueuePeekOptions): Promise<AtomicDbQueueItem<T>[]>

  /**
   * Deletes all messages of a queue, or of a family, or the first `limit`, those in processing too. Returns how many. 1 WRU
   * per KB.
   *
   * @throws PartialWrite when the backend ends it early: `done` says how many. Another call goes on.
   * @example
   * const deleted = await db.queuePurge('jobs')
   */
  queuePurge(pk: string | AtomicDbQueueFamily, options?: AtomicDbQueuePurgeOptions): Promise<number>

  /**
   * Moves dead letters back to where they come from, with receive count 0. Returns how many were moved. Each one is a
   * transaction: 2 WRU per KB and queue.
   *
   * @throws PartialWrite when the backend ends it early: `done` says how many. Another call goes on.
   * @example
   * const moved = await db.queueRedrive({ from: 'jobs#dead' })
   */
  queueRedrive(options: AtomicDbQueueRedriveOptions): Promise<number>

  /**
   * Stops giving out the messages of a queue, with all its shards. What is given out already can be acknowledged and
   * released, and pushes go on. Consumers of this database see it at once, others within their next look, but a busy one
   * within four seconds. 2 RRU and 2 WRU.
   *
   * @throws InvalidInput when `until` is no time, or is past.
   * @example
   * await db.queuePause('jobs', { until: Date.now() + 3_600_000 })
   */
  queuePause(pk: string, options?: AtomicDbQueuePauseOptions): Promise<void>

  /**
   * Gives the messages of a paused queue out again. Nothing happens to a queue that is not paused. 2 RRU and 2 WRU.
   *
   * @example
   * await db.queueResume('jobs')
   */
  queueResume(pk: string, options?: CallOptions): Promise<void>
}
