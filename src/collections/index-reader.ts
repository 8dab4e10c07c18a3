import { InvalidInput } from '../errors.ts'
import type { ReadOptions } from '../interface.ts'
import { checkOptions } from '../model/checks.ts'
import { loneSk } from '../model/key-names.ts'
import { checkReadOptions } from '../model/option-names.ts'
import { countSk, indexPk } from './entries.ts'
import type { IndexDefinition } from './index-definition.ts'
import type { KeyValue } from './key-encoding.ts'
import { indexOrder } from './ranges.ts'
import { checkReady } from './readiness.ts'
import { countRange, eachOf, itemsOf, listEntries } from './reads.ts'
import { fromStored, type Stored, toDate } from './stored.ts'
import type { CountOptions, ListOptions, Page } from './types.ts'
import type { World } from './world.ts'

/** Reads an index of a collection. Strong, as all reads are: what is written is found. */
export interface IndexReader<Row, Within> {
  /**
   * One page, in the order of the index. `within`: its key fields, and none, some or all of the fields that it is sorted
   * by; `from`, `to` and `prefix` apply to the next field. 1 request with `project`, else 2; 1 RRU per 4 KB.
   */
  list(within?: Within, options?: ListOptions<keyof Row & string>): Promise<Page<Row>>
  /** The number of entries. With `count` in the index and no bounds 1 RRU, else that of a list. */
  count(within?: Within, options?: CountOptions): Promise<number>
  /** All of them, page by page. */
  each(within?: Within, options?: Omit<ListOptions<keyof Row & string>, 'cursor'>): AsyncIterable<Row>
}

/** Reads a unique index of a collection. */
export interface UniqueReader<Row, Within> {
  /** The item with this value; an object where the index has several fields. 1 request with `project`, else 2. */
  get(value: Within | KeyValue, options?: ReadOptions): Promise<Row | undefined>
}

type AnyRow = Record<string, unknown>

/** Both kinds in one: a collection shows the part that fits. */
export class Reader implements IndexReader<AnyRow, Stored>, UniqueReader<AnyRow, Stored> {
  readonly #world: World
  readonly #index: IndexDefinition

  constructor(world: World, name: string) {
    const { definition } = world
    const index = definition.indexes.get(name)
    if (!index) checkOptions({ [name]: true }, [...definition.indexes.keys()], 'index')
    if (!index) throw new InvalidInput('index', `${definition.name} has no index '${name}'`)
    if (index.retired) throw new InvalidInput('index', `'${name}' is retired`)
    this.#world = world
    this.#index = index
  }

  async list(within: Stored = {}, options: ListOptions = {}): Promise<Page<AnyRow>> {
    this.#checkListed('list')
    await this.#ready()
    return listEntries(this.#world, this.#index, within, options)
  }

  async count(within: Stored = {}, options: CountOptions = {}): Promise<number> {
    this.#checkListed('count')
    await this.#ready()
    const { key, count, name } = this.#index
    const { definition, db } = this.#world
    const { from, to, prefix, exclude, ...read } = options
    const hasBounds = from !== undefined || to !== undefined || prefix !== undefined || exclude !== undefined
    const isWhole = count && !hasBounds && Object.keys(within).every((field) => key.includes(field))
    if (!isWhole || key.some((field) => within[field] === undefined))
      return countRange(this.#world, indexOrder(definition, this.#index), within, options)
    checkReadOptions(read)
    const row = await db.get<{ n: number }>(
      { pk: indexPk(definition.name, name, this.#values(within)), sk: countSk },
      read,
    )
    return row?.data.n ?? 0
  }

  each(within: Stored = {}, options: Omit<ListOptions, 'cursor'> = {}): AsyncIterable<AnyRow> {
    return eachOf((page) => this.list(within, page), options)
  }

  async get(value: Stored | KeyValue, options: ReadOptions = {}): Promise<AnyRow | undefined> {
    const { key, name, unique, project } = this.#index
    if (!unique) throw new InvalidInput('index', `'${name}' is not unique: use list`)
    checkReadOptions(options)
    await this.#ready()
    const { definition, db } = this.#world
    const isObject = typeof value === 'object' && value !== null && !(value instanceof Date)
    const given = isObject ? value : { [key[0]!]: value }
    checkOptions(given, key, 'value')
    const pk = indexPk(definition.name, name, this.#values(given as Stored))
    // An item that loses the value between the two reads leaves the entry to another one.
    for (let attempt = 0; attempt < 4; attempt++) {
      const entry = await db.get({ pk, sk: loneSk }, options)
      if (!entry) return undefined
      if (project) return fromStored(entry.data as Stored, definition.dates)
      const [item] = await itemsOf(this.#world, this.#index, [entry], options)
      if (item) return item
    }
    return undefined
  }

  #values(given: Stored): unknown[] {
    const { dates } = this.#world.definition
    return this.#index.key.map((field) => {
      if (given[field] === undefined)
        throw new InvalidInput(field, `is missing: the index '${this.#index.name}' needs it`)
      return dates.has(field) ? toDate(given[field], field) : given[field]
    })
  }

  #checkListed(method: string): void {
    if (this.#index.unique)
      throw new InvalidInput('index', `'${this.#index.name}' is unique: use get instead of ${method}`)
  }

  #ready(): Promise<void> {
    return checkReady(this.#world, this.#index)
  }
}
