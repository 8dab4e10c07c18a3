/** The options of reads and writes, and what writes return. */
import type { Condition } from './conditions.ts'
import type { AtomicDbItem } from './items.ts'

/** Options of every call: when to give it up. */
export interface CallOptions {
  /** Ends the call at once: the promise rejects with the signal's reason. A write may have happened all the same. */
  signal?: AbortSignal
  /**
   * Limit of the whole call with all its retries, ms. After that the call rejects: with `Throttled` or `BackendError`
   * when certainly nothing was written, else with `OutcomeUnknown` or `PartialWrite`. For a stream, of each page.
   * @default that of the database
   */
  timeoutMs?: number
}

/** Options of a read. */
export interface ReadOptions extends CallOptions {
  /**
   * `true`: the read sees every write that was confirmed before. `false`: the read costs half and may be stale. Do not
   * use a stale item in a locked write: it may be older than the lock, and an update would be lost.
   *
   * @default true
   */
  consistent?: boolean
}

/** Options of a write. */
export interface WriteOptions extends CallOptions {
  /**
   * Return what was there before. 1 request per row instead of 1 per 25, the same units.
   *
   * @default false
   */
  returnOld?: boolean
}

/** What was there before a write. */
export interface OldItem<T = unknown> {
  /** `false`: a reply was lost, so nobody knows what was there. The write happened. */
  known: boolean
  /** The item. Absent, with `known`: there was none, or it had expired. */
  item?: AtomicDbItem<T>
}

/** Options of `update`. */
export interface UpdateOptions<T = unknown> extends WriteOptions {
  /** Make the changes only if this holds for the item as it is at that moment. */
  if?: Condition<T>
  /**
   * Write through a transaction with a token, so that a lost reply leaves no doubt. Writes cost twice as much, and
   * `item` is read afterwards: 1 RRU per 4 KB more, and it may show later writes.
   *
   * @default false
   */
  exactlyOnce?: boolean
}

/** What an `update` did. */
export interface UpdateResult<T = unknown> {
  /** Whether the changes were made. */
  applied: boolean
  /**
   * When applied, the item as it is now; when not, the item that did not satisfy `if`. Absent when there is none, and
   * with `exactlyOnce` also when the item was written but could not be read back.
   */
  item?: AtomicDbItem<T>
  /** With `returnOld`, when applied: the item as it was before. */
  old?: OldItem<T>
}
