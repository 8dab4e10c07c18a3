import type { ByPath, Changes, FieldChanges } from '../contract/changes.ts'
import { anyOf, type Condition } from '../contract/conditions.ts'
import type { Path } from '../contract/paths.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbOperation } from '../interface.ts'

const pairs = <V>(byPath: ByPath<V> | undefined): (readonly [Path, V])[] =>
  byPath === undefined
    ? []
    : Array.isArray(byPath)
      ? [...(byPath as readonly (readonly [Path, V])[])]
      : Object.entries(byPath as Record<string, V>)

/**
 * Changes and condition of a write that counts only if no newer fencing token was seen: the item remembers the
 * highest one in its field `fence`.
 *
 * ```ts
 * const { changes, if: condition } = fenced({ set: { state: 'done' } }, fencingToken)
 * const { applied } = await db.update(key, changes, { if: condition }) // false: somebody with a newer lock was here
 * ```
 *
 * Fencing: M. Kleppmann, How to do distributed locking, 2016.
 */
export function fenced(
  changes: FieldChanges,
  fencingToken: number,
  field: Path = 'fence',
): { changes: Changes; if: Condition } {
  if (typeof changes !== 'object' || changes === null)
    throw new InvalidInput('changes', 'must be an object of changes', {
      given: changes === null ? 'null' : typeof changes,
    })
  if (!Number.isSafeInteger(fencingToken) || fencingToken < 0)
    throw new InvalidInput('fencingToken', 'must be a fencing token', { given: String(fencingToken) })
  return {
    changes: { ...changes, set: [...pairs(changes.set), [field, fencingToken]] },
    if: anyOf([[field, { exists: false }]], [[field, { lte: fencingToken }]]),
  }
}

/** The same as an operation for `transact` and `atomic(db).add(...)`: an older token is `ConditionFailed`. */
export function fencedWrite(
  key: AtomicDbItemKey,
  changes: FieldChanges,
  fencingToken: number,
  field: Path = 'fence',
): AtomicDbOperation {
  return { type: 'update', key, ...fenced(changes, fencingToken, field) }
}
