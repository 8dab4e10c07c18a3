/** The messages and options of the queue, part of the contract in interface.ts. */
import type { AtomicDbItem, AtomicDbItemKey, CallOptions } from './interface.ts'

/** A message as it is named to acknowledge, release or extend it: as it was pulled, or by its bare key. */
export interface AtomicDbQueueItemKey extends AtomicDbItemKey {
  /** Proof of this hand-out: acknowledge, release and extend act only while it is current. */
  receipt?: string
  /** Partition key of the row that holds `data`, where the push gave it one of its own (`payloadThreshold`). */
  payloadKey?: string
}

/** A message as it is read from a queue. */
export interface AtomicDbQueueItem<T = unknown> extends AtomicDbItem<T>, AtomicDbQueueItemKey {
  /** Handed out and not yet due again. */
  isProcessing: boolean
  /** When a message in processing is given out again, epoch ms. */
  processingTimeout?: number
  /** How often it was handed out, this time included. */
  receiveCount: number
  /** Epoch ms. */
  enqueuedAt: number
  /** When it was handed out first, epoch ms. */
  firstReceivedAt?: number
  /** Messages of one group keep their order under `strict`. */
  group?: string
  /** What `queueRelease` last said of why it came back. */
  reason?: string
  /** Where a dead letter comes from. */
  deadLetter?: AtomicDbDeadLetter
}

export interface AtomicDbDeadLetter {
  /** The queue that it was in. */
  from: string
  /** Why it was given up. */
  reason: string
  /** When, epoch ms. */
  at: number
  /** How many dead-letter queues it has been through, this one included; absent: this is the first. */
  hops?: number
  /** How often it had been received. */
  receives: number
}

export interface AtomicDbQueueItemInput<T = unknown> {
  /** The queue. */
  pk: string
  /** Left out: a ULID, so that messages come in the order in which they were pushed. */
  sk?: string
  data?: T
  /** When the message expires unread, epoch seconds. */
  ttl?: number
  /** Not given out before so many seconds have passed; no upper bound. Overrides that of the call. */
  delaySeconds?: number
  /** A text that `strict` pulls order by; 1 to 128 bytes. */
  group?: string
  /**
   * The second push with this id to this queue within the window does nothing and returns the first message's key.
   * 1 to 512 bytes. 4 WRU instead of 1: message and marker are written in one transaction. Not with `sk`.
   */
  deduplicationId?: string
}

/** For a queue that was pushed to with `shards`: the same number. */
export interface AtomicDbQueueShards {
  /** A pull visits the shards that have work in turn, and one of the others; an empty one is not read again for a second. */
  shards?: number
}

export interface AtomicDbQueueStatsOptions extends CallOptions, AtomicDbQueueShards {
  /** Default: `pk` with `#dead`. */
  deadLetter?: string
}

export interface AtomicDbQueuePushOptions extends CallOptions {
  /** For messages that do not say it themselves. Default 0. */
  delaySeconds?: number
  /** How long a `deduplicationId` counts. Default 300, as in SQS. */
  deduplicationWindowSeconds?: number
  /**
   * Push through transactions with a token (100 messages each) at 2 WRU per KB, so that a lost reply can never bring
   * back a message that was consumed in between.
   */
  exactlyOnce?: boolean
  /**
   * Spread the messages over so many partition keys (`shardsOf(pk, shards)`), each FIFO: by group, else by the `sk` or
   * `deduplicationId` given, else in turn. Consumers pull with the same number. 1 to 10,000.
   */
  shards?: number
  /**
   * Put `data` of more than so many bytes into a row of its own, so that claim, extension and release cost 1 WRU
   * whatever its size. 3 WRU more for each such message, a read more at the pull, and it expires after 14 days unless
   * its `ttl` says otherwise. Worth it from about 4 KB. Default: never.
   */
  payloadThreshold?: number
}

export interface AtomicDbQueuePullOptions extends CallOptions, AtomicDbQueueShards {
  pk: string
  /** Visibility timeout: after so many seconds an unacknowledged message is given out again. Default 300. */
  ttlSeconds?: number
  /**
   * Order within each group, as SQS FIFO: while an earlier message of a group is in processing or waits for its retry,
   * nothing later in that group is given out; at most one message per group and pull. Messages without a group form
   * one. Every consumer of the queue must pull like this. Reads from the start of the queue at every pull.
   */
  strict?: boolean
  /** Only messages of this group, in strict order. */
  group?: string
  /** A message that was received so often goes to the dead-letter queue instead of being given out once more. */
  maxReceives?: number
  /** The dead-letter queue, where `maxReceives` is given. Default: `pk` with `#dead`. */
  deadLetter?: string
}

export interface AtomicDbQueuePullManyOptions extends AtomicDbQueuePullOptions {
  /** At most so many messages, 1 or more. */
  limit: number
}

export interface AtomicDbQueuePullResult<T = unknown> {
  /** Absent: the queue is empty, or everything in it is being processed or delayed. */
  item?: AtomicDbQueueItem<T>
  /** What this pull moved to the dead letters, if anything: as it lies there. */
  dead?: AtomicDbQueueItem<T>[]
}

export interface AtomicDbQueuePullManyResult<T = unknown> {
  /** In order of `sk`. */
  items: AtomicDbQueueItem<T>[]
  /** What this pull moved to the dead letters, if anything: as it lies there. */
  dead?: AtomicDbQueueItem<T>[]
}

export interface AtomicDbQueueStats {
  /** Can be pulled now. */
  ready: number
  /** Handed out and not yet due again. */
  inFlight: number
  /** Pushed or released with a delay that has not passed. */
  delayed: number
  /** In the dead-letter queue. */
  dead: number
  /** Seconds since the oldest message became available; 0 when there is none. One whose delay lasts does not count. */
  oldestAgeSeconds: number
}

export interface AtomicDbQueuePeekOptions extends CallOptions, AtomicDbQueueShards {
  pk: string
  /** At most so many messages. Default 10. */
  limit?: number
  /** Only messages behind this `sk`. */
  after?: string
}

export interface AtomicDbQueuePurgeOptions extends CallOptions, AtomicDbQueueShards {
  /** At most so many messages, the first ones. Default: all that are there. */
  limit?: number
}

export interface AtomicDbQueueRedriveOptions extends CallOptions {
  /** The dead-letter queue. */
  from: string
  /** Where to. Default: for each message the queue that it comes from. */
  to?: string
  /**
   * For messages that come from a queue with shards: the number of shards that its consumers use now. Without it such
   * a message is `InvalidInput`, because nobody may read the shard that it comes from any more.
   */
  shards?: number
  /** At most so many messages. Default: all that are there. */
  limit?: number
}

export interface AtomicDbQueueReleaseOptions extends CallOptions {
  /** Not given out again before so many seconds have passed. Default 0. */
  delaySeconds?: number
  /** Why it comes back, kept with the message (cut at 256 characters), also when it becomes a dead letter. */
  reason?: string
  /**
   * This hand-out does not count as received: nobody has tried to handle the message. Needs a receipt. Do not use it
   * after a failure: `maxReceives` would never be reached. Default false.
   */
  uncounted?: boolean
  /**
   * Moves the message to this dead-letter queue instead of back into its own: 1 RRU, and 2 WRU per KB and queue.
   * Not with `delaySeconds` or `uncounted`.
   */
  deadLetter?: string
}
