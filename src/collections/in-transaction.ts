import type { Changes, FieldChanges } from '../contract/changes.ts'
import type { Condition } from '../contract/conditions.ts'
import { ConditionFailed, type Conflict } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey } from '../interface.ts'
import { loneSk } from '../model/key-names.ts'
import { showKey } from '../model/keys.ts'
import { checkAtCommit } from '../model/last-moment.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { writerOf } from './as-writer.ts'
import { checkedChanges } from './checked-changes.ts'
import { countOf, notUnique } from './commit.ts'
import { type Entry, indexPk } from './entries.ts'
import { ReferenceMissing, StillReferenced } from './errors.ts'
import type { IndexDefinition } from './index-definition.ts'
import { type Plan, toItem, toPlan } from './plan.ts'
import { indexOrder, itemOrder, toRange } from './ranges.ts'
import { datesAsTexts, fromStored, type Stored } from './stored.ts'
import type { ListAllOptions } from './types.ts'
import { checkKnown, upgraded } from './versions.ts'
import type { World } from './world.ts'
import { type Changed, changed, prepared, replacing } from './writes.ts'

/**
 * The same plans inside of `transaction()`: what they read is compared at its commit, what they write is written by it.
 * Writes of one transaction are planned one after the other, since each one sees those before it.
 */
export class Work {
  readonly #world: World
  readonly #tx: Transaction

  constructor(world: World, tx: Transaction) {
    this.#world = world
    this.#tx = tx
  }

  async read(key: AtomicDbItemKey): Promise<AtomicDbItem | undefined> {
    const item = await this.#tx.get(key)
    if (item) checkKnown(this.#world.definition, item.data as Stored)
    return item
  }

  insert(given: unknown): Promise<Stored> {
    return inTurn(this.#tx, async () => {
      const { definition } = this.#world
      const after = await prepared(this.#world, given)
      const key = definition.key.of(after)
      const before = await this.read(key)
      if (before) throw exists(definition.name, before)
      await this.#apply(this.#plan(key, undefined, { after }))
      return after
    })
  }

  put(given: unknown): Promise<Stored> {
    return inTurn(this.#tx, async () => {
      const stored = await prepared(this.#world, given)
      const key = this.#world.definition.key.of(stored)
      const before = await this.read(key)
      const after = replacing(this.#world.definition, stored, before)
      await this.#apply(this.#plan(key, before, { after }))
      return after
    })
  }

  update(key: AtomicDbItemKey, given: FieldChanges, condition: Condition | undefined): Promise<Changed> {
    return inTurn(this.#tx, async () => {
      const { definition, db } = this.#world
      const { changes } = await checkedChanges(definition, given, db.runtime.now())
      const before = await this.read(key)
      const wanted = condition && (datesAsTexts(condition) as Condition)
      const next = before && (await changed(definition, key, before, changes, wanted))
      if (!next)
        return { applied: false, ...(before && { item: upgraded(definition, before).data as Stored }) }
      await this.#apply(this.#plan(key, before, next))
      return { applied: true, item: next.after }
    })
  }

  remove(key: AtomicDbItemKey): Promise<Changed> {
    return inTurn(this.#tx, async () => {
      const before = await this.read(key)
      if (before) await this.#apply(this.#plan(key, before, { after: undefined }))
      return { applied: true }
    })
  }

