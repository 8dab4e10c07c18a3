import type { Guard, Operand, Row, RowChange, RowOperation } from '../storage.ts'
import { rowBytes, upperBound, valueBytes } from './sizes.ts'

/** Bytes of an operation that count towards the 4 MB of a transaction: what it writes and what it compares with. */
export const operationBytes = (operation: RowOperation): number => bytesOf(operation, rowBytes)

/** An upper bound of these that is much cheaper: most transactions need no more. */
export const mostOperationBytes = (operation: RowOperation): number => bytesOf(operation, upperBound)

function bytesOf(operation: RowOperation, sizeOf: (row: Row) => number): number {
  const compared = operation.guard ? guardBytes(operation.guard) : 0
  if (operation.op === 'put') return sizeOf(operation.row) + compared
  const key = sizeOf({ pk: operation.key.pk, sk: operation.key.sk })
  if (operation.op !== 'update') return key + compared
  return key + changedBytes(operation.changes) + compared
}

/** Bytes of the values that changes bring. */
export const changedBytes = (changes: readonly RowChange[]): number =>
  changes.reduce((sum, change) => sum + (change.op === 'remove' ? 0 : valueBytes(change.value)), 0)

const operandBytes = (operand: Operand): number => ('value' in operand ? valueBytes(operand.value) : 0)

/** Bytes of the values that a guard compares with. */
export function guardBytes(guard: Guard): number {
  switch (guard.op) {
    case 'and':
    case 'or':
      return guard.of.reduce((sum, part) => sum + guardBytes(part), 0)
    case 'not':
      return guardBytes(guard.of)
    case 'exists':
    case 'absent':
    case 'type':
      return 0
    case 'between':
      return operandBytes(guard.left) + operandBytes(guard.low) + operandBytes(guard.high)
    case 'in':
      return operandBytes(guard.left) + guard.values.reduce((sum: number, one) => sum + valueBytes(one), 0)
    case 'beginsWith':
    case 'contains':
      return valueBytes(guard.value)
    default:
      return operandBytes(guard.left) + operandBytes(guard.right)
  }
}
