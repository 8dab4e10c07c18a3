import type { Changes } from '../changes.ts'
import { OutcomeUnknown, RaceCondition } from '../errors.ts'
import type { AtomicDbItemKey, UpdateOptions, UpdateResult } from '../interface.ts'
import { type Applied, type Row, type RowOperation, StorageFault } from '../storage.ts'
import { type PlannedChange, toChanges } from './changes.ts'
import { commit, refusal } from './commit.ts'
import { toGuard } from './conditions.ts'
import { type Context, nowSeconds } from './context.ts'
import { checkKey, showKey } from './keys.ts'
import { updatePart } from './parts.ts'
import { firstTry, nextTry, type Wanted } from './plan.ts'
import { readRows } from './requests.ts'
import { retried, rowAfterDoubt } from './retry.ts'
import { itemOrNone } from './rows.ts'

// Each turn was overtaken by another writer that changed what the plan rested on; that is rare.
const maxTurns = 20

/** Doing it again after others wrote is what a plain `set` would do as well. */
const repeatable = new Set<PlannedChange['op']>(['set', 'max', 'min', 'addToSet', 'removeFromSet', 'remove'])

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
  if (options.exactlyOnce) return updateOnce<T>(context, wanted)
  return settle(context, wanted)
}

async function settle<T>(context: Context, wanted: Wanted): Promise<UpdateResult<T>> {
  let operation = firstTry(wanted, nowSeconds(context))
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    const { result, refused } = await attempt(context, wanted, operation)
    const now = nowSeconds(context)
    // Our write id in the row that failed the guard: an earlier try of ours was applied.
    if (result.applied || (result.row !== undefined && result.row.w === wanted.writeId))
      return applied<T>(result.row, now)
    const next = nextTry(wanted, result.row, now)
    if (next === 'unmet') return { applied: false, ...optional(itemOrNone<T>(result.row, now)) }
    if (next.op === 'check') return applied<T>(result.row, now)
    if (refused && ++refusals > 2) throw refusal(refused, [wanted.key])
    operation = next
  }
  throw new RaceCondition(
    `${showKey(wanted.key)} kept changing during an update`,
    [{ index: 0, key: wanted.key, reason: 'conflict' }],
    { attempts: maxTurns },
  )
}

const optional = <T>(item: UpdateResult<T>['item']): { item?: UpdateResult<T>['item'] } =>
  item ? { item } : {}

const applied = <T>(row: Row | undefined, now: number): UpdateResult<T> => ({
  applied: true,
  ...optional(itemOrNone<T>(row, now)),
})

/** One try; where its outcome is doubtful or its content refused, the row as it is now. */
async function attempt(
  context: Context,
  wanted: Wanted,
  operation: RowOperation,
): Promise<{ result: Applied; refused?: StorageFault }> {
  try {
    return {
      result: await retried(context, 'once', [wanted.key], () =>
        context.storage.apply(operation, { signal: context.call.signal }),
      ),
    }
  } catch (error) {
    if (!(error instanceof StorageFault)) throw error
    const row = await rowAfterDoubt(context, wanted.key, error)
    if (error.kind === 'invalid') return { result: { applied: false, row }, refused: error }
    if (row?.w !== wanted.writeId && !mayRepeat(wanted)) {
      throw new OutcomeUnknown(
        `the reply to an update of ${showKey(wanted.key)} was lost, and the row does not tell whether it was written: read it and decide, or use exactlyOnce`,
        { keys: [wanted.key], cause: error.cause },
      )
    }
    return { result: { applied: false, row } }
  }
}

const mayRepeat = (wanted: Wanted): boolean =>
  wanted.guard === undefined &&
  (wanted.changes === 'delete' || wanted.changes.every((one) => repeatable.has(one.op)))

/** In a transaction with a token the outcome is certain; what it returns is read afterwards. */
async function updateOnce<T>(context: Context, wanted: Wanted): Promise<UpdateResult<T>> {
  const part = updatePart(0, { ...wanted, writeId: undefined }, 'condition')
  const failures = await commit(context, [part], context.id())
  if (failures.length > 0)
    return { applied: false, ...optional(itemOrNone<T>(failures[0]!.row, nowSeconds(context))) }
  try {
    const [row] = await readRows(context, [wanted.key])
    return applied<T>(row, nowSeconds(context))
  } catch {
    // It was written: that it cannot be shown must not look as if it was not.
    return { applied: true }
  }
}
