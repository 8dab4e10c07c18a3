import { InvalidInput, RaceCondition } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { type FailedGuard, type Row, type RowOperation, StorageFault } from '../storage.ts'
import { type Context, nowSeconds } from './context.ts'
import { holds } from './evaluate.ts'
import { transactCertainly } from './lost-replies.ts'
import { type Part, unmet } from './parts.ts'
import { readRows } from './requests.ts'

/** Committing parts: planned anew where a row was not as supposed, and what to say when it is not certain. */

const maxTurns = 10

export interface Failure {
  part: Part
  row: Row | undefined
}

/**
 * Commits all parts, or returns those that failed. A part that failed only because the row was not as supposed is
 * planned anew and the transaction sent again, under a new token since its content is another: the old one is settled.
 */
export async function commit(context: Context, parts: readonly Part[]): Promise<Failure[]> {
  const keys = parts.map((part) => part.key)
  const operations = parts.map((part) => part.first(nowSeconds(context)))
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    const { failed, refused } = await attempt(context, parts, operations)
    if (failed.length === 0) return []
    const failures: Failure[] = []
    const now = nowSeconds(context)
    for (const { index, row } of failed) {
      const part = parts[index]!
      const next = part.next(row, now)
      if (next === 'unmet') failures.push({ part, row })
      else operations[index] = next
    }
    if (failures.length > 0) return failures
    if (refused && ++refusals > 2) throw refusal(refused, keys)
  }
  throw new RaceCondition(
    'the rows of a transaction kept changing',
    parts.map((part) => ({ index: part.index, key: part.key, reason: 'conflict' })),
    { attempts: maxTurns },
  )
}

/** Versions and receipts never come back, and a marker stays. */
const failsForGood = (part: Part): boolean =>
  part.marker === true || part.reason === 'lock' || part.reason === 'receipt'

export const refusal = (fault: StorageFault, keys: readonly AtomicDbItemKey[]): InvalidInput =>
  new InvalidInput('input', `refused by the backend: ${fault.message}`, { keys, cause: fault.cause })

async function attempt(
  context: Context,
  parts: readonly Part[],
  operations: readonly RowOperation[],
): Promise<{ failed: FailedGuard[]; refused?: StorageFault }> {
  const keys = parts.map((part) => part.key)
  const final = (failed: readonly FailedGuard[]) => failed.some(({ index }) => failsForGood(parts[index]!))
  try {
    return { failed: await transactCertainly(context, operations, keys, final) }
  } catch (error) {
    if (!(error instanceof StorageFault) || error.kind !== 'invalid') throw error
    // Refused for its content: the rows tell which change does not fit, and whatever else has failed.
    const rows = await readRows(context, keys)
    const failed = parts.flatMap((part, index) => {
      const { guard } = operations[index]!
      return part.next === unmet && (!guard || holds(guard, rows[index])) ? [] : [{ index, row: rows[index] }]
    })
    if (failed.length === 0) throw refusal(error, keys)
    return { failed, refused: error }
  }
}
