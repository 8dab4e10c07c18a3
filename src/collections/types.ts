import type { Condition } from '../contract/conditions.ts'
import type { CallOptions, ReadOptions } from '../interface.ts'
import type { KeyValue } from './key-encoding.ts'
import type { StandardSchema } from './standard-schema.ts'

/** The options of a collection and the types that follow from them. */

/** The name of a field. */
export type FieldOf<T> = keyof T & string

/** One field, or several in order. */
export type FieldsOption<F extends string> = F | readonly F[]

/** A key of your own form, for tables that are there already: a function and its inverse. */
export interface KeyFunctions<F extends string> {
  /** The fields that the key is made of. */
  readonly fields: readonly F[]
  // biome-ignore lint/suspicious/noExplicitAny: the values of these fields
  to(values: Record<F, any>): { pk: string; sk: string }
  from(key: { pk: string; sk: string }): Record<F, unknown>
}

/**
 * Which fields are the key. One: items lie in one partition, ordered by it. Several: the first one is the partition, the
 * others are the order in it. Or say both.
 */
export type KeyOption<F extends string> =
  | FieldsOption<F>
  | { readonly partition: readonly F[]; readonly sort?: readonly F[] }
  | KeyFunctions<F>

/** A value of a field for `where`. */
export type WhereValue = string | number | boolean | bigint

/** What all kinds of index have. */
interface AnyIndexOption<F extends string> {
  /** Fields that entries hold beside the key fields, so that reading the index is one request. */
  readonly project?: readonly F[]
  /** Only items whose fields have this value, or one of these. */
  readonly where?: { readonly [name in F]?: WhereValue | readonly WhereValue[] }
  /** The version of the collection in which the index was added. @default 1 */
  readonly since?: number
  /** The version of the collection in which `project` was last changed. @default `since` */
  readonly changed?: number
  /**
   * The index is about to be removed, as of this version of the collection (`true`: the current one): its entries are deleted as
   * items are written, and it cannot be read.
   */
  readonly retired?: boolean | number
}

/** An index whose entries are written with the item, in one transaction. */
export interface IndexOption<F extends string = string> extends AnyIndexOption<F> {
  /**
   * The fields to look up by. A list or set gives an entry for each of its values. An item without one of them has no
   * entry.
   * @default none: all entries are in one partition
   */
  readonly key?: FieldsOption<F>
  /** The fields to sort by. Behind them comes the key of the item. */
  readonly sort?: FieldsOption<F>
  /** Keep the exact number of entries for each value of `key`: 2 WRU more for each change of membership. */
  readonly count?: boolean
}

/** Fields of which no two items have the same values. */
export type UniqueOption<F extends string = string> =
  | FieldsOption<F>
  | (AnyIndexOption<F> & { readonly key: FieldsOption<F> })

/** A reference: the item that it names must exist, and cannot be deleted meanwhile. */
export type ReferenceOption<F extends string> =
  | ReferenceTarget
  | {
      readonly to: ReferenceTarget
      readonly fields: readonly F[]
      /** The version of the collection in which the reference was added. @default 1 */
      readonly since?: number
      /** The reference is about to be removed, as of this version (`true`: the current one). */
      readonly retired?: boolean | number
    }

/** A collection with `referenced: true`. */
export interface ReferenceTarget {
  readonly name: string
  readonly keyFields: readonly string[]
  describe(): string
}

/** From the item of a version to that of the next one. Must not change its argument. */
// biome-ignore lint/suspicious/noExplicitAny: items of earlier versions have types of their own
export type Upgrade = (item: any) => object

/** Options of `collection`. */
export interface CollectionOptions<
  S extends StandardSchema,
  F extends string,
  K extends F,
  I extends Readonly<Record<string, IndexOption<F>>>,
  U extends Readonly<Record<string, UniqueOption<F>>>,
