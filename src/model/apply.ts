import type { Changes } from '../contract/changes.ts'
import type { Condition } from '../contract/conditions.ts'
import type { AtomicDbItem, AtomicDbItemKey } from '../interface.ts'
import type { Row } from '../storage.ts'
import { changedRow } from './changed-row.ts'
import { holds } from './evaluate.ts'
import { toChanges } from './parse-changes.ts'
import { toGuard } from './parse-condition.ts'
import { toItem } from './rows.ts'
import { exactOf, shownRow } from './wire.ts'

/**
 * What `update` would make of this item (`undefined`: there is none), without any I/O: for code that holds items
 * itself and must follow the same rules. `InvalidInput` as there.
 */
export function applyChanges<T>(
  key: AtomicDbItemKey,
  item: AtomicDbItem | undefined,
  changes: Changes,
): AtomicDbItem<T> | undefined {
  const wanted = toChanges(changes)
  if (wanted === 'delete') return undefined
  const { pk, sk } = key
  // To the last digit, also where JS shows less.
  const before = item && ({ pk, sk, ...exactOf(item) } as unknown as Row)
  const row = changedRow({ pk, sk }, before, wanted)
  return row.data === undefined && !item ? undefined : toItem<T>(shownRow(row))
}

/** Whether the condition holds for this item. */
export const satisfies = (item: AtomicDbItem | undefined, condition: Condition): boolean =>
  holds(toGuard(condition), item as Row | undefined)
