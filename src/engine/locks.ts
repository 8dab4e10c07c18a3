import { InvalidInput, RaceCondition } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemLock, AtomicDbLockedItem } from '../interface.ts'
import { allGuards, isLive, isLiveGuard, isVacantGuard } from '../model/expiry.ts'
import { lockKey } from '../model/key-names.ts'
import { checkKey, checkLockable, keyText, showKey } from '../model/keys.ts'
import { itemOrNone, toLock } from '../model/rows.ts'
import { type Guard, type Row, type SingleOperation, StorageFault } from '../storage.ts'
import { type Context, nowSeconds } from './context.ts'
import { applyOrRead } from './lost-replies.ts'
import { readRows, readTogether } from './requests.ts'
import { refusal } from './retry.ts'

export const lockLifeSeconds = 24 * 60 * 60
const refreshSeconds = 60 * 60

/** The lock is as it was read, and has not expired. */
export const unchanged = (lock: AtomicDbItemLock, now: number): Guard =>
  allGuards({ op: 'eq', left: { path: ['version'] }, right: { value: lock.version } }, isLiveGuard(now))

export function checkLock(lock: AtomicDbItemLock, field: string): void {
  checkKey(lock, field)
  if (typeof lock.version !== 'string' || lock.version === '') {
    throw new InvalidInput(field, 'is not a lock: pass what getLock, setAtomic or transact returned', {
      keys: [{ pk: lock.pk, sk: lock.sk }],
    })
  }
}

export async function getLock(context: Context, key: AtomicDbItemKey): Promise<AtomicDbItemLock> {
  checkKey(key)
  const keys = [{ pk: key.pk, sk: key.sk }]
  const [row] = await readRows(context, keys)
  return ensureLock(context, keys[0]!, row)
}

/** The lock in this row, refreshed in its last hour, or a new one where there is none. */
async function ensureLock(
  context: Context,
  key: AtomicDbItemKey,
  found: Row | undefined,
): Promise<AtomicDbItemLock> {
  let row = found
  // Each turn is lost to another client that made, refreshed or deleted the lock meanwhile.
  for (let turn = 0; turn < 20; turn++) {
    const now = nowSeconds(context)
    if (isLive(row, now)) {
      if (row.version === undefined)
        throw new InvalidInput(
          'key',
          `${showKey(key)} holds an item, not a lock: locks have keys of their own, see lockKey`,
          { keys: [key] },
        )
      if (row.ttl! - now > refreshSeconds) return toLock(row)
    }
    const wanted = isLive(row, now) ? refreshedLock(row, now) : newLock(context, key, now)
    // Without an answer the row is read: a late try makes a version that nobody holds, or changes nothing.
    const result = await applyOrRead(context, key, wanted)
    if (result.refused) throw refusal(result.refused, [key])
    if (result.applied) return toLock(result.row!)
    row = result.row
  }
  throw new RaceCondition(`the lock ${showKey(key)} kept changing while it was read`, [
    { index: 0, key, reason: 'lock' },
  ])
}

function newLock(context: Context, key: AtomicDbItemKey, now: number): SingleOperation {
  return {
    op: 'put',
    row: { ...key, version: context.ulid(), ttl: now + lockLifeSeconds },
    guard: isVacantGuard(now),
  }
}

/** A refresh keeps the version: it must not fail the work of somebody who has read the lock. */
function refreshedLock(row: Row, now: number): SingleOperation {
  return {
    op: 'update',
    key: { pk: row.pk, sk: row.sk },
    changes: [{ op: 'set', path: ['ttl'], value: now + lockLifeSeconds }],
    guard: unchanged(toLock(row), now),
  }
}

/** Items with their locks, which are made where missing; up to 50 as of one moment. */
export async function getLocked<T>(
  context: Context,
  keys: readonly AtomicDbItemKey[],
): Promise<AtomicDbLockedItem<T>[]> {
  if (!Array.isArray(keys)) throw new InvalidInput('keys', 'must be an array', { given: typeof keys })
  const seen = new Set<string>()
  keys.forEach((key, i) => {
    checkKey(key, `keys[${i}]`)
    checkLockable(key, `keys[${i}]`)
    if (seen.has(keyText(key))) throw new InvalidInput(`keys[${i}]`, 'is there twice')
    seen.add(keyText(key))
  })
  const result: AtomicDbLockedItem<T>[] = []
  for (let from = 0; from < keys.length; from += 50)
    result.push(...(await lockedPage<T>(context, keys.slice(from, from + 50))))
  return result
}

/**
 * Items and locks in pairs as of one moment; what is larger than 4 MB in parts, whose locks are then compared as of
 * one moment: unchanged, they are as if read together by whoever writes with locks.
 */
async function readInParts(
  context: Context,
  wanted: readonly AtomicDbItemKey[],
): Promise<(Row | undefined)[]> {
  try {
    return await readTogether(context, wanted)
  } catch (error) {
    if (!(error instanceof StorageFault) || error.kind !== 'invalid' || wanted.length <= 2) throw error
  }
  const middle = 2 * Math.ceil(wanted.length / 4)
  const rows = [
    ...(await readInParts(context, wanted.slice(0, middle))),
    ...(await readInParts(context, wanted.slice(middle))),
  ]
  const isLock = (_: unknown, i: number) => i % 2 === 1
  const locks = await readTogether(context, wanted.filter(isLock))
  if (rows.filter(isLock).every((row, i) => row?.version === locks[i]?.version)) return rows
  return readInParts(context, wanted)
}

/** All of it as of one moment: where a lock had to be made, everything is read again after it. */
async function lockedPage<T>(
  context: Context,
  keys: readonly AtomicDbItemKey[],
): Promise<AtomicDbLockedItem<T>[]> {
  const wanted = keys.flatMap((key) => [{ pk: key.pk, sk: key.sk }, lockKey(key)])
  for (let turn = 0; turn < 20; turn++) {
    const rows = await readInParts(context, wanted)
    const now = nowSeconds(context)
    const found = keys.map((_, i) => rows[2 * i + 1])
    const locks = await Promise.all(keys.map((key, i) => ensureLock(context, lockKey(key), found[i])))
    if (!locks.every((lock, i) => isLive(found[i], now) && found[i].version === lock.version)) continue
    return locks.map((lock, i) => {
      const item = itemOrNone<T>(rows[2 * i], now)
      return item ? { item, lock } : { lock }
    })
  }
  throw new RaceCondition(
    'locks kept disappearing while they were read',
    keys.map((key, index) => ({ index, key: lockKey(key), reason: 'lock' })),
  )
}
