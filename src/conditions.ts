import { type Path, parsePath } from './paths.ts'

/** Marks the objects made by the helpers below, so that no field name can be taken for one. */
export const conditionKind = Symbol.for('lockrow.condition')

/** A value of another field of the same item, to compare with: `{ stock: { gte: field('reserved') } }`. */
export interface FieldReference {
  readonly [conditionKind]: 'field'
  readonly path: readonly (string | number)[]
}

type Scalar = string | number | bigint | Uint8Array
type Ordered = Scalar | FieldReference

/** Tests of one field; several in one object must all hold. A field that is missing satisfies `ne` and `exists: false` only. */
export interface FieldTests {
  /** Equal in type and value; also whole maps and lists. */
  eq?: unknown
  ne?: unknown
  lt?: Ordered
  lte?: Ordered
  gt?: Ordered
  gte?: Ordered
  /** From the first to the second, both included. */
  between?: readonly [Ordered, Ordered]
  /** Equal to one of up to 100 values. */
  in?: readonly unknown[]
  exists?: boolean
  beginsWith?: string
  /** A text holds this text, a list this element, a set this member. */
  contains?: unknown
  /** Length of a text or binary, or number of elements. */
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

export interface FieldTestsOfSize {
  eq?: number
  ne?: number
  lt?: number
  lte?: number
  gt?: number
  gte?: number
  between?: readonly [number, number]
}

/** A value that the field must equal, or tests. A map to compare with goes into `eq`. */
export type FieldCondition =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint8Array
  | FieldReference
  | FieldTests

/** Fields by path; several mean 'and'. */
export type FieldConditions =
  | { readonly [path: string]: FieldCondition }
  | readonly (readonly [Path, FieldCondition])[]

export interface CombinedCondition {
  readonly [conditionKind]: 'and' | 'or' | 'not' | 'exists' | 'absent' | 'unchanged'
  readonly of?: readonly Condition[]
  /** For `unchanged`. */
  readonly item?: { readonly data?: unknown; readonly ttl?: number }
}

/** What must hold for a write: `{ stock: { gte: 3 }, state: 'open' }`, or one of the helpers in this file. */
export type Condition = FieldConditions | CombinedCondition

/** At least one of them holds. */
export const anyOf = (...of: Condition[]): CombinedCondition => ({ [conditionKind]: 'or', of })
/** All of them hold. */
export const allOf = (...of: Condition[]): CombinedCondition => ({ [conditionKind]: 'and', of })
/** It does not hold. */
export const not = (condition: Condition): CombinedCondition => ({ [conditionKind]: 'not', of: [condition] })
/** There is an item. */
export const exists: CombinedCondition = Object.freeze({ [conditionKind]: 'exists' as const })
/** There is no item (or it has expired). */
export const absent: CombinedCondition = Object.freeze({ [conditionKind]: 'absent' as const })
/**
 * The item is still what was read: `data` and `ttl`, compared as they came over the wire (`undefined`: there is still
 * none). Pass the item as it was read. Where it does not hold, a transaction fails with `RaceCondition`.
 * Up to 400 KB; counts towards the 4 MB of a transaction.
 */
export const unchanged = (
  item: { readonly data?: unknown; readonly ttl?: number } | undefined,
): CombinedCondition => ({ [conditionKind]: 'unchanged', ...(item && { item }) })

/** Another field of the same item, to compare with. */
export const field = (of: Path): FieldReference => ({
  [conditionKind]: 'field',
  path: parsePath(of, 'field'),
})
