import type { Path } from './paths.ts'
import type { IsOpen, PlaceEntry, Places } from './places.ts'

/** Values by path: an object with text paths, or pairs with any path. */
export type ByPath<V> = { readonly [path: string]: V } | readonly (readonly [Path, V])[]

/** Members for a set: a Set or a list of strings, of numbers, or of Uint8Arrays. */
export type Members =
  | ReadonlySet<string | number | bigint | Uint8Array>
  | readonly (string | number | bigint | Uint8Array)[]

type Numeric = number | bigint
type List = readonly unknown[]
type AnySet = ReadonlySet<unknown>

/** The path of a place that can hold a `V`. */
type PathTo<X extends PlaceEntry, V> = [Extract<X[1], V>] extends [never] ? never : X[0]

type MembersOf<S> = S extends ReadonlySet<infer M> ? S | readonly M[] : never

type ValuesOf<E extends PlaceEntry> = { readonly [X in E as X[0]]?: X[1] }
type NumbersOf<E extends PlaceEntry> = {
  readonly [X in E as PathTo<X, Numeric>]?: bigint extends X[1] ? Numeric : number
}
type ListsOf<E extends PlaceEntry> = {
  readonly [X in E as PathTo<X, List>]?: Readonly<Extract<X[1], List>>
}
type SetsOf<E extends PlaceEntry> = {
  readonly [X in E as PathTo<X, AnySet>]?: MembersOf<Extract<X[1], AnySet>>
}

type Values<E extends PlaceEntry> = IsOpen<E> extends true ? ByPath<unknown> : ValuesOf<E>
type Numbers<E extends PlaceEntry> = IsOpen<E> extends true ? ByPath<Numeric> : NumbersOf<E>
type Lists<E extends PlaceEntry> = IsOpen<E> extends true ? ByPath<List> : ListsOf<E>
type Sets<E extends PlaceEntry> = IsOpen<E> extends true ? ByPath<Members> : SetsOf<E>

/**
 * The changes that `update` makes, by path inside `data`. No path may be given twice or lie inside another one.
 * Missing parents are made. All changes see the item as it was before.
 */
export interface ChangesAt<E extends PlaceEntry> {
  /** Set this value. */
  set?: Values<E>
  /** Set this value where there is none yet. */
  setIfAbsent?: Values<E>
  /** Add a number, which may be negative. A missing field counts as 0. Exact in decimal: 0.1 + 0.2 is 0.3. */
  add?: Numbers<E>
  /** Raise to this number if it is lower or missing. */
  max?: Numbers<E>
  /** Lower to this number if it is higher or missing. */
  min?: Numbers<E>
  /** Add elements at the end of a list. A missing list counts as empty. */
  append?: Lists<E>
  /** Add elements at the start of a list. A missing list counts as empty. */
  prepend?: Lists<E>
  /** Add members to a set. A missing set counts as empty. */
  addToSet?: Sets<E>
  /** Remove members from a set. A set that becomes empty is removed. */
  removeFromSet?: Sets<E>
  /** Remove fields or list elements. A missing one is not an error. */
  remove?: readonly (E[0] | readonly (string | number)[])[]
  /** When the item expires, epoch seconds. `null`: never. */
  ttl?: number | null
  /** Delete the item. No other change may stand beside it. With `if`: compare and delete. */
  delete?: true
}

/**
 * The changes of an item whose `data` is a `T`: editors complete its paths, and the compiler checks paths and values.
 * With an unknown type every path is allowed. For a computed path, say which path it is like:
 * ``{ add: { [`scores.${name}` as 'scores.x']: 3 } }``.
 */
export type Changes<T = unknown> = ChangesAt<Places<T>>

/** Changes of fields, on any path. */
export type FieldChanges = ChangesAt<Places<unknown>>
