import type { Path } from './paths.ts'
import type { PlaceEntry, Places } from './places.ts'

/** Marks the objects that the helpers make, so that a field name is never mistaken for one. */
export const conditionKind = Symbol.for('lockrow.condition')
/** The conditions that a combined one is made of. */
export const conditionOf = Symbol.for('lockrow.condition.of')
/** The item that `unchanged` compares with. */
export const conditionItem = Symbol.for('lockrow.condition.item')
/** The path of a field to compare with. */
export const conditionPath = Symbol.for('lockrow.condition.path')
declare const typed: unique symbol

/** A value of another field of the same item, to compare with: `{ stock: { gte: field('reserved') } }`. */
export interface FieldReference {
  readonly [conditionKind]: 'field'
  readonly [conditionPath]: readonly (string | number)[]
}

type Scalar = null | boolean | string | number | bigint
type Comparable = string | number | bigint | Uint8Array
type Ordered<V> = FieldReference | (unknown extends V ? Comparable : Extract<V, Comparable | Date>)
type Part<V> = V extends string
  ? string
  : V extends readonly (infer E)[]
    ? E
    : V extends ReadonlySet<infer M>
      ? M
      : never

/**
 * Tests of one field that holds a `V`. All tests in one object must hold. A missing field satisfies only `ne` and
 * `exists: false`. A Uint8Array or `field(...)` in place of the tests is a value that the field must equal.
 */
// biome-ignore lint/suspicious/noExplicitAny: a field of which nothing is known
export interface FieldTests<V = any> {
  /** `field(...)`. */
  readonly [conditionKind]?: 'field'
  /** A Uint8Array. */
  readonly [Symbol.toStringTag]?: 'Uint8Array'
  /** Equal in type and value. Compares whole maps and lists too. */
  eq?: V | FieldReference
  ne?: V | FieldReference
  lt?: Ordered<V>
  lte?: Ordered<V>
  gt?: Ordered<V>
  gte?: Ordered<V>
  /** Between the first and the second value, both included. */
  between?: readonly [Ordered<V>, Ordered<V>]
  /** Equal to one of up to 100 values. */
  in?: readonly V[]
  exists?: boolean
  beginsWith?: V extends string ? string : never
  /** A text contains this text, a list this element, or a set this member. */
  contains?: Part<V>
  /** The length of a text or binary, or the number of elements. */
  size?: number | FieldTestsOfSize
  type?:
    | 'string'
    | 'number'
    | 'boolean'
    | 'null'
    | 'binary'
    | 'list'
    | 'map'
    | 'stringSet'
    | 'numberSet'
    | 'binarySet'
}

/** Comparisons of the size of a field, as the `size` of DynamoDB counts it. */
export interface FieldTestsOfSize {
  eq?: number
  ne?: number
  lt?: number
  lte?: number
  gt?: number
  gte?: number
  between?: readonly [number, number]
}

/** A value that the field must equal, or tests. To compare with a map, use `eq`. */
// biome-ignore lint/suspicious/noExplicitAny: a field of which nothing is known
export type FieldCondition<V = any> = (unknown extends V ? Scalar : Extract<V, Scalar>) | FieldTests<V>

/** Conditions by path. All of them must hold. */
export type FieldConditions =
  | { readonly [path: string]: FieldCondition }
  | readonly (readonly [Path, FieldCondition])[]

/** Made by `anyOf`, `allOf`, `not`, `exists` and `absent`. */
// biome-ignore lint/suspicious/noExplicitAny: a condition on any item fits everywhere
export type CombinedCondition<T = any> = {
  readonly [conditionKind]?: 'and' | 'or' | 'not' | 'exists' | 'absent' | 'unchanged'
  readonly [conditionOf]?: readonly Condition[]
  /** For `unchanged`. */
  readonly [conditionItem]?: { readonly data?: unknown; readonly ttl?: number }
  /** Only for the compiler: the type of the items. A property, because the bundler of the types misses names of methods. */
  readonly [typed]?: { of(of: T): void }['of']
}

type ConditionsAt<E extends PlaceEntry> = { readonly [X in E as X[0]]?: FieldCondition<X[1]> }

/**
 * What must hold for a write: `{ stock: { gte: 3 }, state: 'open' }`, or what `anyOf`, `allOf`, `not`, `exists`,
 * `absent` and `unchanged` make. With a type of `data`, editors complete paths, and the compiler checks paths and
 * values; without one, every path is allowed.
 */
export type Condition<T = unknown> = unknown extends T
  ? FieldConditions | CombinedCondition
  : ConditionsAt<Places<T>> & CombinedCondition<T>

const combine = (kind: 'and' | 'or' | 'not', of: readonly unknown[]): CombinedCondition => ({
  [conditionKind]: kind,
  [conditionOf]: of as readonly Condition[],
})

/** At least one of the conditions holds. */
export const anyOf = <T = unknown>(...of: Condition<T>[]): CombinedCondition<T> => combine('or', of)
/** All conditions hold. */
export const allOf = <T = unknown>(...of: Condition<T>[]): CombinedCondition<T> => combine('and', of)
/** The condition does not hold. */
export const not = <T = unknown>(condition: Condition<T>): CombinedCondition<T> => combine('not', [condition])
/** There is an item. */
export const exists: CombinedCondition = Object.freeze({ [conditionKind]: 'exists' as const })
/** There is no item, or it has expired. */
export const absent: CombinedCondition = Object.freeze({ [conditionKind]: 'absent' as const })
/**
 * The item is still what was read. Compares `data` and `ttl` as they came over the wire; `undefined`: there is still
 * no item. Pass the item as it was read. A transaction where this does not hold fails with `RaceCondition`.
 * The item has up to 400 KB and counts towards the 4 MB of a transaction.
 */
export const unchanged = (
  item: { readonly data?: unknown; readonly ttl?: number } | undefined,
): CombinedCondition => ({ [conditionKind]: 'unchanged', ...(item && { [conditionItem]: item }) })
