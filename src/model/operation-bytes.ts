import type { Guard, Operand, RowChange, RowOperation } from '../storage.ts'
import { rowBytes, valueBytes } from './sizes.ts'

/** Bytes of an operation that count towards the 4 MB of a transaction: what it writes and what it compares with. */
export function operationBytes(operation: RowOperation): number {
  const compared = operation.guard ? guardBytes(operation.guard) : 0
  if (operation.op === 'put') return rowBytes(operation.row) + compared
  const key = rowBytes({ pk: operation.key.pk, sk: operation.key.sk })
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
