import type { Changes } from '../contract/changes.ts'
import { absent, anyOf, type Condition, exists, unchanged } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbOperation } from '../interface.ts'
import { keyText, sameKey } from '../model/keys.ts'
import type { Definition } from './definition.ts'
import { countSk, type Entry, entriesOf, sameEntry, ttlOf } from './entries.ts'
import { deletedKey, type ReferenceChange, referenceChanges } from './references.ts'
import { isOfVersion, type Stored, versionOf } from './stored.ts'

/**
 * What a change of an item means for all of its rows, as data: a transaction of the database, or of `transaction()`, is
 * made of it. Planned from the item as it was read, and worth nothing once that has changed: the item's own step compares
 * the whole value, so that neither another plan nor a plain update can come in between.
 */
export interface Plan {
  readonly key: AtomicDbItemKey
  /** The item as it was read. Absent: there was none. */
  readonly before: AtomicDbItem | undefined
  /** What is to be stored. Absent: the item is deleted. */
  readonly after: Stored | undefined
  readonly ttl: number | undefined
  /** Changes that make `after` of `before`: less to send, and exact. */
  readonly changes: Changes | undefined
  readonly puts: readonly { readonly entry: Entry; readonly isOwned: boolean }[]
  readonly deletes: readonly Entry[]
  /** Counts of entries by their row, and by how much they change. */
  readonly counts: readonly { readonly key: AtomicDbItemKey; readonly by: number }[]
  readonly references: readonly ReferenceChange[]
  /** The row that counts references to a deleted item, and how many of these are its own. */
  readonly release: { readonly key: AtomicDbItemKey; readonly own: number } | undefined
  /** A deleted item that is kept. */
  readonly kept: AtomicDbItem | undefined
}

export interface Wanted {
  readonly after: Stored | undefined
  readonly changes?: Changes
  /** A deleted item is not kept. */
  readonly isPurge?: boolean
  /** Epoch ms. */
  readonly now: number
  /** Unique entries that belong to others although the item names them: they were free when they were taken. */
  readonly foreign?: ReadonlySet<string>
}

/** `key` is the item's; `before` as it came from the database. */
export function toPlan(
  definition: Definition,
  key: AtomicDbItemKey,
  before: AtomicDbItem | undefined,
  { after, changes, isPurge = false, now, foreign }: Wanted,
): Plan {
  const stored = before?.data as Stored | undefined
  const old = stored ? presentEntries(definition, stored) : new Map<string, Entry>()
  const wanted = after ? activeEntries(definition, after) : new Map<string, Entry>()
  const version = stored ? versionOf(stored) : 0
  const puts = [...wanted].flatMap(([text, entry]) => {
    const present = old.get(text)
    const isKnown = version >= entry.index.changed
    return present && isKnown && sameEntry(present, entry) ? [] : [{ entry, isOwned: present !== undefined }]
  })
  const deletes = [...old].flatMap(([text, entry]) => (wanted.has(text) || foreign?.has(text) ? [] : [entry]))
  const { changed, release } = referenceChanges(definition, stored, after)
  const plan: Plan = {
    key,
    before,
    after,
    ttl: after && ttlOf(definition, after),
    changes,
    puts,
    deletes,
    counts: countChanges(old.values(), wanted.values()),
    references: changed,
    release,
    kept: after || !stored || isPurge ? undefined : keptItem(definition, key, stored, now),
  }
  checkRows(plan)
  return plan
}

/** Of an item as an earlier version wrote it: indexes that came later have no entry yet. */
function presentEntries(definition: Definition, stored: Stored): Map<string, Entry> {
  const version = versionOf(stored)
  return filtered(entriesOf(definition, stored), ({ index }) => isOfVersion(index, version))
}

const activeEntries = (definition: Definition, item: Stored): Map<string, Entry> =>
  filtered(entriesOf(definition, item), ({ index }) => !index.retired)

function filtered(entries: Map<string, Entry>, keep: (entry: Entry) => boolean): Map<string, Entry> {
  for (const [text, entry] of entries) if (!keep(entry)) entries.delete(text)
  return entries
}

function countChanges(old: Iterable<Entry>, wanted: Iterable<Entry>): { key: AtomicDbItemKey; by: number }[] {
  const byPk = new Map<string, number>()
  const add = ({ index, key }: Entry, by: number) => {
    if (index.count) byPk.set(key.pk, (byPk.get(key.pk) ?? 0) + by)
  }
  for (const entry of old) add(entry, -1)
  for (const entry of wanted) add(entry, 1)
  return [...byPk].filter(([, by]) => by !== 0).map(([pk, by]) => ({ key: { pk, sk: countSk }, by }))
}

