import type { Changes, FieldChanges } from '../contract/changes.ts'
import type { Condition } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey } from '../interface.ts'
import { optionsCheck } from '../model/options-check.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { Work } from './in-transaction.ts'
import { checkReady } from './readiness.ts'
import { shown } from './reads.ts'
import { fromStored, type Stored, toDate } from './stored.ts'
import type { ChangeResult, KeyOf, ListAllOptions, Within } from './types.ts'
import type { World } from './world.ts'

const checkListAll = /* @__PURE__ */ optionsCheck<ListAllOptions>(() => [
  { from: true, to: true, exclude: true, prefix: true, reverse: 'boolean', limit: true },
  { cursor: 'a transaction reads no pages' },
])
const checkIf = /* @__PURE__ */ optionsCheck<{ if?: unknown }>(() => [{ if: true }])

/**
 * A collection inside of `transaction`. What is read is there unchanged when the transaction commits; what is written is
 * written then, with its index entries. Errors are thrown by the call that they belong to.
 */
export class CollectionInTransaction<T, Input, K extends keyof T> {
  readonly #world: World
  readonly #work: Work
  readonly #tx: Transaction
  readonly #keyOf: (key: unknown) => AtomicDbItemKey

  /** @internal */
  constructor(world: World, tx: Transaction, keyOf: (key: unknown) => AtomicDbItemKey) {
    if (typeof tx?.queueAcknowledge !== 'function' || typeof tx.get !== 'function')
      throw new InvalidInput('tx', 'must be what the callback of transaction gets')
    this.#world = world
    this.#tx = tx
    this.#work = new Work(world, tx)
    this.#keyOf = keyOf
  }

  /** One item. */
  async get(key: KeyOf<T, K>): Promise<T | undefined> {
    return this.#shown(await this.#work.read(this.#keyOf(key)))
  }

  /** Items in the order of `keys`. */
  async getMany(keys: readonly KeyOf<T, K>[]): Promise<(T | undefined)[]> {
    const items = await this.#tx.getMany(keys.map((key) => this.#keyOf(key)))
    return items.map((item) => this.#shown(item))
  }

  /** Writes an item where there is none. @throws ConditionFailed, NotUnique, SchemaMismatch, ReferenceMissing */
  async insert(item: Input): Promise<T> {
    return this.#stored(await this.#work.insert(item))
  }

  /** Writes an item, whatever is there. */
  async put(item: Input): Promise<T> {
    return this.#stored(await this.#work.put(item))
  }

  /** Changes an item where it lies; one that is missing is not made. */
  async update(
    key: KeyOf<T, K>,
    changes: NoInfer<Changes<T>>,
    options: { readonly if?: NoInfer<Condition<T>> } = {},
  ): Promise<ChangeResult<T>> {
    checkIf(options)
    const { applied, item } = await this.#work.update(
      this.#keyOf(key),
      changes as FieldChanges,
      options.if as Condition | undefined,
    )
    return item ? { applied, item: this.#stored(item) } : { applied }
  }

  /** Deletes an item with all that belongs to it. @throws StillReferenced */
  async delete(key: KeyOf<T, K>): Promise<void> {
    await this.#work.remove(this.#keyOf(key))
  }

  /** The items of a partition. Items that others add are not noticed, as with `tx.query`. */
  async list(within: Within<T, K> = {}, options: ListAllOptions = {}): Promise<T[]> {
    checkListAll(options)
    const items = await this.#work.list(undefined, within as Stored, options)
    return items.map((item) => this.#shown(item)!)
  }

  /** Whole items, or what a projected index holds of them, by a value of the index `name`. */
  async listBy(
    name: string,
    within: Readonly<Record<string, unknown>>,
    options: ListAllOptions = {},
  ): Promise<Partial<T>[]> {
    checkListAll(options)
    const index = await this.#index(name, false)
    const items = await this.#work.list(index, within, options)
    if (!index.project) return items.map((item) => this.#shown(item)!)
    return items.map((item) => this.#stored(item.data as Stored))
  }

  /** The item with this value of the unique index `name`. */
  async getBy(name: string, value: unknown): Promise<Partial<T> | undefined> {
    const index = await this.#index(name, true)
    const { dates } = this.#world.definition
    const isObject = typeof value === 'object' && value !== null && !(value instanceof Date)
    const given = (isObject ? value : { [index.key[0]!]: value }) as Stored
    const values = index.key.map((field) => (dates.has(field) ? toDate(given[field], field) : given[field]))
    return (await this.#work.unique(index, values)) as Partial<T> | undefined
  }

  async #index(name: string, unique: boolean) {
    const index = this.#world.definition.indexes.get(name)
    if (!index || index.retired || index.unique !== unique)
      throw new InvalidInput(
        'index',
        `${this.#world.definition.name} has no ${unique ? 'unique ' : ''}index '${name}'`,
      )
    await checkReady(this.#world, index)
    return index
  }

  #shown(item: AtomicDbItem | undefined): T | undefined {
    return shown(this.#world, item) as T | undefined
  }

  #stored(stored: Stored): T {
    return fromStored(stored, this.#world.definition.dates) as T
  }
}
