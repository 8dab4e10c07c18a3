import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { keyText } from '../model/keys.ts'
import { callOptions, optionsCheck } from '../model/options-check.ts'
import { equals } from '../model/values.ts'
import { countSk, type Entry, entriesIn, entriesOf, indexPk } from './entries.ts'
import type { IndexDefinition } from './index-definition.ts'
import { isOnePartition, tableOf } from './migration/source.ts'
import { itemOrder, toRange } from './ranges.ts'
import { indexNameOf, isItemOf } from './row-kinds.ts'
import { isOfVersion, type Stored, toDate, versionOf } from './stored.ts'
import type { World } from './world.ts'

/** An entry that is not as its item says. */
export interface IndexProblem {
  /** `missing`: the item has no such entry. `stale`: it differs. `orphan`: no item has it. `count`: a wrong number. */
  readonly kind: 'missing' | 'stale' | 'orphan' | 'count'
  readonly index: string
  /** Of the entry. */
  readonly key: AtomicDbItemKey
}

/** What `verify` looks at. */
export interface VerifyOptions extends CallOptions {
  /**
   * The partitions of the items, by their fields. Without them (and `values`) the whole table is read, which needs the grant
   * `scan` and finds all entries, also those that no item leads to.
   */
  readonly partitions?: readonly Readonly<Record<string, unknown>>[]
  /** Values of indexes whose entries are checked beside those that the items lead to: `{ team: [{ team: 'red' }] }`. */
  readonly values?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
}

/** What `verify` found. */
export interface VerifyResult {
  readonly items: number
  readonly entries: number
  readonly problems: readonly IndexProblem[]
}

const checkVerify = /* @__PURE__ */ optionsCheck<VerifyOptions>(() => [
  { ...callOptions, partitions: true, values: true },
])

/**
 * Items lead to entries, and the partitions of entries to items. What looks wrong is read again with its item at one
 * moment: others may write meanwhile.
 */
export async function verify(world: World, options: VerifyOptions): Promise<VerifyResult> {
  checkVerify(options)
  const { partitions, values = {}, ...call } = options
  const check = new Check(world, call)
  const named = partitions ?? (options.values && isOnePartition(world.definition) ? [{}] : undefined)
  if (named) for (const within of named) await check.items(within)
  else await check.table()
  for (const [name, given] of Object.entries(values)) check.add(name, given)
  await check.entries()
  return check.result
}

class Check {
  readonly #world: World
  readonly #call: CallOptions
  readonly #problems = new Map<string, IndexProblem>()
  /** Partitions of indexes that are to be read. */
  readonly #pks = new Map<string, IndexDefinition>()
  #items = 0
  #entries = 0

  constructor(world: World, call: CallOptions) {
    this.#world = world
    this.#call = call
  }

