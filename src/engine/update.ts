import type { Changes } from '../changes.ts'
import { InvalidInput, RaceCondition } from '../errors.ts'
import type { AtomicDbItemKey, UpdateOptions, UpdateResult } from '../interface.ts'
import type { Row } from '../storage.ts'
import { toChanges } from './changes.ts'
import { commit, refusal } from './commit.ts'
import { isLive, toGuard } from './conditions.ts'
import { type Context, nowSeconds } from './context.ts'
import { checkKey, showKey } from './keys.ts'
import { applyOrLook, unresolved } from './lost-replies.ts'
import { rowAfter, toOld } from './old-values.ts'
import { updatePart } from './parts.ts'
import { firstTry, nextTry, type Wanted } from './plan.ts'
import { readRows } from './requests.ts'
import { itemOrNone } from './rows.ts'

// Each turn was overtaken by another writer that changed what the plan rested on; that is rare.
const maxTurns = 20

export async function update<T>(
  context: Context,
  key: AtomicDbItemKey,
  changes: Changes,
  options: UpdateOptions = {},
): Promise<UpdateResult<T>> {
  checkKey(key)
  const wanted: Wanted = {
    key: { pk: key.pk, sk: key.sk },
    changes: toChanges(changes),
    guard: options.if === undefined ? undefined : toGuard(options.if),
    writeId: context.id(),
  }
  if (!options.exactlyOnce) return settle(context, wanted, options.returnOld === true)
  if (options.returnOld)
    throw new InvalidInput(
      'options.returnOld',
      'cannot stand with exactlyOnce: a transaction returns nothing',
    )
  return updateOnce<T>(context, wanted)
}

async function settle<T>(context: Context, wanted: Wanted, returnOld: boolean): Promise<UpdateResult<T>> {
  let operation = firstTry(wanted, nowSeconds(context))
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    if (returnOld && operation.op !== 'check') operation = { ...operation, old: true }
    const { applied: done, row, old, doubt, refused } = await applyOrLook(context, wanted.key, operation)
    const now = nowSeconds(context)
    const lost = returnOld ? { old: { known: false } } : {}
    if (done && returnOld) return { ...applied<T>(rowAfter(operation, old), now), old: toOld<T>(old, now) }
    if (done) return applied<T>(row, now)
    // Our write id in the row: it was applied although the reply was lost.
    if (row !== undefined && row.w === wanted.writeId) return { ...applied<T>(row, now), ...lost }
    if (doubt) {
      if (deletesAnyway(wanted) && !isLive(row, now)) return { applied: true, ...lost }
      throw unresolved(wanted.key, doubt)
    }
    const next = nextTry(wanted, row, now)
    if (next === 'unmet') return { applied: false, ...optional(itemOrNone<T>(row, now)) }
    if (next.op === 'check') return { ...applied<T>(row, now), ...(returnOld && { old: toOld<T>(row, now) }) }
    if (refused && ++refusals > 2) throw refusal(refused, [wanted.key])
    operation = next
  }
  throw new RaceCondition(
    `${showKey(wanted.key)} kept changing during an update`,
    [{ index: 0, key: wanted.key, reason: 'conflict' }],
    { attempts: maxTurns },
  )
}

/** As `delete` does: gone is gone. */
const deletesAnyway = (wanted: Wanted): boolean => wanted.changes === 'delete' && wanted.guard === undefined

const optional = <T>(item: UpdateResult<T>['item']): { item?: UpdateResult<T>['item'] } =>
  item ? { item } : {}

const applied = <T>(row: Row | undefined, now: number): UpdateResult<T> => ({
  applied: true,
  ...optional(itemOrNone<T>(row, now)),
})

/** In a transaction with a token the outcome is certain; what it returns is read afterwards. */
async function updateOnce<T>(context: Context, wanted: Wanted): Promise<UpdateResult<T>> {
  const part = updatePart(0, { ...wanted, writeId: undefined }, 'condition')
  const failures = await commit(context, [part])
  if (failures.length > 0)
    return { applied: false, ...optional(itemOrNone<T>(failures[0]!.row, nowSeconds(context))) }
  try {
    const [row] = await readRows(context, [wanted.key])
    return applied<T>(row, nowSeconds(context))
  } catch {
    // The write happened; a failed read must not report otherwise.
    return { applied: true }
  }
}