> {
  /** A schema of zod, valibot, arktype or any other with Standard Schema v1, or `typed<T>()`. */
  readonly schema?: S
  readonly key: KeyOption<K>
  readonly indexes?: I
  readonly unique?: U
  /**
   * Schema for items as they are stored, which `update` checks them against. `false`: updates are not checked.
   * @default `schema`, which must then accept what it returns
   */
  readonly stored?: StandardSchema | false
  /** Fields that hold a Date. Stored as ISO 8601 in UTC. */
  readonly dates?: readonly F[]
  /** The field that says when the item expires: a Date, or epoch seconds. */
  readonly ttl?: F
  /** Fields that are set to the time of the first and the last write (ISO 8601; a Date if in `dates`). */
  readonly stamps?: { readonly created?: F; readonly updated?: F }
  /** Deleted items are kept, out of sight, for so many days; `true`: without end. See `restore`. */
  readonly softDelete?: boolean | { readonly days: number }
  /** Items that lie beside those of other collections: the name of the partition key that they share. */
  readonly shared?: string
  readonly references?: Readonly<Record<string, ReferenceOption<F>>>
  /** Items of other collections may refer to these: each `delete` makes sure that none does. @default false */
  readonly referenced?: boolean
  /** The version of what is stored. @default 1 */
  readonly version?: number
  /** `{ 2: fromOneToTwo }`: the upgrade to each version from 2 to `version`. */
  readonly upgrades?: Readonly<Record<number, Upgrade>>
  /**
   * When items of an earlier version are written anew: `'update'` with their next change, `'read'` also when `get`
   * reads them.
   * @default 'update'
   */
  readonly writeBack?: 'update' | 'read'
}

type Only<V> = Exclude<V, undefined | null>
/** A value to look up by: of a list, one of its elements. */
type Element<V> = V extends readonly (infer E)[] ? E : V extends ReadonlySet<infer E> ? E : V

/** The key of an item: an object with the key fields, such as the item; where it is one field, also its value. */
export type KeyOf<T, K extends keyof T> = { readonly [P in K]: Only<T[P]> } | (T[K] & KeyValue)

/** Values of the fields of an index, the first ones or all. */
export type Within<T, F extends PropertyKey> = {
  readonly [P in F & keyof T]?: Element<Only<T[P]>> | undefined
}

/** Which items of a list are meant. All bounds apply to the field behind those that are given. */
export interface RangeOptions {
  /** From this value on. */
  readonly from?: KeyValue
  /** Up to this value. */
  readonly to?: KeyValue
  /** The bounds that are not included. @default both are included */
  readonly exclude?: 'from' | 'to' | 'both'
  /** Only texts that begin with this. */
  readonly prefix?: string
}

/** Options of `count`. */
export interface CountOptions extends RangeOptions, ReadOptions {}

/** Options of `list` in a transaction. */
export interface ListAllOptions extends RangeOptions {
  /** In descending order. @default false */
  readonly reverse?: boolean
  /** Maximum number of items. @default no limit */
  readonly limit?: number
}

/** Options of `list`. */
export interface ListOptions<F extends string = string> extends CountOptions {
  /** In descending order. @default false */
  readonly reverse?: boolean
  /** Maximum number of items on the page. @default 100 */
  readonly limit?: number
  /** The cursor of the page before. Opaque, checked, safe in a URL. */
  readonly cursor?: string | undefined
  /** Only these fields, beside the key fields. */
  readonly fields?: readonly F[]
}

/** A page of a list. */
export interface Page<Row> {
  readonly items: Row[]
  /** Of the next page. Absent: this is the last one. */
  readonly cursor?: string
}

/** Options of `update` and `delete`. */
export interface ChangeOptions<T> extends CallOptions {
  /** Only if this holds for the item as it is at that moment. */
  readonly if?: Condition<T>
}

/** What `update` did. */
export interface ChangeResult<T> {
  /** `false`: there is no such item, or `if` does not hold. */
  readonly applied: boolean
  /** The item as it is now. Absent: there is none. */
  readonly item?: T
}
