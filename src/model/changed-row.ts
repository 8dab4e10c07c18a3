import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import type { Row, RowChange } from '../storage.ts'
import { change, Misfit, valueAt } from './evaluate.ts'
import { compareNumbers, isNumeric } from './numbers.ts'
import { type Bound, dataPath, type PlannedChange } from './parse-changes.ts'
import { depthOf, fitsOneRow, maxDepth, maxItemBytes } from './sizes.ts'

/** What a row is after changes, bounds (`max` and `min`) included. */

export const isBound = (one: PlannedChange): one is Bound => one.op === 'max' || one.op === 'min'

/** The row (`undefined`: none yet) after all changes. Throws `InvalidInput` where one does not fit. */
export function changedRow(
  key: AtomicDbItemKey,
  item: Row | undefined,
  changes: readonly PlannedChange[],
): Row {
  const bounds = changes.filter(isBound).map((bound) => resolveBound(bound, item, key))
  return evaluated(key, item ?? { pk: key.pk, sk: key.sk }, concreteOf(changes, bounds))
}

export function concreteOf(changes: readonly PlannedChange[], bounds: readonly ResolvedBound[]): RowChange[] {
  const raised = bounds.filter(({ applies }) => applies)
  return [
    ...changes.filter((one): one is RowChange => !isBound(one)),
    ...raised.map(({ bound }): RowChange => ({ op: 'set', path: bound.path, value: bound.value })),
  ]
}

/** A bound, and whether it changes the item. */
export interface ResolvedBound {
  bound: Bound
  applies: boolean
}

export function resolveBound(bound: Bound, item: Row | undefined, key: AtomicDbItemKey): ResolvedBound {
  const current = valueAt(item, bound.path)
  if (current === undefined) return { bound, applies: true }
  if (!isNumeric(current)) throw misfit(key, new Misfit(bound.path, `${bound.op} needs a number`))
  const order = compareNumbers(current, bound.value)
  return { bound, applies: bound.op === 'max' ? order < 0 : order > 0 }
}

export function evaluated(key: AtomicDbItemKey, row: Row, changes: readonly RowChange[]): Row {
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

export const misfit = (key: AtomicDbItemKey, error: Misfit): InvalidInput =>
  new InvalidInput(`changes '${dataPath(error.path)}'`, error.message, { keys: [key], cause: error })