function keptItem(
  definition: Definition,
  key: AtomicDbItemKey,
  stored: Stored,
  now: number,
): AtomicDbItem | undefined {
  const { keptSeconds } = definition
  if (keptSeconds === undefined) return undefined
  const ttl = Number.isFinite(keptSeconds) ? { ttl: Math.floor(now / 1000) + keptSeconds } : {}
  return { ...deletedKey(definition, key), data: stored, ...ttl }
}

/** How many rows the plan writes or compares. */
const rowsOf = ({ puts, deletes, counts, references, release, kept }: Plan): number =>
  1 +
  puts.length +
  deletes.length +
  counts.length +
  references.reduce((sum, { mustExist }) => sum + (mustExist ? 2 : 1), 0) +
  (release ? 1 : 0) +
  (kept ? 1 : 0)

function checkRows(plan: Plan): void {
  const rows = rowsOf(plan)
  if (rows > 100)
    throw new InvalidInput('item', 'needs more than the 100 rows of a transaction: fewer index entries', {
      limit: 100,
      given: String(rows),
    })
}

/** Whether the item's own row is all that is written. */
export const isSingle = (plan: Plan): boolean => rowsOf(plan) === 1

/** What an operation of a plan is for, to say what its failure means. */
export type Role =
  | { readonly of: 'item' | 'count' | 'kept' }
  | { readonly of: 'entry' | 'foreign'; readonly entry: Entry }
  | { readonly of: 'reference'; readonly change: ReferenceChange }
  | { readonly of: 'release' }

export interface PlannedOperation {
  readonly operation: AtomicDbOperation
  readonly role: Role
}

/** Holds for a unique entry that is free, or the item's own. */
export function ownedOrFree({ data, index }: Entry, keyFields: readonly string[]): Condition | undefined {
  if (!index.unique) return undefined
  return anyOf(absent, keyFields.map((field) => [[field], { eq: data[field] }] as const) as Condition)
}

/** The operations of a transaction. */
export function operationsOf(definition: Definition, plan: Plan): PlannedOperation[] {
  const { key, counts, references, release, kept } = plan
  const found: PlannedOperation[] = [{ operation: itemOperation(plan), role: { of: 'item' } }]
  for (const { entry } of plan.puts) {
    const condition = ownedOrFree(entry, definition.key.fields)
    const item = { ...entry.key, data: entry.data, ...(entry.ttl === undefined ? {} : { ttl: entry.ttl }) }
    found.push({
      operation: { type: 'set', item, ...(condition && { if: condition }) },
      role: { of: 'entry', entry },
    })
  }
  for (const entry of plan.deletes) {
    const condition = ownedOrFree(entry, definition.key.fields)
    const operation = { type: 'delete' as const, key: entry.key, ...(condition && { if: condition }) }
    found.push({ operation, role: { of: 'foreign', entry } })
  }
  for (const { key: at, by } of counts)
    found.push({ operation: { type: 'update', key: at, changes: { add: { n: by } } }, role: { of: 'count' } })
  for (const change of references) found.push(...referenceOperations(key, change))
  if (release)
    found.push({
      operation: { type: 'delete', key: release.key, if: anyOf(absent, { n: { lte: release.own } }) },
      role: { of: 'release' },
    })
  if (kept) found.push({ operation: { type: 'set', item: kept }, role: { of: 'kept' } })
  return found
}

function referenceOperations(own: AtomicDbItemKey, change: ReferenceChange): PlannedOperation[] {
  const role: Role = { of: 'reference', change }
  const counted: PlannedOperation = {
    operation: { type: 'update', key: change.countKey, changes: { add: { n: change.by } } },
    role: { of: 'count' },
  }
  if (!change.mustExist || sameKey(change.target, own)) return [counted]
  return [{ operation: { type: 'check', key: change.target, if: exists }, role }, counted]
}

/** The item's own row, guarded by what was read. */
function itemOperation({ key, before, after, ttl, changes }: Plan): AtomicDbOperation {
  const guard = unchanged(before)
  if (!after) return { type: 'delete', key, if: guard }
  if (!before) return { type: 'setIfAbsent', item: toItem(key, after, ttl) }
  if (changes) return { type: 'update', key, changes, if: guard }
  return { type: 'set', item: toItem(key, after, ttl), if: guard }
}

export const toItem = (key: AtomicDbItemKey, data: Stored, ttl: number | undefined): AtomicDbItem => ({
  pk: key.pk,
  sk: key.sk,
  data,
  ...(ttl === undefined ? {} : { ttl }),
})

export const entryText = (entry: Entry): string => keyText(entry.key)
