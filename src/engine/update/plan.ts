import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey } from '../../interface.ts'
import { concreteOf, evaluated, isBound, misfit, resolveBound } from '../../model/changed-row.ts'
import { holds, Misfit, valueAt } from '../../model/evaluate.ts'
import { allGuards, isLive, isLiveGuard, isVacantGuard } from '../../model/expiry.ts'
import { checkExpressions } from '../../model/expression-limits.ts'
import { showKey } from '../../model/keys.ts'
import { type Bound, dataPath, type PlannedChange } from '../../model/parse-changes.ts'
import type { Guard, Row, RowChange, RowOperation, RowPath, SingleOperation } from '../../storage.ts'

/**
 * How an update becomes guarded operations. The first operation expects the usual case (the item and all parents are
 * there, every bound applies) and guards exactly that. When a guard fails, the row that failed it decides the next
 * operation.
 */
export interface UpdateRequest {
  key: AtomicDbItemKey
  changes: readonly PlannedChange[] | 'delete'
  /** The caller's condition. */
  guard: Guard | undefined
  /** Written into the row, so that a read after a lost reply tells whether the update was applied. */
  writeId: string | undefined
}

export const notLock: Guard = { op: 'absent', path: ['version'] }

/** No earlier try has written the row. */
const notWrittenYet = (writeId: string): Guard => ({
  op: 'ne',
  left: { path: ['w'] },
  right: { value: writeId },
})

const writeMark = (writeId: string): RowChange => ({ op: 'set', path: ['w'], value: writeId })

export function firstTry(request: UpdateRequest, now: number): SingleOperation {
  const operation = usualCase(request, now)
  if (operation.guard) checkExpressions(operation.guard, operation.op === 'update' ? operation.changes : [])
  return operation
}

function usualCase(request: UpdateRequest, now: number): SingleOperation {
  const { key, changes, guard, writeId } = request
  if (changes === 'delete') return { op: 'delete', key, guard: allGuards(isLiveGuard(now), notLock, guard) }
  const guards: (Guard | undefined)[] = [isLiveGuard(now), notLock, guard]
  // An update that gives no data would make an item without any.
  if (!changes.some(givesData)) guards.push({ op: 'exists', path: ['pk'] })
  const concrete: RowChange[] = []
  const parents = new Set<string>()
  for (const one of changes) {
    if (one.path.length > 1) {
      const parent = one.path.slice(0, -1)
      const text = dataPath(parent)
      if (!parents.has(text)) guards.push({ op: 'exists', path: parent })
      parents.add(text)
    }
    if (isBound(one)) guards.push(boundApplies(one))
    concrete.push(isBound(one) ? { op: 'set', path: one.path, value: one.value } : one)
  }
  return update(key, concrete, guards, writeId)
}

const givesData = (one: PlannedChange): boolean =>
  one.path[0] === 'data' && one.op !== 'remove' && one.op !== 'removeFromSet'

function update(
  key: AtomicDbItemKey,
  changes: RowChange[],
  guards: (Guard | undefined)[],
  writeId: string | undefined,
): SingleOperation {
  if (writeId === undefined) return { op: 'update', key, changes, guard: allGuards(...guards) }
  return {
    op: 'update',
    key,
    changes: [...changes, writeMark(writeId)],
    guard: allGuards(...guards, notWrittenYet(writeId)),
  }
}

function boundApplies(bound: Bound): Guard {
  return {
    op: 'or',
    of: [
      { op: 'absent', path: bound.path },
      { op: bound.op === 'max' ? 'lt' : 'gt', left: { path: bound.path }, right: { value: bound.value } },
    ],
  }
}

/**
 * The operation for a row as it was read last; 'unmet' when the caller's condition does not hold for it. A `check`
 * means that there is nothing to write. Throws `InvalidInput` where a change does not fit the row.
 */
export function nextTry(request: UpdateRequest, row: Row | undefined, now: number): RowOperation | 'unmet' {
  const { key, changes, guard, writeId } = request
  const item = isLive(row, now) ? row : undefined
  if (item?.version !== undefined)
    throw new InvalidInput('key', `${showKey(key)} holds a lock, not an item`, { keys: [key] })
  if (guard && !holds(guard, item)) return 'unmet'
  if (changes === 'delete') {
    return item
      ? { op: 'delete', key, guard: allGuards(isLiveGuard(now), notLock, guard) }
      : { op: 'check', key, guard: isVacantGuard(now) }
  }
  const bounds = changes.filter(isBound).map((bound) => resolveBound(bound, item, key))
  const idle = bounds.filter((bound) => !bound.applies)
  const concrete = concreteOf(changes, bounds)
  const after = evaluated(key, item ?? { pk: key.pk, sk: key.sk }, concrete)
  if (!item) {
    if (after.data === undefined) return { op: 'check', key, guard: isVacantGuard(now) }
    return {
      op: 'put',
      row: writeId === undefined ? after : { ...after, w: writeId },
      guard: isVacantGuard(now),
    }
  }
  const pins = idle.map(
    ({ bound }): Guard => ({
      op: bound.op === 'max' ? 'gte' : 'lte',
      left: { path: bound.path },
      right: { value: bound.value },
    }),
  )
  const grown = withMissingParents(key, item, after, concrete)
  const guards = [
    isLiveGuard(now),
    notLock,
    guard,
    ...pins,
    ...bounds.filter((bound) => bound.applies).map(({ bound }) => boundApplies(bound)),
    ...grown.guards,
  ]
  return grown.changes.length === 0
    ? { op: 'check', key, guard: allGuards(...guards) }
    : update(key, grown.changes, guards, writeId)
}

/** Changes below a parent that is missing become one change that sets the topmost missing parent. */
function withMissingParents(
  key: AtomicDbItemKey,
  item: Row,
  after: Row,
  changes: readonly RowChange[],
): { changes: RowChange[]; guards: Guard[] } {
  const kept: RowChange[] = []
  const guards = new Map<string, Guard>()
  const exists = (path: RowPath) =>
    path.length > 0 && guards.set(`+${dataPath(path)}`, { op: 'exists', path })
  const made = new Set<string>()
  for (const one of changes) {
    const top = topmostMissing(item, one.path)
    if (!top) {
      exists(one.path.slice(0, -1))
      kept.push(one)
      continue
    }
    guards.set(`-${dataPath(top)}`, { op: 'absent', path: top })
    if (one.op === 'remove' || one.op === 'removeFromSet') continue
    if (typeof top.at(-1) === 'number')
      throw misfit(key, new Misfit(one.path, `the list has no position ${top.at(-1)}`))
    exists(top.slice(0, -1))
    if (!made.has(dataPath(top))) kept.push({ op: 'set', path: top, value: valueAt(after, top) })
    made.add(dataPath(top))
  }
  return { changes: kept, guards: [...guards.values()] }
}

function topmostMissing(item: Row, path: RowPath): RowPath | undefined {
  for (let length = 1; length < path.length; length++) {
    const parent = path.slice(0, length)
    if (valueAt(item, parent) === undefined) return parent
  }
  return undefined
}
