import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey, AtomicDbOperation, TransactResult } from '../../interface.ts'
import { suggestion } from '../../model/checks.ts'
import { holds } from '../../model/evaluate.ts'
import { allGuards, isLiveGuard, isVacantGuard } from '../../model/expiry.ts'
import { checkExpressions } from '../../model/expression-limits.ts'
import { checkOperationNames, operationTypes } from '../../model/item-names.ts'
import { bareKey, checkKey } from '../../model/keys.ts'
import { toChanges } from '../../model/parse-changes.ts'
import { toGuard } from '../../model/parse-condition.ts'
import { fromItem, isItem } from '../../model/rows.ts'
import type { Guard, RowOperation } from '../../storage.ts'
import type { Context } from '../context.ts'
import { checkLock, lockLifeSeconds, unchanged } from '../locks.ts'
import { notLock } from '../update/plan.ts'
import type { OfType, OperationSteps, Place } from './operation-steps.ts'
import { bumpStep, fixedStep, lockStep, putStep, type RowStep, setStep, updateStep } from './row-step.ts'

/** What each operation of a transaction becomes, row by row. */

/** No item there: nothing, one that has expired, or a lock. */
const noItem = (now: number): Guard => ({
  op: 'or',
  of: [{ op: 'absent', path: ['pk'] }, { op: 'exists', path: ['version'] }, isVacantGuard(now)],
})

function checkStep(
  index: number,
  operation: Extract<OfType<'check'>, { key: AtomicDbItemKey }>,
  field: string,
): RowStep {
  checkKey(operation.key, `${field}.key`)
  const key = bareKey(operation.key)
  const guard = toGuard(operation.if, `${field}.if`)
  checkExpressions(guard, [])
  const check = (guard: Guard): RowOperation => ({ op: 'check', key, guard })
  const ofItem = (now: number) => check(allGuards(isLiveGuard(now), notLock, guard))
  // Which of the two it is only the row tells; a condition that needs no item is tried without one first.
  const ofNone = (now: number) => check(noItem(now))
  return {
    index,
    key,
    reason: 'condition',
    condition: operation.if,
    first: holds(guard, undefined) ? ofNone : ofItem,
    next: (row, now) => {
      const item = isItem(row, now) ? row : undefined
      if (!holds(guard, item)) return 'unmet'
      return item ? ofItem(now) : ofNone(now)
    },
  }
}

/** A new version for whoever has read the lock. Where an item lies there is no lock, and nobody who has read one. */
function touchStep(context: Context, index: number, given: AtomicDbItemKey, field: string): RowStep {
  checkKey(given, `${field}.key`)
  const key = bareKey(given)
  const version = context.ulid()
  const isItemThere: Guard = allGuards({ op: 'exists', path: ['pk'] }, notLock)
  return {
    index,
    key,
    reason: 'conflict',
    first: (now) => ({ op: 'put', row: { ...key, version, ttl: now + lockLifeSeconds }, guard: noItem(now) }),
    next: (row, now) =>
      isItem(row, now)
        ? { op: 'check', key, guard: allGuards(isLiveGuard(now), isItemThere) }
        : { op: 'put', row: { ...key, version, ttl: now + lockLifeSeconds }, guard: noItem(now) },
    isProof: (row) => row.version === version,
  }
}

/** The operations on items and locks. */
export const itemOperations: OperationSteps = {
  check(operation, { index, field, result }) {
    if ('key' in operation) return checkStep(index, operation, field)
    const { lock } = operation
    checkLock(lock, `${field}.lock`)
    result.locks.push({ ...bareKey(lock), version: lock.version, ttl: lock.ttl })
    return lockStep(index, lock, (now) => ({ op: 'check', key: bareKey(lock), guard: unchanged(lock, now) }))
  },
  bump(operation, { context, index, field, result }) {
    if ('key' in operation) return touchStep(context, index, operation.key, field)
    const { step, bumped } = bumpStep(context, index, operation.lock, `${field}.lock`)
    result.locks.push(bumped)
    return step
  },
  set: ({ item, if: condition }, { index, field }) => setStep(index, item, `${field}.item`, condition),
  setIfAbsent: ({ item }, { index, field }) =>
    putStep(index, fromItem(item, `${field}.item`), 'exists', isVacantGuard),
  delete(operation, { index, field }) {
    checkKey(operation.key, `${field}.key`)
    const key = bareKey(operation.key)
    if (operation.if === undefined) return fixedStep(index, key, 'condition', () => ({ op: 'delete', key }))
    const guard = toGuard(operation.if, `${field}.if`)
    const step = updateStep(index, { key, changes: 'delete', guard, writeId: undefined }, 'condition')
    return { ...step, condition: operation.if }
  },
  update(operation, { index, field }) {
    checkKey(operation.key, `${field}.key`)
    const key = bareKey(operation.key)
    const changes = toChanges(operation.changes, `${field}.changes`)
    const guard = operation.if === undefined ? undefined : toGuard(operation.if, `${field}.if`)
    const step = updateStep(index, { key, changes, guard, writeId: undefined }, 'condition')
    return operation.if === undefined ? step : { ...step, condition: operation.if }
  },
}

/** The steps of an operation. What it will make is noted in `result`. */
export function toSteps(
  context: Context,
  steps: OperationSteps,
  operation: AtomicDbOperation,
  index: number,
  result: TransactResult,
): RowStep[] {
  const field = `operations[${index}]`
  if (typeof operation !== 'object' || operation === null)
    throw new InvalidInput(field, 'must be an object with type', { given: typeof operation })
  if (!operationTypes.includes(operation.type))
    throw new InvalidInput(
      `${field}.type`,
      `is not known: ${suggestion(String((operation as { type: unknown }).type), operationTypes)}`,
    )
  checkOperationNames(operation, field)
  type ToSteps = (operation: AtomicDbOperation, place: Place) => RowStep | RowStep[]
  const toOne = steps[operation.type] as ToSteps | undefined
  if (!toOne)
    throw new InvalidInput(`${field}.type`, 'is for a database with queues, which this one is not', {
      given: operation.type,
    })
  return [toOne(operation, { context, index, field, result })].flat()
}
