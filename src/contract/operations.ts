/** The operations of a transaction. */
import type { Changes } from './changes.ts'
import type { Condition } from './conditions.ts'
import type { AtomicDbItemInput, AtomicDbItemKey, AtomicDbItemLock } from './items.ts'
import type { CallOptions } from './options.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePushOptions,
} from './queue.ts'

/** One operation of a transaction. */
export type AtomicDbOperation =
  /** The lock must be unchanged. 2 WRU. */
  | { type: 'check'; lock: AtomicDbItemLock }
  /** The condition must hold for the item; a key that holds a lock counts as empty. 2 WRU. */
  | { type: 'check'; key: AtomicDbItemKey; if: Condition }
  /** The lock must be unchanged and gets a new version. 2 WRU. */
  | { type: 'bump'; lock: AtomicDbItemLock }
  /**
   * The lock at this key (see `lockKey`) gets a new version whatever its version is, so that everybody who has read it
   * notices. The lock is made where there is none; an item at this key stays as it is. 2 WRU.
   */
  | { type: 'bump'; key: AtomicDbItemKey }
  /** Write the item, whatever is there. 2 WRU per KB, as all below. */
  | { type: 'set'; item: AtomicDbItemInput; if?: Condition }
  /** Write the item; there must be none. */
  | { type: 'setIfAbsent'; item: AtomicDbItemInput }
  | { type: 'delete'; key: AtomicDbItemKey; if?: Condition }
  | { type: 'update'; key: AtomicDbItemKey; changes: Changes; if?: Condition }
  /**
   * Push a message. Where its `deduplicationId` or `uniqueId` is taken the push is left out and the rest commits: what is
   * returned for it has `isDuplicate`. 1 row more for each of its ids, and for a payload of its own.
   */
  | ({ type: 'queuePush'; item: AtomicDbQueueItemInput } & Pick<
      AtomicDbQueuePushOptions,
      'shards' | 'payloadThreshold' | 'deduplicationWindowSeconds'
    >)
  /** Delete the message. With a receipt it must still be ours; by its bare key it goes whoever holds it. */
  | { type: 'queueAcknowledge'; item: AtomicDbQueueItemKey }

/** Options of `transact`. */
export interface TransactOptions extends CallOptions {
  /**
   * Calls with the same key within ten minutes are applied once, from any process: later calls return the result of
   * the first. The key has 1 to 1000 bytes and is remembered for at most twenty minutes. It costs one row more, 2 WRU.
   * The same key with other content is `IdempotencyMismatch`.
   */
  idempotencyKey?: string
}

/** What a transaction did. */
export interface TransactResult {
  /** The locks of `bump` and `check` with a `lock`, as they are now, in the order given. */
  locks: AtomicDbItemLock[]
  /** The messages pushed, in the order given. */
  pushed: AtomicDbQueueItem[]
}
