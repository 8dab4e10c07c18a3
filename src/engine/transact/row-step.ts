import type { Condition } from '../../contract/conditions.ts'
import type { Conflict } from '../../errors.ts'
import type { AtomicDbItemInput, AtomicDbItemKey, AtomicDbItemLock } from '../../interface.ts'
import { holds } from '../../model/evaluate.ts'
import { allGuards, isLive, isLiveGuard, isVacantGuard } from '../../model/expiry.ts'
import { checkExpressions } from '../../model/expression-limits.ts'
import { bareKey } from '../../model/keys.ts'
import { toGuard } from '../../model/parse-condition.ts'
import { fromItem } from '../../model/rows.ts'
import type { Guard, Row, RowOperation } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { checkLock, lockLifeSeconds, unchanged } from '../locks.ts'
import { firstTry, nextTry, type UpdateRequest } from '../update/plan.ts'

/** One row of a transaction: the operation on it, and what a failed guard means. */
export interface RowStep {
  /** The caller's operation that it stands for. */
  index: number
  key: AtomicDbItemKey
  reason: Conflict['reason']
  /** The caller's `if`. */
  condition?: Condition
  /** What it puts, where that is known beforehand. */
  row?: Row
  /**
   * Whether a guard that failed on this row fails also when the same request arrives later. Without it: it may hold
   * again.
   */
  failsForGood?(row: Row | undefined, now: number): boolean
  /** Whether the row shows that `sent` was applied: no other transaction makes a row like that. */
  isProof?(row: Row, sent: RowOperation): boolean
  /** Reads what `next` must know of a row that failed the guard. */
  look?(row: Row | undefined): Promise<void>
  first(now: number): RowOperation
  /** The operation for the row that failed the guard; 'unmet' when there is no other than to fail. */
  next(row: Row | undefined, now: number): RowOperation | 'unmet'
}

export const unmet = () => 'unmet' as const

/** A version never comes back. One that has only expired may be refreshed by a client whose clock is behind. */
export const lockStep = (index: number, lock: AtomicDbItemLock, first: RowStep['first']): RowStep => ({
  ...fixedStep(index, lock, 'lock', first),
  failsForGood: (row) => row?.version !== lock.version,
})

export const fixedStep = (
  index: number,
  key: AtomicDbItemKey,
  reason: Conflict['reason'],
  first: RowStep['first'],
): RowStep => ({ index, key: bareKey(key), reason, first, next: unmet })

export const putStep = (
  index: number,
  row: Row,
  reason: Conflict['reason'],
  guard: (now: number) => Guard | undefined,
): RowStep => ({
  ...fixedStep(index, row, reason, (now) => ({ op: 'put', row, guard: guard(now) })),
  row,
})

export function updateStep(index: number, request: UpdateRequest, reason: Conflict['reason']): RowStep {
  return {
    index,
    key: request.key,
    reason,
    first: (now) => firstTry(request, now),
    next: (row, now) => nextTry(request, row, now),
  }
}

export function setStep(
  index: number,
  item: AtomicDbItemInput,
  field: string,
  condition?: Condition,
): RowStep {
  const row = fromItem(item, field)
  if (condition === undefined) return putStep(index, row, 'condition', () => undefined)
  const guard = toGuard(condition, field.replace(/item$/, 'if'))
  checkExpressions(guard, [])
  return {
    index,
    key: bareKey(row),
    reason: 'condition',
    condition,
    row,
    first: (now) => ({ op: 'put', row, guard: allGuards(isLiveGuard(now), guard) }),
    next: (found, now) => {
      const item = isLive(found, now) ? found : undefined
      return holds(guard, item)
        ? { op: 'put', row, guard: item ? allGuards(isLiveGuard(now), guard) : isVacantGuard(now) }
        : 'unmet'
    },
  }
}

/** A bump and the lock that it makes. */
export function bumpStep(
  context: Context,
  index: number,
  lock: AtomicDbItemLock,
  field: string,
): { step: RowStep; bumped: AtomicDbItemLock } {
  checkLock(lock, field)
  const bumped = {
    pk: lock.pk,
    sk: lock.sk,
    version: context.ulid(),
    ttl: nowSeconds(context) + lockLifeSeconds,
  }
  const step = lockStep(index, lock, (now) => ({
    op: 'update',
    key: bareKey(lock),
    changes: [
      { op: 'set', path: ['version'], value: bumped.version },
      { op: 'set', path: ['ttl'], value: bumped.ttl },
    ],
    guard: unchanged(lock, now),
  }))
  step.isProof = (row) => row.version === bumped.version
  return { step, bumped }
}
