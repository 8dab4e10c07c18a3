import type { Changes } from '../../contract/changes.ts'
import { InvalidInput, RaceCondition } from '../../errors.ts'
import type { AtomicDbItemKey, UpdateOptions, UpdateResult } from '../../interface.ts'
import { isLive } from '../../model/expiry.ts'
import { checkKey, showKey } from '../../model/keys.ts'
import { toChanges } from '../../model/parse-changes.ts'
import { toGuard } from '../../model/parse-condition.ts'
import { itemOrNone } from '../../model/rows.ts'
import type { Row } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { applyOrRead, unresolved } from '../lost-replies.ts'
import { readRows } from '../requests.ts'
import { refusal } from '../retry.ts'
import { commit } from '../transact/commit.ts'
import { updateStep } from '../transact/row-step.ts'
import { rowAfter, toOld } from './old-values.ts'
import { firstTry, nextTry, type UpdateRequest } from './plan.ts'

// A turn fails only when another writer changes what the plan expects. That is rare.
const maxTurns = 20

export async function update<T>(
  context: Context,
  key: AtomicDbItemKey,
  changes: Changes,
  options: UpdateOptions = {},
): Promise<UpdateResult<T>> {
  checkKey(key)
  const request: UpdateRequest = {
    key: { pk: key.pk, sk: key.sk },
    changes: toChanges(changes),
    guard: options.if === undefined ? undefined : toGuard(options.if),
    writeId: context.id(),
  }
  if (!options.exactlyOnce) return runPlan(context, request, options.returnOld === true)
  if (options.returnOld)
    throw new InvalidInput(
      'options.returnOld',
      'cannot stand with exactlyOnce: a transaction returns nothing',
    )
  return updateExactlyOnce<T>(context, request)
}

async function runPlan<T>(
  context: Context,
  request: UpdateRequest,
  returnOld: boolean,
): Promise<UpdateResult<T>> {
  let operation = firstTry(request, nowSeconds(context))
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    if (returnOld) operation = { ...operation, old: true }
    const { applied: done, row, old, doubt, refused } = await applyOrRead(context, request.key, operation)
    const now = nowSeconds(context)
    const lost = returnOld ? { old: { known: false } } : {}
    if (done && returnOld) return { ...applied<T>(rowAfter(operation, old), now), old: toOld<T>(old, now) }
    if (done) return applied<T>(row, now)
    // Our write id in the row: it was applied although the reply was lost.
    if (row !== undefined && row.w === request.writeId) return { ...applied<T>(row, now), ...lost }
    if (doubt) {
      if (deletesAnyway(request) && !isLive(row, now)) return { applied: true, ...lost }
      throw unresolved(request.key, doubt)
    }
    const next = nextTry(request, row, now)
    if (next === 'unmet') return { applied: false, ...optional(itemOrNone<T>(row, now)) }
    if (next.op === 'check') return { ...applied<T>(row, now), ...(returnOld && { old: toOld<T>(row, now) }) }
    if (refused && ++refusals > 2) throw refusal(refused, [request.key])
    operation = next
  }
  throw new RaceCondition(
    `${showKey(request.key)} kept changing during an update`,
    [{ index: 0, key: request.key, reason: 'conflict' }],
    { attempts: maxTurns },
  )
}

/** An unconditional delete: it does not matter who has deleted the row. */
const deletesAnyway = (request: UpdateRequest): boolean =>
  request.changes === 'delete' && request.guard === undefined

const optional = <T>(item: UpdateResult<T>['item']): { item?: UpdateResult<T>['item'] } =>
  item ? { item } : {}

const applied = <T>(row: Row | undefined, now: number): UpdateResult<T> => ({
  applied: true,
  ...optional(itemOrNone<T>(row, now)),
})

/** Through a transaction with a token, so that the outcome is certain. The item is read afterwards. */
async function updateExactlyOnce<T>(context: Context, request: UpdateRequest): Promise<UpdateResult<T>> {
  const step = updateStep(0, { ...request, writeId: undefined }, 'condition')
  const failures = await commit(context, [step])
  if (failures.length > 0)
    return { applied: false, ...optional(itemOrNone<T>(failures[0]!.row, nowSeconds(context))) }
  try {
    const [row] = await readRows(context, [request.key])
    return applied<T>(row, nowSeconds(context))
  } catch {
    // The write happened; a failed read must not report otherwise.
    return { applied: true }
  }
}
