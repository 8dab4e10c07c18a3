import type { Changes, FieldChanges } from '../contract/changes.ts'
import type { Condition } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, CallOptions, ReadOptions } from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { checkCallOptions } from '../model/option-names.ts'
import { callOptions, ifHints, optionsCheck } from '../model/options-check.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { CollectionInTransaction } from './collection-in-transaction.ts'
import { type AnyOptions, type Definition, toDefinition } from './definition.ts'
import { describe } from './describe.ts'
import { referencesKey } from './entries.ts'
import { Reader } from './index-reader.ts'
import { fromJson, toJson } from './json.ts'
import { upgradeItem } from './migration/upgrade-item.ts'
import { Operations } from './operations.ts'
import { itemOrder } from './ranges.ts'
import type { ReaderOf } from './reader-of.ts'
import { countRange, eachOf, listItems, shown } from './reads.ts'
import { deletedKey, type Referable } from './references.ts'
import { fromStored, type Stored, toStored } from './stored.ts'
import type {
  ChangeOptions,
  ChangeResult,
  CountOptions,
  FieldOf,
  KeyOf,
  ListOptions,
  Page,
  Within,
} from './types.ts'
import { type VerifyOptions, type VerifyResult, verify } from './verify.ts'
import { isCurrent } from './versions.ts'
import { collectionWorld, type HasWorld, type World } from './world.ts'
import { insert, put, remove, restore, update } from './writes.ts'

const checkChange = /* @__PURE__ */ optionsCheck<ChangeOptions<unknown>>(() => [
  { ...callOptions, if: true },
  ifHints,
])

/**
 * Items of one type, with indexes, unique fields, references and versions that are always right: their rows are written
 * in one transaction with the item. Made by `collection`.
 */
export class Collection<T, Input, K extends keyof T, I, U> implements Referable, HasWorld {
  readonly #world: World

  constructor(db: AtomicDbInterface, name: string, options: AnyOptions) {
    checkDb(db)
    this.#world = { db, definition: toDefinition(name, options) }
  }

  /** @internal For `migrate`. */
  get [collectionWorld](): World {
    return this.#world
  }

  get name(): string {
    return this.#definition.name
  }

