/** Ranges, queries and pages. */
import type { AtomicDbItem } from './items.ts'
import type { CallOptions, ReadOptions } from './options.ts'
import type { PathOf } from './places.ts'

/** A part of a partition, in order of the UTF-8 bytes of `sk`. All given bounds apply. */
export interface AtomicDbRange {
  pk: string
  /** Only items whose `sk` begins with this text. */
  sk?: string
  /** Only items from this `sk` on: the lower bound, also with `reverse`. Included unless `exclude` says otherwise. */
  from?: string
  /** Only items up to this `sk`: the upper bound. Included unless `exclude` says otherwise. */
  to?: string
  /**
   * The bounds that are not included.
   *
   * @default both bounds are included
   * @example `{ pk: 'log', from: '2026-01', to: '2026-02', exclude: 'to' }`
   */
  exclude?: 'from' | 'to' | 'both'
}

/** A path of names inside a `T`: a text, or an array for names with dots. */
export type FieldPath<T = unknown> =
  | (unknown extends T ? string : Exclude<PathOf<T>, '' | `${string}[${number}]${string}`>)
  | readonly string[]

/** The items of one partition key to read: which, how many, in which order. */
export interface AtomicDbQuery<T = unknown> extends AtomicDbRange, ReadOptions {
  /**
   * Read in descending order of `sk`.
   *
   * @default false
   */
  reverse?: boolean
  /**
   * Maximum number of live items. Lock rows and expired rows are not counted.
   *
   * @default no limit
   */
  limit?: number
  /** Only items behind this `sk` in the direction of the query, such as the last one of the page before. */
  after?: string
  /**
   * Return only these fields of `data`: paths of names, without list positions. The costs are those of whole items,
   * but less is sent. `data` becomes an object with those fields that the item has. `pk`, `sk` and `ttl` are always
   * returned.
   *
   * @example `await db.query<Pick<User, 'name'>>({ pk: 'users', fields: ['name'] })`
   */
  fields?: readonly FieldPath<T>[]
}

/** A query that `page` answers page by page. */
export interface AtomicDbPageQuery<T = unknown> extends Omit<AtomicDbQuery<T>, 'after'> {
  /**
   * Maximum number of items on a page.
   *
   * @default 100
   */
  limit?: number
  /** The cursor of the page before. The query must be the same except for `limit`, `fields` and `consistent`. */
  cursor?: string | undefined
}

/** One page of a query. */
export interface AtomicDbPage<T = unknown> {
  items: AtomicDbItem<T>[]
  /** The cursor of the next page. Absent when this is the last one. */
  cursor?: string
}

/** Options of `deleteRange`: which items of one partition key are deleted. */
export interface DeleteRangeOptions extends CallOptions {
  /**
   * Maximum number of rows to delete, locks and expired rows included. Another call goes on.
   *
   * @default no limit
   */
  limit?: number
  /** Called after each slice of up to 1,000 rows. Must not throw. */
  onProgress?: (progress: DeleteRangeProgress) => void
}

/** How far a `deleteRange` is. */
export interface DeleteRangeProgress {
  /** Number of live items deleted so far. */
  deleted: number
  /** The last deleted `sk`. */
  sk: string
}

/** What a `deleteRange` did. */
export interface DeleteRangeResult {
  /** Number of live items deleted. */
  deleted: number
  /** `false`: `limit` was reached, and there may be more rows. */
  done: boolean
}
