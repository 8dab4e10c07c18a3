import { OutcomeUnknown, RaceCondition } from '../../errors.ts'
import { holds } from '../../model/evaluate.ts'
import { type FailedGuard, type Row, type RowOperation, StorageFault } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { transactCertainly } from '../lost-replies.ts'
import { readRows } from '../requests.ts'
import { refusal } from '../retry.ts'
import { type RowStep, unmet } from './row-step.ts'

/** Committing steps: planned anew where a row is not as expected, and made certain where a reply was lost. */

const maxTurns = 10

/** The operation of a step as of a time; 'unmet' when there is no other than the one before. */
type Plan = (now: number) => RowOperation | 'unmet'

export interface Failure {
  step: RowStep
  row: Row | undefined
}

/**
 * Commits all steps, or returns those that failed. A step that failed only because the row was not as supposed is
 * planned anew, and the transaction is sent again under a new token. The outcome of the old token is certain by then.
 */
export async function commit(context: Context, steps: readonly RowStep[]): Promise<Failure[]> {
  const keys = steps.map((step) => step.key)
  const plans = steps.map((step): Plan => step.first)
  const operations = steps.map((step) => step.first(nowSeconds(context)))
  /** The operations for another token, with the times as of then. */
  const anew = () => {
    const now = nowSeconds(context)
    plans.forEach((plan, index) => {
      const next = plan(now)
      if (next !== 'unmet') operations[index] = next
    })
    return operations
  }
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    const { failed, refused } = await attempt(context, steps, operations, anew)
    if (failed.length === 0) return []
    const failures: Failure[] = []
    const now = nowSeconds(context)
    for (const { index, row } of failed) {
      const step = steps[index]!
      await step.look?.(row)
      const next = step.next(row, now)
      if (next === 'unmet') failures.push({ step, row })
      else plans[index] = (later) => step.next(row, later)
    }
    if (failures.length > 0) return failures
    anew()
    if (refused && ++refusals > 2) throw refusal(refused, keys)
  }
  throw new RaceCondition(
    'the rows of a transaction kept changing',
    steps.map((step) => ({ index: step.index, key: step.key, reason: 'conflict' })),
    { attempts: maxTurns },
  )
}

async function attempt(
  context: Context,
  steps: readonly RowStep[],
  operations: readonly RowOperation[],
  anew: () => readonly RowOperation[],
): Promise<{ failed: FailedGuard[]; refused?: StorageFault }> {
  const keys = steps.map((step) => step.key)
  const final = (failed: readonly FailedGuard[]) =>
    failed.some(({ index, row }) => steps[index]!.failsForGood?.(row, nowSeconds(context)) ?? false)
  try {
    return { failed: await transactCertainly(context, operations, keys, final, anew) }
  } catch (error) {
    if (error instanceof OutcomeUnknown && (await isProven(context, steps, operations))) return { failed: [] }
    if (!(error instanceof StorageFault) || error.kind !== 'invalid') throw error
    // The content was refused: the rows tell which change does not fit, and what else has failed.
    const rows = await readRows(context, keys)
    const failed = steps.flatMap((step, index) => {
      const { guard } = operations[index]!
      return step.next === unmet && (!guard || holds(guard, rows[index])) ? [] : [{ index, row: rows[index] }]
    })
    if (failed.length === 0) throw refusal(error, keys)
    return { failed, refused: error }
  }
}

/** Whether a row proves that the transaction was applied. Without a proof nothing is known: rows may have changed since. */
async function isProven(
  context: Context,
  steps: readonly RowStep[],
  operations: readonly RowOperation[],
): Promise<boolean> {
  const telling = steps.flatMap(({ key, isProof }, i) =>
    isProof ? [{ key, isProof, sent: operations[i]! }] : [],
  )
  if (telling.length === 0) return false
  try {
    const rows = await readRows(
      context,
      telling.map(({ key }) => key),
    )
    return telling.some(({ isProof, sent }, i) => rows[i] !== undefined && isProof(rows[i], sent))
  } catch (error) {
    if (context.call.aborted) throw error
    return false
  }
}
