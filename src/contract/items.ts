/** Items, their locks and their keys. */

/** The key of a row. `pk` has 1 to 2048 bytes of UTF-8, `sk` 1 to 1024, without lone surrogates. */
export interface AtomicDbItemKey {
  pk: string
  sk: string
}

/**
 * An item as it is read.
 *
 * `data` is anything DynamoDB can hold and give back unchanged: strings, finite numbers up to 2^53, bigints beyond
 * that (38 digits), booleans, null, Uint8Array, arrays, plain objects, and non-empty Sets of strings, numbers or
 * Uint8Arrays; 32 levels deep, 400 KB with its keys.
 */
export interface AtomicDbItem<T = unknown> extends AtomicDbItemKey {
  data: T
  /** When the item expires, epoch seconds. From that second on no read returns it. */
  ttl?: number
}

/** An item as it is written. `data` is optional where its type is unknown or includes `undefined`. */
export type AtomicDbItemInput<T = unknown> = AtomicDbItemKey & { ttl?: number } & (undefined extends T
    ? { data?: T }
    : { data: T })

/** A lock row. It is not an item: `get`, `query` and `stream` never return one. */
export interface AtomicDbItemLock extends AtomicDbItemKey {
  /** A ULID. Every atomic write that names the lock gives it a new one. */
  version: string
  /** When the lock expires, epoch seconds: 24 hours after it was made, written or refreshed last. */
  ttl: number
}

/** An item and its lock, as of one moment. */
export interface AtomicDbLockedItem<T = unknown> {
  /** Absent when there is no item. The lock guards its absence too. */
  item?: AtomicDbItem<T>
  lock: AtomicDbItemLock
}
