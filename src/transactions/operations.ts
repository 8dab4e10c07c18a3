import { unchanged } from '../contract/conditions.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbOperation } from '../interface.ts'
import { lockKey } from '../model/key-names.ts'
import { keyText } from '../model/keys.ts'
import { exactOf } from '../model/wire.ts'
import type { Entry } from './entry.ts'

/** Whether the key of the item's lock fits. */
export const hasLock = (key: AtomicDbItemKey): boolean => Buffer.byteLength(lockKey(key).sk) <= 1024

/**
 * What commits a transaction: what was read is compared, in the guard of its own write where it is written; what is
 * written gives its lock a new version, so that holders of the lock notice.
 */
export function commitOperations(entries: readonly Entry[], locks: boolean): AtomicDbOperation[] {
  const operations = entries.map(operationOf)
  if (!locks) return operations
  const taken = new Set(entries.map(({ key }) => keyText(key)))
  for (const { key, writes } of entries) {
    if (writes === 0 || !hasLock(key)) continue
    const lock = lockKey(key)
    // Where this transaction has an item at the key of the lock, nobody can hold a lock.
    if (!taken.has(keyText(lock))) operations.push({ type: 'bump', key: lock })
  }
  return operations
}

function operationOf({ key, base, value, writes }: Entry): AtomicDbOperation {
  const guard = base && { if: unchanged(base.item) }
  if (writes === 0 || (!value?.item && base && !base.item))
    return { type: 'check', key, if: unchanged(base?.item) }
  if (!value?.item) return { type: 'delete', key, ...guard }
  return { ...written(value.item), ...guard }
}

/** An `update` rather than a `set`, so that attributes of other programs stay. */
function written(item: AtomicDbItem): Extract<AtomicDbOperation, { type: 'set' | 'update' }> {
  const { data } = exactOf(item)
  const { pk, sk, ttl } = item
  // A change cannot take away all of `data`.
  if (data === undefined) return { type: 'set', item: { pk, sk, ...(ttl === undefined ? {} : { ttl }) } }
  return { type: 'update', key: { pk, sk }, changes: { set: { '': data }, ttl: ttl ?? null } }
}
