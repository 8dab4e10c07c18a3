/** The options of a pull and what it finds, part of the contract in interface.ts. */
import type { CallOptions } from './options.ts'
import type { AtomicDbQueueItem, AtomicDbQueueShards } from './queue.ts'

/** Options of `queuePull`. */
export interface AtomicDbQueuePullOptions extends CallOptions, AtomicDbQueueShards {
  /** The queue. Either this or `family`. */
  pk?: string
  /**
   * Pull from all queues that were pushed to with this `family`, in fair turns: a customer's million messages do not keep
   * back another's one. Queues without messages cost nothing. Dead letters go to the family's own queue, `family` with
   * `#dead`. Not with `shards` or `group`.
   */
  family?: string
  /**
   * `false`: a look at a queue that is likely to be empty, eventually consistent: 0.5 RRU, where all of the queue fits
   * into 4 KB. A message of the last second may be missed. Where there is more to read, the ordinary pull follows.
   * @default true
   */
  consistent?: boolean
  /**
   * Visibility timeout: seconds after which an unacknowledged message is given out again.
   * @default 300
   */
  ttlSeconds?: number
  /**
   * Keep the order within each group, as SQS FIFO does: while an earlier message of a group is in processing or waits
   * for its retry, no later one of that group is given out. A pull gives out at most one message per group. Messages
   * without a group form one group. Every consumer of the queue must pull with `strict`. Reads the whole queue once,
   * then what is new.
   * @default false
   */
  strict?: boolean
  /** Pull only messages of this group, in strict order. */
  group?: string
  /**
   * Pass over messages of these groups, at most 1000: those behind them come first. What is passed over is looked at
   * again as what is in flight is, within 10 RRU a second. Not with `strict` or `group`.
   */
  exceptGroups?: readonly string[]
  /**
   * Maximum number of receives. After that the message goes to the dead-letter queue instead of being given out again.
   * @default no limit
   */
  maxReceives?: number
  /**
   * The dead-letter queue, for `maxReceives`.
   * @default `pk` with `#dead`
   */
  deadLetter?: string
}

/** Options of `queuePullMany`. */
export interface AtomicDbQueuePullManyOptions extends AtomicDbQueuePullOptions {
  /** Maximum number of messages, 1 or more. */
  limit: number
}

/** What a pull says beside the messages. */
export interface AtomicDbQueueOutlook {
  /**
   * The next moment at which something that is known can be given out: a delay ends, or a visibility timeout. Epoch ms,
   * always in the future. A message that is pushed or released meanwhile can come before. It may be too early: of
   * a message that another process holds it is the deadline as it was read last, also after that one was acknowledged or
   * extended; in an answer with messages the same is true of what this process held. A pull at that time finds nothing and
   * says the next one.
   */
  nextDue?: number
  /** The queue is paused: nothing is given out. */
  paused?: true
  /** Number of messages that another consumer was given first. A reason to pull less often. */
  missed?: number
}

/** What one `queuePull` found. */
export interface AtomicDbQueuePullResult<T = unknown> extends AtomicDbQueueOutlook {
  /** Absent when the queue is empty, or everything in it is in processing or delayed. */
  item?: AtomicDbQueueItem<T>
  /** The messages that this pull moved to the dead letters, as they lie there, with their payloads. Absent: none. */
  dead?: AtomicDbQueueItem<T>[]
}

/** What one `queuePullMany` found. */
export interface AtomicDbQueuePullManyResult<T = unknown> extends AtomicDbQueueOutlook {
  /** In order of `sk`. */
  items: AtomicDbQueueItem<T>[]
  /** The messages that this pull moved to the dead letters, as they lie there, with their payloads. Absent: none. */
  dead?: AtomicDbQueueItem<T>[]
}
