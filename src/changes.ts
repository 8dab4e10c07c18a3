import type { Path } from './paths.ts'

/** One kind of change: values by path, as an object with text paths or as pairs with any path. */
export type ByPath<V> = { readonly [path: string]: V } | readonly (readonly [Path, V])[]

/** Members for a set: a Set or a list of strings, of numbers, or of Uint8Arrays. */
export type Members =
  | ReadonlySet<string | number | bigint | Uint8Array>
  | readonly (string | number | bigint | Uint8Array)[]

/**
 * What `update` does, each by path inside `data`. No path may be given twice or lie inside another one.
 * Missing parents are made. All of it sees the item as it was before.
 */
export interface FieldChanges {
  /** Give this value. */
  set?: ByPath<unknown>
  /** Give this value where there is none yet. */
  setIfAbsent?: ByPath<unknown>
  /** Add a number, signed; a missing field counts as 0. Exact in decimal: 0.1 + 0.2 is 0.3. */
  add?: ByPath<number | bigint>
  /** Raise to this number if it is lower or missing. */
  max?: ByPath<number | bigint>
  /** Lower to this number if it is higher or missing. */
  min?: ByPath<number | bigint>
  /** Put elements at the end of a list; a missing list counts as empty. */
  append?: ByPath<readonly unknown[]>
  /** Put elements at the start of a list. */
  prepend?: ByPath<readonly unknown[]>
  /** Add members to a set; a missing set counts as empty. */
  addToSet?: ByPath<Members>
  /** Remove members from a set; the field goes when the set becomes empty. */
  removeFromSet?: ByPath<Members>
  /** Take fields or list elements away; a missing one is no error. */
  remove?: readonly Path[]
  /** When the item expires, epoch seconds; `null` for never. */
  ttl?: number | null
  delete?: undefined
}

/** Delete the item (with `if`: compare and delete). */
export interface DeleteChange {
  delete: true
}

export type Changes = FieldChanges | DeleteChange
