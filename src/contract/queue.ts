/** The messages and options of the queue, part of the contract in interface.ts. */
import type { AtomicDbItem, AtomicDbItemInput, AtomicDbItemKey } from './items.ts'
import type { CallOptions } from './options.ts'

/** What names a message to acknowledge, release or extend it: the message as it was pulled, or its bare key. */
export interface AtomicDbQueueItemKey extends AtomicDbItemKey {
  /** Proves this hand-out: acknowledge, release and extend act only while the receipt is current. */
  receipt?: string
  /** Partition key of the row that holds `data`, where the push made one (`payloadThreshold`). */
  payloadKey?: string
}

/** A message as it is read from a queue. */
export interface AtomicDbQueueItem<T = unknown> extends AtomicDbItem<T>, AtomicDbQueueItemKey {
  /** Whether the message is handed out and not yet due again. */
  isProcessing: boolean
  /** When a message in processing is given out again, epoch ms. */
  processingTimeout?: number
  /** When a delayed message can be given out, epoch ms. Absent: it can be now, or it is in processing. */
  dueAt?: number
  /** Number of hand-outs, this one included. */
  receiveCount: number
  /** When the message was pushed, epoch ms. */
  enqueuedAt: number
  /** When the message was handed out first, epoch ms. */
  firstReceivedAt?: number
  /** The family of queues that its queue belongs to. */
  family?: string
  /** The queue, or its shard, that it was pushed to, where it lies with those that are due later (`at`). */
  queue?: string
  /** The group. Messages of one group keep their order under `strict`. */
  group?: string
  /** Its priority, where that is not `normal`. */
  priority?: 'high' | 'normal' | 'low'
  /** The trace that the push belongs to, as W3C Trace Context writes it. */
  traceparent?: string
  /** The `reason` that the last `queueRelease` gave. */
  reason?: string
  /** For a dead letter: where it comes from, and why. */
  deadLetter?: AtomicDbDeadLetter
  /** The `uniqueId` that it was pushed with. */
  uniqueId?: string
  /** Of what a push returns: nothing was pushed, because the message at this key has the same id. */
  isDuplicate?: true
}

/** Names a message by the `uniqueId` that it was pushed with. */
export interface AtomicDbQueueUniqueKey {
  /** The queue. */
  pk: string
  uniqueId: string
}

/** A message that was taken out of its queue after too many tries. */
export interface AtomicDbDeadLetter {
  /** The queue that the message was in. */
  from: string
  /** Why the message was given up. */
  reason: string
  /** When, epoch ms. */
  at: number
  /** Number of dead-letter queues that the message has been through, this one included. Absent: this is the first. */
  hops?: number
  /** How often the message had been received. */
  receives: number
}

/** A message to push. */
export interface AtomicDbQueueItemInput<T = unknown> {
  /** The queue. */
  pk: string
  /**
   * A key of your own: a push to a key that is taken is `ConditionFailed`.
   * @default a ULID, so that messages come in the order in which they were pushed
   */
  sk?: string
  data?: T
  /** When the message expires unread, epoch seconds. */
  ttl?: number
  /**
   * Seconds before the message is given out, without an upper limit. Overrides that of the call. From 30 seconds on, a
   * message without `sk`, `group` and `family` lies apart from the others, in the order in which such messages are due,
   * and takes its place in the queue by the time when it is due.
   */
  delaySeconds?: number
  /** The time before which the message is not given out: a `Date` or epoch ms, up to the year 9999. As `delaySeconds`. */
  at?: Date | number
  /**
   * The family of queues that `pk` belongs to, and begins with: `mails/` of `mails/customer-7`. Consumers pull from the
   * family, whose queues nobody has to list. The first push to a queue within 20 seconds costs 0.5 RRU and 1 WRU more.
   */
  family?: string
  /** The group by which `strict` pulls keep order. 1 to 128 bytes. */
  group?: string
  /**
   * Messages of one priority keep their order. While all have messages, a consumer is given 12 high, 3 normal and 1 low
   * of 16; what one does not use goes to the others, higher ones first. Costs no more than a message without. Not with
   * `sk` and `group`, whose place is said already; `strict` pulls give high ones first, without a share for others.
   * @default 'normal'
   */
  priority?: 'high' | 'normal' | 'low'
  /**
   * The trace that the message belongs to, for its consumers: a `traceparent` of W3C Trace Context. It is kept in dead
   * letters and redriven ones. 27 bytes. `withTracing` (`lockrow/otel`) sets it.
   */
  traceparent?: string
  /**
   * A second push with this id to this queue within the window does nothing and returns the key of the first message.
   * 1 to 512 bytes. Costs 4 WRU instead of 1: message and marker are written in one transaction. Not with `sk`.
   */
  deduplicationId?: string
  /**
   * While a message with this id is in the queue, waiting or in processing, a second push with it does nothing and
   * returns the key of that message, with `isDuplicate`: until it is acknowledged, a dead letter, cancelled or expired.
   * 1 to 512 bytes. Costs 4 WRU and 0.5 RRU instead of 1 WRU, and 1 RRU more where the id was used before; an
   * acknowledgement costs no more. Counts for 30 days from when the message can be given out, and longer where it is
   * pushed again meanwhile.
   */
  uniqueId?: string
}