  get result(): VerifyResult {
    return { items: this.#items, entries: this.#entries, problems: [...this.#problems.values()] }
  }

  async items(within: Stored): Promise<void> {
    const { db, definition } = this.#world
    const range = toRange(itemOrder(definition), within, {}, definition.dates)
    for await (const item of db.stream({ ...this.#call, ...range })) {
      this.#items++
      await this.#checkItem(item)
    }
  }

  async table(): Promise<void> {
    const { definition } = this.#world
    const source = tableOf(this.#world)
    let after: AtomicDbItemKey | undefined
    do {
      const page = await source(after, 1000, this.#call)
      for (const item of page.items) {
        const index = definition.indexes.get(indexNameOf(definition, item) ?? '')
        if (index) this.#pks.set(item.pk, index)
        if (!isItemOf(definition, item)) continue
        this.#items++
        await this.#checkItem(item)
      }
      after = page.next
    } while (after)
  }

  async #checkItem(item: AtomicDbItem): Promise<void> {
    const expected = this.#expected(item)
    for (const entry of expected) this.#pks.set(entry.key.pk, entry.index)
    const found = await this.#world.db.getMany(
      expected.map(({ key }) => key),
      this.#call,
    )
    for (const [i, entry] of expected.entries()) {
      if (isRight(entry, found[i], item)) continue
      const kind = await this.#confirmed(entry.key, item)
      if (kind) this.#report(kind, entry.index, entry.key)
    }
  }

  #expected(item: AtomicDbItem | undefined): Entry[] {
    if (!item) return []
    const { definition } = this.#world
    const version = versionOf(item.data as Stored)
    return [...entriesOf(definition, item.data as Stored).values()].filter(
      ({ index }) => isOfVersion(index, version) && !index.retired,
    )
  }

  /** What is wrong with an entry at one moment, if anything is. */
  async #confirmed(key: AtomicDbItemKey, owner: AtomicDbItemKey): Promise<IndexProblem['kind'] | undefined> {
    const [entry, item] = await this.#world.db.getTogether([key, { pk: owner.pk, sk: owner.sk }], this.#call)
    const wanted = this.#expected(item).find((one) => keyText(one.key) === keyText(key))
    if (!wanted) return entry && this.#isOwnedBy(entry, owner) ? 'orphan' : undefined
    if (!entry) return 'missing'
    return isRight(wanted, entry, item!) ? undefined : 'stale'
  }

  #isOwnedBy(entry: AtomicDbItem, owner: AtomicDbItemKey): boolean {
    const { pk, sk } = this.#world.definition.key.of(entry.data as Stored)
    return pk === owner.pk && sk === owner.sk
  }

  add(name: string, values: readonly Stored[]): void {
    const { definition } = this.#world
    const index = definition.indexes.get(name)
    if (!index) throw new InvalidInput(`options.values.${name}`, 'is not an index')
    for (const given of values) {
      const key = index.key.map((field) =>
        definition.dates.has(field) ? toDate(given[field], field) : given[field],
      )
      this.#pks.set(indexPk(definition.name, name, key), index)
    }
  }

  async entries(): Promise<void> {
    for (const [pk, index] of this.#pks) if (!index.retired) await this.#checkPartition(pk, index)
  }

  async #checkPartition(pk: string, index: IndexDefinition): Promise<void> {
    const { db, definition } = this.#world
    let counted: number | undefined
    let there = 0
    for await (const entry of db.stream({ ...this.#call, pk })) {
      if (entry.sk === countSk) {
        counted = (entry.data as { n: number }).n
        continue
      }
      there++
      this.#entries++
      const owner = definition.key.of(entry.data as Stored)
      const item = await db.get(owner, this.#call)
      const wanted =
        item &&
        entriesIn(definition, index, item.data as Stored).find(({ key }) => keyText(key) === keyText(entry))
      if (wanted && isRight(wanted, entry, item)) continue
      const kind = await this.#confirmed(entry, owner)
      if (kind) this.#report(kind, index, entry)
    }
    if (index.count && (counted ?? 0) !== there) await this.#checkCount(pk, index)
  }

  /** Others may write: a number counts as wrong when it is so twice, and did not change in between. */
  async #checkCount(pk: string, index: IndexDefinition): Promise<void> {
    const { db } = this.#world
    const read = async () => (await db.get<{ n: number }>({ pk, sk: countSk }, this.#call))?.data.n ?? 0
    const before = await read()
    const there = await db.count({ ...this.#call, pk, from: '$' })
    if (before !== there && (await read()) === before) this.#report('count', index, { pk, sk: countSk })
  }

  #report(kind: IndexProblem['kind'], index: IndexDefinition, { pk, sk }: AtomicDbItemKey): void {
    const text = keyText({ pk, sk })
    // What its own item says of it comes first.
    if (!this.#problems.has(text)) this.#problems.set(text, { kind, index: index.name, key: { pk, sk } })
  }
}

/** What entries of an earlier version hold, this one does not know. */
const isRight = (wanted: Entry, found: AtomicDbItem | undefined, item: AtomicDbItem): boolean =>
  found !== undefined &&
  found.ttl === wanted.ttl &&
  (versionOf(item.data as Stored) < wanted.index.changed || equals(found.data, wanted.data))
