import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import type { Guard, Row, RowChange, RowOperation, RowPath } from '../storage.ts'
import { type Bound, dataPath, type PlannedChange } from './changes.ts'
import { both, free, isLive, live } from './conditions.ts'
import { change, holds, Misfit, valueAt } from './evaluate.ts'
import { checkExpressions } from './expression-limits.ts'
import { showKey } from './keys.ts'
import { compareNumbers, isNumeric } from './numbers.ts'
import { depthOf, fitsOneRow, maxDepth, maxItemBytes } from './values.ts'

/**
 * How an update becomes guarded operations. The first one supposes what is usual: the item and all parents are
 * there and every bound applies, and guards just that. When a guard fails, the row that failed it decides the next.
 */
export interface Wanted {
  key: AtomicDbItemKey
  changes: readonly PlannedChange[] | 'delete'
  /** The caller's condition. */
  guard: Guard | undefined
  /** Written into the row, so that a lost reply can be told from a failure. */
  writeId: string | undefined
}

export const notLock: Guard = { op: 'absent', path: ['version'] }

const isBound = (one: PlannedChange): one is Bound => one.op === 'max' || one.op === 'min'

/** Not written already by an earlier try. */
const notOurs = (writeId: string): Guard => ({ op: 'ne', left: { path: ['w'] }, right: { value: writeId } })

const mark = (writeId: string): RowChange => ({ op: 'set', path: ['w'], value: writeId })

export function firstTry(wanted: Wanted, now: number): RowOperation {
  const operation = supposed(wanted, now)
  if (operation.guard) checkExpressions(operation.guard, operation.op === 'update' ? operation.changes : [])
  return operation
}

function supposed(wanted: Wanted, now: number): RowOperation {
  const { key, changes, guard, writeId } = wanted
  if (changes === 'delete') return { op: 'delete', key, guard: both(live(now), notLock, guard) }
  const guards: (Guard | undefined)[] = [live(now), notLock, guard]
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
): RowOperation {
  if (writeId === undefined) return { op: 'update', key, changes, guard: both(...guards) }
  return { op: 'update', key, changes: [...changes, mark(writeId)], guard: both(...guards, notOurs(writeId)) }
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
 * The operation for an item whose row was this at last sight; 'unmet' when the caller's condition does not hold
 * for it. A `check` means that there is nothing to write. Throws `InvalidInput` where a change does not fit the row.
 */
export function nextTry(wanted: Wanted, row: Row | undefined, now: number): RowOperation | 'unmet' {
  const { key, changes, guard, writeId } = wanted
  const item = isLive(row, now) ? row : undefined
  if (item?.version !== undefined)
    throw new InvalidInput('key', `${showKey(key)} holds a lock, not an item`, { keys: [key] })
  if (guard && !holds(guard, item)) return 'unmet'
  if (changes === 'delete') {
    return item
      ? { op: 'delete', key, guard: both(live(now), notLock, guard) }
      : { op: 'check', key, guard: free(now) }
  }
  const bounds = changes.filter(isBound).map((bound) => settle(bound, item, key))
  const idle = bounds.filter((bound) => !bound.applies)
  const concrete = concreteOf(changes, bounds)
  const after = evaluated(key, item ?? { pk: key.pk, sk: key.sk }, concrete)
  if (!item) {
    if (after.data === undefined) return { op: 'check', key, guard: free(now) }
    return { op: 'put', row: writeId === undefined ? after : { ...after, w: writeId }, guard: free(now) }
  }
  const pins = idle.map(
    ({ bound }): Guard => ({
      op: bound.op === 'max' ? 'gte' : 'lte',
      left: { path: bound.path },
      right: { value: bound.value },
    }),
  )
  const grown = growing(key, item, after, concrete)
  const guards = [
    live(now),
    notLock,
    guard,
    ...pins,
    ...bounds.filter((bound) => bound.applies).map(({ bound }) => boundApplies(bound)),
    ...grown.guards,
  ]
  return grown.changes.length === 0
    ? { op: 'check', key, guard: both(...guards) }
    : update(key, grown.changes, guards, writeId)
}

/** The row (`undefined`: none yet) after all changes. Throws `InvalidInput` where one does not fit. */
export function changed(key: AtomicDbItemKey, item: Row | undefined, changes: readonly PlannedChange[]): Row {
  const bounds = changes.filter(isBound).map((bound) => settle(bound, item, key))
  return evaluated(key, item ?? { pk: key.pk, sk: key.sk }, concreteOf(changes, bounds))
}

function concreteOf(changes: readonly PlannedChange[], bounds: readonly Settled[]): RowChange[] {
  const raised = bounds.filter(({ applies }) => applies)
  return [
    ...changes.filter((one): one is RowChange => !isBound(one)),
    ...raised.map(({ bound }): RowChange => ({ op: 'set', path: bound.path, value: bound.value })),
  ]
}

/** A bound, and whether it changes the item. */
interface Settled {
  bound: Bound
  applies: boolean
}

function settle(bound: Bound, item: Row | undefined, key: AtomicDbItemKey): Settled {
  const current = valueAt(item, bound.path)
  if (current === undefined) return { bound, applies: true }
  if (!isNumeric(current)) throw misfit(key, new Misfit(bound.path, `${bound.op} needs a number`))
  const order = compareNumbers(current, bound.value)
  return { bound, applies: bound.op === 'max' ? order < 0 : order > 0 }
}

function evaluated(key: AtomicDbItemKey, row: Row, changes: readonly RowChange[]): Row {
  let after: Row
  try {
    after = change(row, changes, true)
  } catch (error) {
    throw error instanceof Misfit ? misfit(key, error) : error
  }
  if (depthOf(after.data) > maxDepth) {
    throw new InvalidInput('changes', `data would be nested more than ${maxDepth} levels deep`, {
      limit: maxDepth,
      keys: [key],
    })
  }
  if (!fitsOneRow(after))
    throw new InvalidInput('changes', `the item would be larger than ${maxItemBytes} bytes`, {
      limit: maxItemBytes,
      keys: [key],
    })
  return after
}

const misfit = (key: AtomicDbItemKey, error: Misfit): InvalidInput =>
  new InvalidInput(`changes '${dataPath(error.path)}'`, error.message, { keys: [key], cause: error })

/** Changes below a parent that is missing become one change that sets the topmost missing parent. */
function growing(
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