  get #definition(): Definition {
    return this.#world.definition
  }

  /** The fields that are the key, in order. */
  get keyFields(): readonly string[] {
    return this.#definition.key.fields
  }

  /** Whether items of other collections may refer to these. */
  get referenced(): boolean {
    return this.#definition.referenced
  }

  /** Where the item with this key lies. */
  keyOf(key: KeyOf<T, K>): AtomicDbItemKey {
    return this.#definition.key.of(this.#keyValues(key))
  }

  #keyValues(key: unknown): Stored {
    const { fields } = this.#definition.key
    const isObject = typeof key === 'object' && key !== null && !(key instanceof Date)
    if (isObject) return key as Stored
    if (fields.length > 1)
      throw new InvalidInput('key', `must be an object with ${fields.join(', ')}`, { given: typeof key })
    return { [fields[0]!]: key }
  }

  /** One item. 1 request, 1 RRU per 4 KB. */
  async get(key: KeyOf<T, K>, options?: ReadOptions): Promise<T | undefined> {
    const { db, definition } = this.#world
    const item = await db.get(this.keyOf(key), options)
    if (item && definition.writeBack === 'read' && !isCurrent(definition, item.data as Stored))
      await this.#writeBack(key)
    return shown(this.#world, item) as T | undefined
  }

  /** For the next reader: nothing fails where it does. */
  async #writeBack(key: KeyOf<T, K>): Promise<void> {
    const item = await this.#world.db.get(this.keyOf(key), { consistent: true })
    if (item) await upgradeItem(this.#world, item, {}, async () => {}).catch(() => {})
  }

  /** Items in the order of `keys`. 1 request per 100. */
  async getMany(keys: readonly KeyOf<T, K>[], options?: ReadOptions): Promise<(T | undefined)[]> {
    if (!Array.isArray(keys)) throw new InvalidInput('keys', 'must be an array')
    const items = await this.#world.db.getMany(
      keys.map((key) => this.keyOf(key)),
      options,
    )
    return items.map((item) => shown(this.#world, item) as T | undefined)
  }

  /**
   * Writes an item where there is none, and returns it as it is stored. 1 request: 1 WRU, or with indexes 2 WRU for each
   * row.
   *
   * @throws ConditionFailed when there is one already.
   * @throws NotUnique when another item has a value that is unique.
   * @throws SchemaMismatch before anything is sent.
   */
  async insert(item: Input, options: CallOptions = {}): Promise<T> {
    checkCallOptions(options)
    return this.#shown(await insert(this.#world, item, options))
  }

  /**
   * Writes an item, whatever is there. 1 request and 1 WRU without indexes; with them 2 requests: 1 RRU, 1 WRU where no
   * entry changes, else 2 WRU for each row that does.
   *
   * @throws NotUnique when another item has a value that is unique.
   * @throws SchemaMismatch before anything is sent.
   */
  async put(item: Input, options: CallOptions = {}): Promise<T> {
    checkCallOptions(options)
    return this.#shown(await put(this.#world, item, options))
  }

  /**
   * Changes an item where it lies; one that is missing is not made. 1 request and 1 WRU, where no field changes that an
   * index, `ttl` or a reference knows; else as `put`. Fields that are set whole are checked by their schema, the item as
   * well where it is read.
   */
  async update(
    key: KeyOf<T, K>,
    changes: NoInfer<Changes<T>>,
    options: NoInfer<ChangeOptions<T>> = {},
  ): Promise<ChangeResult<T>> {
    checkChange(options)
    const changed = await update(
      this.#world,
      this.keyOf(key),
      changes as FieldChanges,
      options as CallOptions & { if?: Condition },
    )
    return this.#result(changed)
  }

  /**
   * Deletes an item with all that belongs to it. Without `if` the answer is always `applied: true`. 1 request and 1 WRU
   * without indexes and references, else 1 RRU and 2 WRU for each row.
   *
   * @throws StillReferenced while items of other collections refer to it.
   */
  async delete(key: KeyOf<T, K>, options: NoInfer<ChangeOptions<T>> = {}): Promise<ChangeResult<T>> {
    checkChange(options)
    return this.#result(
      await remove(this.#world, this.keyOf(key), options as CallOptions & { if?: Condition }),
    )
  }

  /** With `softDelete`: brings a deleted item back, if it is still kept and its unique values are free. */
  async restore(key: KeyOf<T, K>, options: CallOptions = {}): Promise<T | undefined> {
    checkCallOptions(options)
    const item = await restore(this.#world, this.keyOf(key), options)
    return item && this.#shown(item)
  }

  /** With `softDelete`: a deleted item that is kept. 1 RRU. */
  async getDeleted(key: KeyOf<T, K>, options?: ReadOptions): Promise<T | undefined> {
    return shown(
      this.#world,
      await this.#world.db.get(deletedKey(this.#definition, this.keyOf(key)), options),
    ) as T | undefined
  }

  /** Deletes an item for good, also one that `softDelete` keeps. */
  async purge(key: KeyOf<T, K>, options: CallOptions = {}): Promise<void> {
    checkCallOptions(options)
    await remove(this.#world, this.keyOf(key), { ...options, isPurge: true })
    if (this.#definition.keptSeconds !== undefined)
      await this.#world.db.delete(deletedKey(this.#definition, this.keyOf(key)), options)
  }

  /**
   * One page of the items of a partition, in the order of the key. `within`: the fields of the partition, and none, some
   * or all of the others; `from`, `to` and `prefix` apply to the next one. 1 request, 1 RRU per 4 KB.
   */
  async list<const F extends FieldOf<T> = never>(
    within: Within<T, K> = {},
    options: ListOptions<F> = {},
  ): Promise<Page<[F] extends [never] ? T : Pick<T, F | K>>> {
    return (await listItems(this.#world, within as Stored, options)) as never
  }

  /** The number of items that `list` would give. 1 RRU per 4 KB. */
  async count(within: Within<T, K> = {}, options: CountOptions = {}): Promise<number> {
    return countRange(this.#world, itemOrder(this.#definition), within as Stored, options)
  }

  /** All items of a partition, page by page. */
  each(within: Within<T, K> = {}, options: Omit<ListOptions, 'cursor' | 'fields'> = {}): AsyncIterable<T> {
    return eachOf((page) => listItems(this.#world, within as Stored, page), options) as AsyncIterable<T>
  }

  /** Reads by an index, or by a unique one. */
  by<N extends (keyof I | keyof U) & string>(name: N): ReaderOf<T, K, I, U, N> {
    return new Reader(this.#world, name) as unknown as ReaderOf<T, K, I, U, N>
  }

  /**
   * The collection inside of `transaction`: the same methods, with what other items, collections and queues need.
   *
   * @example
   * await transaction(db, async (tx) => {
   *   const { item } = await users.in(tx).update('ada', { set: { team: 'red' } })
   *   tx.queuePush({ pk: 'mails', data: { to: item?.email } })
   * }, { locks: false })
   */
  in(tx: Transaction): CollectionInTransaction<T, Input, K> {
    return new CollectionInTransaction(this.#world, tx, (key) => this.keyOf(key as KeyOf<T, K>))
  }

  /**
   * What a write would send, for `atomic(db).add(...)` and `transact`: planned from the items as they are now, and
   * guarded by them. Where something changes before the commit, it is a `RaceCondition`: plan again.
   */
  get operations(): Operations<T, Input, K> {
    return new Operations(this.#world, (key) => this.keyOf(key as KeyOf<T, K>))
  }

  /** The item in values that JSON has. */
  toJSON(item: T): unknown {
    return toJson(toStored(item, this.#definition.dates, 1))
  }

  /** The item that `toJSON` made. Not checked by the schema: `put` and `insert` do that. */
  fromJSON(json: unknown): T {
    const value = fromJson(typeof json === 'string' ? JSON.parse(json) : json)
    if (typeof value !== 'object' || value === null) throw new InvalidInput('json', 'must be an object')
    return fromStored(value as Stored, this.#definition.dates) as T
  }

  /** Looks for entries that are missing, stale, or whose item is gone. Repairs nothing. Reads all that it checks. */
  verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    return verify(this.#world, options)
  }

  /** The access patterns as a table of Markdown: the call, the key, the requests. */
  describe(): string {
    return describe(this.#definition)
  }

  /** @internal Where an item lies that others refer to. */
  locate(values: Stored): { item: AtomicDbItemKey; count: AtomicDbItemKey } {
    const { key, name } = this.#definition
    return { item: key.of(values), count: referencesKey(name, key.text(values)) }
  }

  #shown(stored: Stored): T {
    return fromStored(stored, this.#definition.dates) as T
  }

  #result({ applied, item }: { applied: boolean; item?: Stored }): ChangeResult<T> {
    return item ? { applied, item: this.#shown(item) } : { applied }
  }
}
