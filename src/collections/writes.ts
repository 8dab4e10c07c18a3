import type { FieldChanges } from '../contract/changes.ts'
import { allOf, type Condition, exists, unchanged } from '../contract/conditions.ts'
import { ConditionFailed, InvalidInput, OutcomeUnknown, RaceCondition } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { applyChanges, satisfies } from '../model/apply.ts'
import { showKey } from '../model/keys.ts'
import { equals } from '../model/values.ts'
import { asWriter } from './as-writer.ts'
import { checkedChanges } from './checked-changes.ts'
import { type Committed, commitPlan } from './commit.ts'
import type { Definition } from './definition.ts'
import { ttlOf } from './entries.ts'
import { type Plan, toPlan } from './plan.ts'
import { deletedKey } from './references.ts'
import { retried } from './retried.ts'
import { validated } from './standard-schema.ts'
import { datesAsTexts, fromStored, type Stored, toStored } from './stored.ts'
import { checkKnown, isCurrent, isCurrentCondition, isWritable, toCurrent, upgraded } from './versions.ts'
import type { World } from './world.ts'

/** The writes of a collection outside of transactions. */

/** What is to be stored, checked. `before`: the item that it replaces. */
export async function prepared({ db, definition }: World, given: unknown): Promise<Stored> {
  const { schema, dates, version } = definition
  let item = schema ? validated(schema, given, 'item') : given
  if (item instanceof Promise) item = await item
  return stamped(definition, toStored(item, dates, version), db.runtime.now())
}

function stamped({ created, updated }: Definition, stored: Record<string, unknown>, now: number): Stored {
  if (created === undefined && updated === undefined) return stored
  const at = new Date(now).toISOString()
  if (created !== undefined) stored[created] = at
  if (updated !== undefined) stored[updated] = at
  return stored
}

/** The time of creation stays. */
export function replacing({ created }: Definition, stored: Stored, before: AtomicDbItem | undefined): Stored {
  const at = created === undefined ? undefined : (before?.data as Stored | undefined)?.[created]
  return at === undefined ? stored : { ...stored, [created!]: at }
}

/** Whether nothing but the item's own row says what the item is. */
const isAlone = ({ indexes, references, created }: Definition): boolean =>
  indexes.size === 0 && references.length === 0 && created === undefined

export async function insert(world: World, given: unknown, options: CallOptions): Promise<Stored> {
  const { db, definition } = world
  const after = await prepared(world, given)
  const key = definition.key.of(after)
  return retried(world, options, async ({ call }) => {
    const plan = toPlan(definition, key, undefined, { after, now: db.runtime.now() })
    const committed = await commitPlan(db, definition, plan, call)
    if (committed === 'done' || !('raced' in committed)) return { committed, result: after }
    const there = committed.raced.conflicts.find((one) => sameRow(one.key, key) && one.reason === 'exists')
    if (!there) return { committed, result: after }
    throw new ConditionFailed(
      `${definition.name}: there is an item ${showKey(key)} already; nothing was written`,
      [there],
    )
  })
}

const sameRow = (a: AtomicDbItemKey, b: AtomicDbItemKey): boolean => a.pk === b.pk && a.sk === b.sk

export async function put(world: World, given: unknown, options: CallOptions): Promise<Stored> {
  const { db, definition } = world
  const stored = await prepared(world, given)
  const key = definition.key.of(stored)
  if (isAlone(definition)) return putBlindly(world, key, stored, options)
  return retried(world, options, async ({ call, foreign }) => {
    const before = await readForWrite(world, key, call)
    const after = replacing(definition, stored, before)
    const plan = toPlan(definition, key, before, { after, now: db.runtime.now(), foreign })
    return { committed: await commitPlan(db, definition, plan, call), result: after }
  })
}

/** 1 request: nothing but the item's own row depends on it. Not over an item of a later version. */
async function putBlindly(
  world: World,
  key: AtomicDbItemKey,
  stored: Stored,
  options: CallOptions,
): Promise<Stored> {
  const { db, definition } = world
  const ttl = ttlOf(definition, stored)
  const changes = { set: { '': stored }, ttl: ttl ?? null }
  const { applied, item } = await asWriter(world, options, (call) =>
    db.update(key, changes, { ...call, if: writable(definition.version) }),
  )
  if (!applied && item) checkKnown(definition, item.data as Stored)
  return stored
}

const conditions = new Map<string, Condition>()
/** Made once: they are the same for each write. */
function cached(name: string, make: () => Condition): Condition {
  let found = conditions.get(name)
  if (!found) {
    found = make()
    conditions.set(name, found)
  }
  return found
}
const writable = (version: number): Condition => cached(`w${version}`, () => isWritable(version))
const current = (version: number): Condition =>
  cached(`c${version}`, () => allOf(exists, isCurrentCondition(version)))

/** Strongly, past any cache. Throws `NewerVersion`. */
export async function readForWrite(
  { db, definition }: World,
  key: AtomicDbItemKey,
  call: CallOptions,
): Promise<AtomicDbItem | undefined> {
  const before = await db.get(key, { ...call, consistent: true })
  if (before) checkKnown(definition, before.data as Stored)
  return before
}

export interface Changed {
  readonly applied: boolean
  readonly item?: Stored
}

