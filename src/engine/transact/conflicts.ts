import {
  type CombinedCondition,
  type Condition,
  conditionKind,
  conditionOf,
  type FieldTests,
} from '../../contract/conditions.ts'
import type { Path } from '../../contract/paths.ts'
import { ConditionFailed, type Conflict, RaceCondition } from '../../errors.ts'
import type { AtomicDbItemKey } from '../../interface.ts'
import { holds } from '../../model/evaluate.ts'
import { showKey } from '../../model/keys.ts'
import { toGuard } from '../../model/parse-condition.ts'
import { isItem, toCurrent } from '../../model/rows.ts'
import type { Row } from '../../storage.ts'

/** What to say when guards of a transaction failed: whose fault it is, where, and what is there instead. */

interface FailedStep {
  step: {
    index: number
    key: AtomicDbItemKey
    reason: Conflict['reason']
    /** The caller's `if`. */
    condition?: Condition
  }
  row: Row | undefined
}

/** The caller's own condition does not hold; every other reason means that somebody was faster. */
const isOwn = ({ reason }: Conflict): boolean => reason === 'condition' || reason === 'exists'

/** `ConditionFailed` where nothing but the caller's own conditions failed, else `RaceCondition`. Lists all of it. */
export function toConflictError(
  failures: readonly FailedStep[],
  now: number,
): RaceCondition | ConditionFailed {
  const conflicts = failures.map(({ step, row }): Conflict => {
    const { index, key, condition } = step
    const failed = condition && failedTests(condition, isItem(row, now) ? row : undefined)
    const reason = failed?.includes('unchanged') ? 'value' : step.reason
    const conflict = { index, key, reason, current: toCurrent(row, now) }
    return failed ? { ...conflict, failed } : conflict
  })
  if (conflicts.every(isOwn))
    return new ConditionFailed(`not satisfied: ${listed(conflicts)}; nothing was written`, conflicts)
  return new RaceCondition(`changed by someone else: ${listed(conflicts)}`, conflicts)
}

const texts: Record<Conflict['reason'], string> = {
  lock: 'lock',
  value: 'not what was read',
  receipt: 'receipt',
  conflict: 'conflict',
  condition: 'if',
  exists: 'there is one already',
}

function listed(conflicts: readonly Conflict[]): string {
  const shown = conflicts.slice(0, 5).map(({ key, reason, failed = [] }) => {
    const what =
      reason === 'condition' && failed.length > 0 ? `if ${failed.slice(0, 3).join(', ')}` : texts[reason]
    return `${showKey(key)} (${what})`
  })
  return `${shown.join(', ')}${conflicts.length > 5 ? `, and ${conflicts.length - 5} more` : ''}`
}

/**
 * The tests of a condition that do not hold for this item: `stock.gte` for one of a field, `stock` where it is a plain
 * value; `anyOf`, `not`, `exists` and `absent` by their names. Names only, no values.
 */
export function failedTests(condition: Condition, item: Row | undefined): string[] {
  if (conditionKind in condition) {
    const { [conditionKind]: kind, [conditionOf]: of = [] } = condition as CombinedCondition
    if (kind === 'and') return of.flatMap((step) => failedTests(step, item))
    return holds(toGuard(condition), item) ? [] : [kind === 'or' ? 'anyOf' : String(kind)]
  }
  const entries = (Array.isArray(condition) ? condition : Object.entries(condition)) as [Path, unknown][]
  return entries.flatMap(([path, wanted]) => {
    const name = typeof path === 'string' ? path || 'data' : path.join('.')
    if (!isTests(wanted)) return holds(toGuard([[path, wanted as never]]), item) ? [] : [name]
    return Object.entries(wanted)
      .filter(([test, value]) => value !== undefined && !holds(toGuard([[path, { [test]: value }]]), item))
      .map(([test]) => `${name}.${test}`)
  })
}

const isTests = (wanted: unknown): wanted is FieldTests =>
  typeof wanted === 'object' &&
  wanted !== null &&
  !(wanted instanceof Uint8Array) &&
  !(conditionKind in wanted)
