import type { Changes, FieldChanges } from '../contract/changes.ts'
import { ConditionFailed } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbOperation, CallOptions } from '../interface.ts'
import { lastMoment } from '../model/last-moment.ts'
import { writerOf } from './as-writer.ts'
import { checkedChanges } from './checked-changes.ts'
import { operationsOf, toPlan } from './plan.ts'
import type { KeyOf } from './types.ts'
import type { World } from './world.ts'
import { changed, prepared, readForWrite, replacing } from './writes.ts'

/** Writes of a collection as operations of one transaction. */
export class Operations<T, Input, K extends keyof T> {
  readonly #world: World
  readonly #keyOf: (key: unknown) => AtomicDbItemKey

  /** @internal */
  constructor(world: World, keyOf: (key: unknown) => AtomicDbItemKey) {
    this.#world = world
    this.#keyOf = keyOf
  }

  /** Write an item where there is none. No request. */
  async insert(item: Input): Promise<AtomicDbOperation[]> {
    const after = await prepared(this.#world, item)
    return this.#planned(this.#world.definition.key.of(after), undefined, { after })
  }

  /** Write an item, whatever is there. 1 RRU. */
  async put(item: Input, options: CallOptions = {}): Promise<AtomicDbOperation[]> {
    const { definition } = this.#world
    const stored = await prepared(this.#world, item)
    const key = definition.key.of(stored)
    const before = await readForWrite(this.#world, key, options)
    return this.#planned(key, before, { after: replacing(definition, stored, before) })
  }

  /** Change an item where it lies. 1 RRU. @throws ConditionFailed when there is none. */
  async update(
    given: KeyOf<T, K>,
    changes: NoInfer<Changes<T>>,
    options: CallOptions = {},
  ): Promise<AtomicDbOperation[]> {
    const { definition, db } = this.#world
    const key = this.#keyOf(given)
    const checked = await checkedChanges(definition, changes as FieldChanges, db.runtime.now())
    const before = await readForWrite(this.#world, key, options)
    if (!before)
      throw new ConditionFailed(`${definition.name}: there is no such item to update`, [
        { index: 0, key, reason: 'condition', failed: ['exists'] },
      ])
    const next = await changed(definition, key, before, checked.changes, undefined)
    return this.#planned(key, before, next!)
  }

  /** Delete an item with all that belongs to it. 1 RRU. Empty where there is none. */
  async delete(given: KeyOf<T, K>, options: CallOptions = {}): Promise<AtomicDbOperation[]> {
    const key = this.#keyOf(given)
    const before = await readForWrite(this.#world, key, options)
    return before ? this.#planned(key, before, { after: undefined }) : []
  }

  async #planned(
    key: AtomicDbItemKey,
    before: Parameters<typeof toPlan>[2],
    next: { after: Parameters<typeof toPlan>[3]['after']; changes?: FieldChanges },
  ): Promise<AtomicDbOperation[]> {
    const { definition, db } = this.#world
    const writer = writerOf(this.#world)
    const plan = toPlan(definition, key, before, { ...next, now: db.runtime.now() })
    if (!writer.isReliable) await writer.ensure(db, {})
    return operationsOf(definition, plan).map(({ operation }) => ({
      ...operation,
      [lastMoment]: writer.check,
    }))
  }
}