export async function update(
  world: World,
  key: AtomicDbItemKey,
  given: FieldChanges,
  { if: condition, ...options }: CallOptions & { if?: Condition },
): Promise<Changed> {
  const { db, definition } = world
  const { changes, isPlain } = await checkedChanges(definition, given, db.runtime.now())
  const wanted = condition && (definition.dates.size > 0 ? (datesAsTexts(condition) as Condition) : condition)
  if (isPlain) {
    const guard = wanted ? allOf(current(definition.version), wanted) : current(definition.version)
    const { applied, item } = await asWriter(world, options, (call) =>
      db.update(key, changes, { ...call, if: guard }),
    )
    if (applied || !item || isCurrent(definition, item.data as Stored))
      return { applied, ...(item && { item: item.data as Stored }) }
    checkKnown(definition, item.data as Stored)
  }
  return retried(world, options, async ({ call, foreign }): Promise<{ result: Changed }> => {
    const before = await readForWrite(world, key, call)
    const next = before && (await changed(definition, key, before, changes, wanted))
    if (!next)
      return {
        result: { applied: false, ...(before && { item: upgraded(definition, before).data as Stored }) },
      }
    const plan = toPlan(definition, key, before, { ...next, now: db.runtime.now(), foreign })
    const result = { applied: true, item: next.after }
    return { committed: await commitPlan(db, definition, plan, call), result } as { result: Changed }
  })
}

/** The item after the changes. Absent: the condition does not hold. */
export async function changed(
  definition: Definition,
  key: AtomicDbItemKey,
  before: AtomicDbItem,
  changes: FieldChanges,
  condition: Condition | undefined,
): Promise<{ after: Stored; changes?: FieldChanges } | undefined> {
  const now = upgraded(definition, before)
  if (condition && !satisfies(now, condition)) return undefined
  const after = applyChanges(key, now, changes)!.data as Stored
  const checked = await checkedStored(definition, after)
  const isExact = now === before && ttlOf(definition, checked) === before.ttl && equals(checked, after)
  return isExact ? { after: checked, changes } : { after: checked }
}

/** An updated item as its schema returns it. */
export async function checkedStored(
  { stored: schema, dates, version }: Definition,
  after: Stored,
): Promise<Stored> {
  if (!schema) return after
  const item = await validated(schema, fromStored(after, dates), 'item')
  return toStored(item, dates, version)
}

export async function remove(
  world: World,
  key: AtomicDbItemKey,
  { if: condition, isPurge, ...options }: CallOptions & { if?: Condition; isPurge?: boolean },
): Promise<Changed> {
  const { db, definition } = world
  const wanted = condition && (datesAsTexts(condition) as Condition)
  const isBlind =
    isAlone(definition) && !definition.referenced && (isPurge || definition.keptSeconds === undefined)
  if (!wanted && isBlind) return removeBlindly(world, key, options)
  return retried(world, options, async ({ call, foreign }): Promise<{ result: Changed }> => {
    const before = await readForWrite(world, key, call)
    if (!before) return { result: { applied: wanted === undefined } }
    const now = upgraded(definition, before)
    if (wanted && !satisfies(now, wanted)) return { result: { applied: false, item: now.data as Stored } }
    const plan = toPlan(definition, key, before, {
      after: undefined,
      isPurge,
      now: db.runtime.now(),
      foreign,
    })
    const committed = commitPlan(db, definition, plan, call)
    return {
      committed: await (wanted ? committed : unlessGone(committed, key)),
      result: { applied: true },
    } as { result: Changed }
  })
}

/** Nobody asks who has deleted the item: where a reply was lost, the next attempt sees whether it is gone. */
async function unlessGone(committed: Promise<Committed>, key: AtomicDbItemKey): Promise<Committed> {
  try {
    return await committed
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error
    return {
      raced: new RaceCondition(error.message, [{ index: 0, key, reason: 'conflict' }], { cause: error }),
    }
  }
}

async function removeBlindly(world: World, key: AtomicDbItemKey, options: CallOptions): Promise<Changed> {
  const { db, definition } = world
  return retried(world, options, async ({ call }): Promise<{ result: Changed }> => {
    const deleted = db.update(key, { delete: true }, { ...call, if: writable(definition.version) })
    const committed = await unlessGone(
      deleted.then(({ applied, item }): Committed => {
        if (!applied && item) checkKnown(definition, item.data as Stored)
        return 'done'
      }),
      key,
    )
    return { committed, result: { applied: true } } as { result: Changed }
  })
}

/** Brings a deleted item back. Absent: it is not kept. */
export async function restore(
  world: World,
  key: AtomicDbItemKey,
  options: CallOptions,
): Promise<Stored | undefined> {
  const { db, definition } = world
  if (definition.keptSeconds === undefined)
    throw new InvalidInput('restore', "needs the option 'softDelete' of the collection")
  const at = deletedKey(definition, key)
  return retried(world, options, async ({ call }): Promise<{ result: Stored | undefined }> => {
    const kept = await db.get(at, { ...call, consistent: true })
    if (!kept) return { result: undefined }
    const after = toStored(toCurrent(definition, kept.data as Stored), definition.dates, definition.version)
    const plan: Plan = toPlan(definition, key, undefined, { after, now: db.runtime.now() })
    const gone = { type: 'delete' as const, key: at, if: unchanged(kept) }
    return { committed: await commitPlan(db, definition, plan, call, [gone]), result: after } as {
      result: Stored
    }
  })
}