/** For a queue that was pushed to with `shards`: the same number. */
export interface AtomicDbQueueShards {
  /** A pull visits the shards that have work in turn, and one of the others. It reads an empty shard at most once a second. */
  shards?: number
}

/** All queues that were pushed to with this `family`, as far as they may have messages. */
export interface AtomicDbQueueFamily {
  family: string
}

/** Options of `queuePush`. */
export interface AtomicDbQueuePushOptions extends CallOptions {
  /**
   * Seconds before messages are given out that have no `delaySeconds` of their own.
   * @default 0
   */
  delaySeconds?: number
  /**
   * How long a `deduplicationId` counts, seconds.
   * @default 300, as in SQS
   */
  deduplicationWindowSeconds?: number
  /**
   * Push through transactions with a token (100 messages each), so that a lost reply never brings back a message that
   * was consumed in between. 2 WRU per KB instead of 1.
   * @default false
   */
  exactlyOnce?: boolean
  /**
   * Spread the messages over this number of partition keys (`shardsOf(pk, shards)`), 1 to 10,000. Each one is FIFO.
   * Messages are assigned by group, else by the given `sk` or `deduplicationId`, else in turn. Consumers pull with the
   * same number.
   * @default all messages are at `pk`
   */
  shards?: number
  /**
   * Store `data` of more than this number of bytes in a row of its own, so that claim, extension and release cost
   * 1 WRU whatever its size. Each such message costs 3 WRU more, and one read more at the pull. It expires after 14 days
   * unless its `ttl` says otherwise. Worth it from about 4 KB.
   * @default never
   */
  payloadThreshold?: number
}

/** Options of `queuePeek`. */
export interface AtomicDbQueuePeekOptions extends CallOptions, AtomicDbQueueShards {
  /** The queue. Either this or `family`. */
  pk?: string
  /** The first queues of this family that have messages. Not with `shards`, `after` or `sk`. */
  family?: string
  /**
   * Maximum number of messages.
   * @default 10
   */
  limit?: number
  /** Only messages behind this `sk`. */
  after?: string
  /** Only the message with this key, 1 RRU per 4 KB. Not with `limit`, `after` or `shards`: `pk` names the shard. */
  sk?: string
}

/** Options of `queuePurge`. */
export interface AtomicDbQueuePurgeOptions extends CallOptions, AtomicDbQueueShards {
  /**
   * Maximum number of messages to delete, the first ones.
   * @default all
   */
  limit?: number
}

/** Options of `queueRedrive`. */
export interface AtomicDbQueueRedriveOptions extends CallOptions {
  /** The dead-letter queue. */
  from: string
  /**
   * The queue to move to.
   * @default for each message the queue that it comes from
   */
  to?: string
  /** The family of queues that `to` belongs to. Messages that go back to where they come from know theirs. */
  family?: string
  /**
   * For messages that come from a queue with shards: the number of shards that its consumers use now. Without it, such
   * a message is `InvalidInput`, because perhaps nobody reads the shard that it comes from any more.
   */
  shards?: number
  /**
   * Maximum number of messages to move.
   * @default all
   */
  limit?: number
}

/** Options of `queueCancel`. */
export interface AtomicDbQueueCancelOptions extends CallOptions {
  /** An item that is written in the same transaction, if the message is cancelled: 2 WRU per KB more. */
  set?: AtomicDbItemInput
}

/** Options of `queuePause`. */
export interface AtomicDbQueuePauseOptions extends CallOptions {
  /**
   * When the queue goes on by itself: a `Date`, or epoch ms.
   * @default when `queueResume` is called
   */
  until?: Date | number
}

/** Options of `queueRelease`. */
export interface AtomicDbQueueReleaseOptions extends CallOptions {
  /**
   * Seconds before the message is given out again.
   * @default 0
   */
  delaySeconds?: number
  /** Why the message comes back. Kept with the message, also as a dead letter; cut at 256 characters. */
  reason?: string
  /**
   * Do not count this hand-out as received, because nobody has tried to handle the message. Needs a receipt. Do not use
   * it after a failure: `maxReceives` would never be reached.
   * @default false
   */
  uncounted?: boolean
  /**
   * Move the message to this dead-letter queue instead of back into its own. 1 RRU, and 2 WRU per KB and queue.
   * Not with `delaySeconds` or `uncounted`.
   */
  deadLetter?: string
}