  /** All items of a range, or those that entries lead to. Each of them is compared at the commit. */
  async list(
    index: IndexDefinition | undefined,
    within: Stored,
    options: ListAllOptions,
  ): Promise<AtomicDbItem[]> {
    const { definition } = this.#world
    const { reverse, limit, ...bounds } = options
    const order = index ? indexOrder(definition, index) : itemOrder(definition)
    const found = await this.#tx.query({
      ...toRange(order, within, bounds, definition.dates),
      reverse,
      limit,
    })
    if (!index || index.project) return found
    const items = await this.#tx.getMany(found.map(({ data }) => definition.key.of(data as Stored)))
    return items.filter((item) => item !== undefined)
  }

  async unique(
    index: IndexDefinition,
    values: readonly unknown[],
  ): Promise<Record<string, unknown> | undefined> {
    const { definition } = this.#world
    const entry = await this.#tx.get({ pk: indexPk(definition.name, index.name, values), sk: loneSk })
    if (!entry || index.project) return entry && fromStored(entry.data as Stored, definition.dates)
    const item = await this.read(definition.key.of(entry.data as Stored))
    return item && fromStored(upgraded(definition, item).data as Stored, definition.dates)
  }

  #plan(
    key: AtomicDbItemKey,
    before: AtomicDbItem | undefined,
    next: { after: Stored | undefined; changes?: FieldChanges },
  ): Plan {
    return toPlan(this.#world.definition, key, before, { ...next, now: this.#world.db.runtime.now() })
  }

  async #apply(plan: Plan): Promise<void> {
    const tx = this.#tx
    const writer = writerOf(this.#world)
    if (!writer.isReliable) await writer.ensure(this.#world.db, {})
    checkAtCommit(tx, writer.check)
    // What refuses comes first: nothing is written then.
    await this.#checkReferences(plan)
    const foreign = await this.#checkUnique(plan)
    if (!plan.after) tx.delete(plan.key)
    else if (plan.changes) await tx.update(plan.key, plan.changes as Changes)
    else tx.set(toItem(plan.key, plan.after, plan.ttl))
    for (const { entry } of plan.puts) tx.set(toItem(entry.key, entry.data, entry.ttl))
    for (const entry of plan.deletes) if (!foreign.has(entry)) tx.delete(entry.key)
    for (const { key, by } of plan.counts) await tx.update(key, { add: { n: by } } as Changes)
    for (const { countKey, by } of plan.references) await tx.update(countKey, { add: { n: by } } as Changes)
    if (plan.release) tx.delete(plan.release.key)
    if (plan.kept) tx.set(plan.kept)
  }

  /** Entries of unique indexes that the plan would delete although they are another item's by now. */
  async #checkUnique(plan: Plan): Promise<Set<Entry>> {
    const { definition } = this.#world
    const isOwn = (entry: Entry, there: AtomicDbItem) =>
      definition.key.text(there.data as Stored) === definition.key.text(entry.data)
    const unique = (entry: Entry) => entry.index.unique
    const wanted = plan.puts.map(({ entry }) => entry).filter(unique)
    const given = plan.deletes.filter(unique)
    const there = await this.#tx.getMany([...wanted, ...given].map(({ key }) => key))
    wanted.forEach((entry, i) => {
      const other = there[i]
      if (other && !isOwn(entry, other))
        throw notUnique(definition, entry.index, conflictAt(entry.key, other))
    })
    return new Set(
      given.filter((entry, i) => {
        const other = there[wanted.length + i]
        return other !== undefined && !isOwn(entry, other)
      }),
    )
  }

  async #checkReferences({ key, references, release }: Plan): Promise<void> {
    const { name } = this.#world.definition
    for (const { target, to, mustExist, name: reference } of references) {
      const isSelf = target.pk === key.pk && target.sk === key.sk
      if (mustExist && !isSelf && !(await this.#tx.get(target)))
        throw new ReferenceMissing(name, reference, to.name, conflictAt(target, undefined))
    }
    const row = release && (await this.#tx.get<{ n: number }>(release.key))
    if (row && row.data.n > release!.own) {
      const conflict = conflictAt(release!.key, row)
      throw new StillReferenced(name, countOf(conflict), conflict)
    }
  }
}

const conflictAt = (key: AtomicDbItemKey, current: AtomicDbItem | undefined): Conflict => ({
  index: 0,
  key,
  reason: 'condition',
  current,
})

const exists = (name: string, item: AtomicDbItem): ConditionFailed =>
  new ConditionFailed(`${name}: there is an item ${showKey(item)} already; nothing was written`, [
    { index: 0, key: { pk: item.pk, sk: item.sk }, reason: 'exists', current: item },
  ])

const turns = new WeakMap<Transaction, Promise<unknown>>()

function inTurn<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
  const before = turns.get(tx)
  const mine = before ? before.then(work, work) : work()
  turns.set(
    tx,
    mine.catch(() => {}),
  )
  return mine
}
