/** The numbers of a queue, part of the contract in interface.ts. */
import type { CallOptions } from './options.ts'
import type { AtomicDbQueueShards } from './queue.ts'

/** Options of `queueStats`. */
export interface AtomicDbQueueStatsOptions extends CallOptions, AtomicDbQueueShards {
  /**
   * The dead-letter queue.
   * @default `pk` with `#dead`
   */
  deadLetter?: string
  /**
   * Maximum number of messages that are counted, over all shards, or all queues of a family; of dead letters, and of what is due later, a fifth of
   * it each. `Infinity`: all.
   * @default 500
   */
  limit?: number
  /**
   * `false` for half the price.
   * @default true
   */
  consistent?: boolean
}

/** How many messages a queue holds, by their state. */
export interface AtomicDbQueueStats {
  /** Number of messages that can be pulled now. */
  ready: number
  /** Number of messages handed out and not yet due again. */
  inFlight: number
  /** Number of messages pushed or released with a delay that has not passed. */
  delayed: number
  /** Those of them that lie apart, because they are due later (`at`). */
  scheduled: number
  /** Number of messages in the dead-letter queue; of a queue that is one (`#dead`), its own. */
  dead: number
  /** Seconds since the oldest message became available, 0 when there is none. Delayed messages do not count. */
  oldestAgeSeconds: number
  /** `limit` ended the counting: the numbers of messages are at least these. */
  atLeast: boolean
  /** `false`: among the messages that were not read there may be an older one. */
  oldestIsExact: boolean
  /** Nothing is given out (`queuePause`). */
  paused: boolean
  /** When it goes on by itself, epoch ms. Absent: when `queueResume` is called. */
  pausedUntil?: number
}
