import type { Applied, FailedGuard, Row, RowOperation, RowWrite, SingleOperation } from '../storage.ts'
import { checkRowSize, outcomeOf } from './row-outcome.ts'

/**
 * What guarded operations come to, decided from their rows as they are: for backends that read, decide and write under
 * a lock of their own. Nothing is read or written here, and nothing is decided twice.
 */

/** One operation: its answer, and what to write for it. Without `write` its guard has failed. */
export interface DecidedOne {
  answer: Applied
  write?: RowWrite
}

/** Throws `StorageFault` with `invalid` where a change does not fit the row, or the row would be too large. */
export function decidedOne(operation: SingleOperation, current: Row | undefined): DecidedOne {
  const outcome = outcomeOf(operation, current)
  if (!outcome) return { answer: withRow({ applied: false }, 'row', current) }
  checkRowSize(outcome.row)
  const answer: Applied = operation.old
    ? withRow({ applied: true }, 'old', current)
    : withRow({ applied: true }, 'row', outcome.row)
  return { answer, write: writeOf(operation, outcome.row) }
}

/** All operations of a transaction: the guards that failed, or what to write. */
export type Decided = { failed: FailedGuard[] } | { failed?: undefined; writes: RowWrite[] }

/**
 * `rows` are those of the operations, in their order. Throws as above. A change that does not fit its row refuses the
 * whole, also when another guard fails: as DynamoDB has it.
 */
export function decided(operations: readonly RowOperation[], rows: readonly (Row | undefined)[]): Decided {
  const outcomes = operations.map((operation, index) => outcomeOf(operation, rows[index]))
  const failed = outcomes.flatMap((outcome, index): FailedGuard[] => {
    if (outcome) return []
    const row = rows[index]
    return [row ? { index, row } : { index }]
  })
  if (failed.length > 0) return { failed }
  const writes: RowWrite[] = []
  operations.forEach((operation, index) => {
    if (operation.op === 'check') return
    const { row } = outcomes[index]!
    checkRowSize(row)
    writes.push(writeOf(operation, row))
  })
  return { writes }
}

const withRow = (answer: Applied, name: 'row' | 'old', row: Row | undefined): Applied => {
  if (row) answer[name] = row
  return answer
}

const writeOf = (operation: SingleOperation, row: Row | undefined): RowWrite =>
  row ? { put: row } : { delete: keyOf(operation) }

/** The key of the row that an operation is about. */
export const keyOf = (operation: RowOperation): { pk: string; sk: string } =>
  operation.op === 'put' ? operation.row : operation.key
