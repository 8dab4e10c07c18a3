import type { ByPath, Changes, FieldChanges } from '../contract/changes.ts'
import { allOf, type Condition } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemLock, AtomicDbOperation } from '../interface.ts'
import { keyText, showKey } from '../model/keys.ts'
import { toChanges } from '../model/parse-changes.ts'

/** A transaction takes one operation per row: several on one row become one where that says the same. */

type OfType<T extends AtomicDbOperation['type']> = Extract<AtomicDbOperation, { type: T }>
type Conditional = OfType<'set' | 'update' | 'delete'> | (OfType<'check'> & { key: AtomicDbItemKey })

/** The row of an operation, where the caller names it. */
export function rowOf(operation: AtomicDbOperation): string | undefined {
  const key = keyOf(operation)
  return typeof key?.pk === 'string' && typeof key.sk === 'string'
    ? keyText({ pk: key.pk, sk: key.sk })
    : undefined
}

const keyOf = (operation: AtomicDbOperation): Partial<AtomicDbItemKey> | undefined =>
  'lock' in operation ? operation.lock : 'key' in operation ? operation.key : operation?.item

/** One operation for both, `first` being the earlier one. Throws `InvalidInput` with the reason where there is none. */
export function merged(first: AtomicDbOperation, second: AtomicDbOperation): AtomicDbOperation {
  const isLock = (operation: AtomicDbOperation) =>
    'lock' in operation || (operation.type === 'bump' && 'key' in operation)
  if (isLock(first) && isLock(second)) return mergedLocks(first, second)
  if (isLock(first) || isLock(second))
    throw refused(first, second, 'the row is named as a lock and as an item')
  if (!isConditional(first) || !isConditional(second)) throw refused(first, second, reasonFor(first, second))
  const conditions = [first.if, second.if].filter((one) => one !== undefined)
  const condition = both(conditions)
  if (first.type === 'check') return { ...second, ...condition } as AtomicDbOperation
  if (second.type === 'check') return { ...first, ...condition } as AtomicDbOperation
  if (first.type === 'update' && second.type === 'update')
    return { ...first, changes: mergedChanges(first, second), ...condition }
  throw refused(first, second, reasonFor(first, second))
}

const both = (conditions: readonly Condition[]): { if?: Condition } =>
  conditions.length === 0 ? {} : { if: conditions.length === 1 ? conditions[0]! : allOf(...conditions) }

const isConditional = (operation: AtomicDbOperation): operation is Conditional =>
  operation.type === 'set' ||
  operation.type === 'update' ||
  operation.type === 'delete' ||
  (operation.type === 'check' && 'key' in operation)

/** Unchanged and a new version together are a bump; of one whose version does not matter the stricter one counts. */
function mergedLocks(first: AtomicDbOperation, second: AtomicDbOperation): AtomicDbOperation {
  const locks = [first, second].flatMap((one): AtomicDbItemLock[] => ('lock' in one ? [one.lock] : []))
  if (locks.length === 0) return first
  if (locks.length === 2 && locks[0]!.version !== locks[1]!.version)
    throw refused(first, second, 'the lock was read twice, with different versions: one of them is outdated')
  const isBump = first.type === 'bump' || second.type === 'bump'
  return isBump ? { type: 'bump', lock: locks[0]! } : { type: 'check', lock: locks[0]! }
}

function mergedChanges(first: OfType<'update'>, second: OfType<'update'>): Changes {
  const [a, b] = [first.changes, second.changes] as [FieldChanges, FieldChanges]
  if (a?.delete !== undefined || b?.delete !== undefined)
    throw refused(first, second, 'the one deletes what the other one changes')
  if (a.ttl !== undefined && b.ttl !== undefined && a.ttl !== b.ttl)
    throw refused(first, second, 'they give different ttl')
  const changes: Record<string, unknown> = {}
  for (const part of [a, b]) {
    for (const [kind, given] of Object.entries(part)) {
      const before = changes[kind]
      if (given === undefined) continue
      if (kind === 'ttl') changes[kind] = given
      else if (kind === 'remove') changes[kind] = [...((before as unknown[]) ?? []), ...(given as unknown[])]
      else changes[kind] = [...pairs(before as ByPath<unknown>), ...pairs(given as ByPath<unknown>)]
    }
  }
  try {
    toChanges(changes as Changes)
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error
    throw refused(first, second, error.message)
  }
  return changes as Changes
}

const pairs = (byPath: ByPath<unknown> | undefined): (readonly [unknown, unknown])[] =>
  byPath === undefined ? [] : Array.isArray(byPath) ? [...byPath] : Object.entries(byPath)

function reasonFor({ type: a }: AtomicDbOperation, { type: b }: AtomicDbOperation): string {
  const types = new Set([a, b])
  if (types.has('queueAcknowledge') || types.has('queuePush')) return 'a message has one operation'
  if (types.has('setIfAbsent')) return 'setIfAbsent writes the item whole, where there is none'
  if (types.has('delete')) return 'the one deletes what the other one writes'
  return 'set writes the item whole: give it all of the data'
}

const refused = (first: AtomicDbOperation, second: AtomicDbOperation, reason: string): InvalidInput => {
  const { pk, sk } = keyOf(first) as AtomicDbItemKey
  return new InvalidInput(
    'operations',
    `two operations on one row, ${showKey({ pk, sk })}, ${first.type} and ${second.type}: ${reason}`,
    { keys: [{ pk, sk }] },
  )
}
