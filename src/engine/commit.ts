import { InvalidInput, OutcomeUnknown, RaceCondition } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { type FailedGuard, type Row, type RowOperation, StorageFault } from '../storage.ts'
import { type Context, nowSeconds } from './context.ts'
import { holds } from './evaluate.ts'
import { type Part, unmet } from './parts.ts'
import { readRows } from './requests.ts'
import { type Doubt, retried } from './retry.ts'

/** Committing parts: planned anew where a row was not as supposed, and what to say when it is not certain. */

const maxTurns = 10

export interface Failure {
  part: Part
  row: Row | undefined
}

/**
 * Commits all parts, or returns those that failed. A part that failed only because the row was not as supposed is
 * planned anew and the transaction sent again, under a new token since its content is another.
 */
export async function commit(context: Context, parts: readonly Part[], token: string): Promise<Failure[]> {
  const keys = parts.map((part) => part.key)
  const operations = parts.map((part) => part.first(nowSeconds(context)))
  const doubt: Doubt = { unanswered: false }
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    const { failed, refused } = await attempt(
      context,
      parts,
      operations,
      turn === 0 ? token : context.id(),
      doubt,
    )
    if (failed.length === 0) return []
    // A try without reply may still arrive. Only what can never hold again makes sure that it will fail too.
    const haunted = doubt.unanswered && !failed.some(({ index }) => failsForGood(parts[index]!))
    if (haunted && !parts.some((part) => part.marker)) throw unsettled(keys)
    const failures: Failure[] = []
    const now = nowSeconds(context)
    for (const { index, row } of failed) {
      const part = parts[index]!
      const next = part.next(row, now)
      if (next === 'unmet') failures.push({ part, row })
      else operations[index] = next
    }
    if (failures.length > 0) {
      if (haunted) throw unsettled(keys)
      return failures
    }
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

const unsettled = (keys: readonly AtomicDbItemKey[]): OutcomeUnknown =>
  new OutcomeUnknown(
    'a transaction was not answered and its conditions do not hold any more: it was not applied so far, but may still arrive. Read and decide, or try again with an idempotencyKey',
    { keys },
  )

export const refusal = (fault: StorageFault, keys: readonly AtomicDbItemKey[]): InvalidInput =>
  new InvalidInput('input', `refused by the backend: ${fault.message}`, { keys, cause: fault.cause })

async function attempt(
  context: Context,
  parts: readonly Part[],
  operations: readonly RowOperation[],
  token: string,
  doubt: Doubt,
): Promise<{ failed: FailedGuard[]; refused?: StorageFault }> {
  const keys = parts.map((part) => part.key)
  const send = () => context.storage.transact(operations, token, { signal: context.call.signal })
  try {
    return { failed: await retried(context, 'idempotent', keys, send, doubt) }
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
