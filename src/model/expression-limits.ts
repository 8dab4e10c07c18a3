import { InvalidInput } from '../errors.ts'
import type { Guard, Operand, RowChange, RowPath } from '../storage.ts'
import { changedBytes, guardBytes } from './operation-bytes.ts'
import { maxItemBytes, valueBytes } from './sizes.ts'

/**
 * DynamoDB takes expressions of up to 4096 bytes and 300 operators. The same limits hold on every backend, so they
 * are worked out here, with room for what the engine adds when it plans an update anew.
 */
const maxText = 3800
const maxOperators = 280
/** What the values may have together; documented by AWS, not enforced by DynamoDB Local. */
const maxValueBytes = 2 * 1024 * 1024

interface Measure {
  text: number
  operators: number
}

// Placeholders such as #12 and :12, with their separators.
const nameText = 4
const valueText = 4

const pathText = (path: RowPath): number => path.length * nameText

function operandText(operand: Operand, sum: Measure): number {
  if ('value' in operand) return valueText
  if ('path' in operand) return pathText(operand.path)
  sum.operators++
  return pathText(operand.sizeOf) + 6
}

function measure(guard: Guard, sum: Measure): void {
  // Comparisons, functions and NOT are one operator each, AND and OR one between any two parts.
  sum.operators += guard.op === 'and' || guard.op === 'or' ? guard.of.length - 1 : 1
  switch (guard.op) {
    case 'and':
    case 'or':
      sum.text += 2 + guard.of.length * 5
      for (const part of guard.of) measure(part, sum)
      break
    case 'not':
      sum.text += 6
      measure(guard.of, sum)
      break
    case 'between':
      sum.text +=
        14 + operandText(guard.left, sum) + operandText(guard.low, sum) + operandText(guard.high, sum)
      break
    case 'in':
      sum.text += 6 + operandText(guard.left, sum) + guard.values.length * (valueText + 2)
      break
    case 'exists':
    case 'absent':
    case 'beginsWith':
    case 'contains':
    case 'type':
      sum.text += 22 + pathText(guard.path) + valueText
      break
    default:
      sum.text += 4 + operandText(guard.left, sum) + operandText(guard.right, sum)
  }
}

/** Bytes of the largest single value that a guard compares with. */
function largestOperand(guard: Guard): number {
  if (guard.op === 'and' || guard.op === 'or') return Math.max(...guard.of.map(largestOperand))
  if (guard.op === 'not') return largestOperand(guard.of)
  if (guard.op === 'in') return Math.max(...guard.values.map(valueBytes))
  return guardBytes(guard)
}

/** Throws `InvalidInput` when the guard or the changes are too long for one request. */
export function checkExpressions(guard: Guard, changes: readonly RowChange[]): void {
  const condition: Measure = { text: 0, operators: 0 }
  measure(guard, condition)
  const update = changes.reduce(
    (text, change) =>
      text + (change.op === 'set' || change.op === 'remove' ? 12 : 44) + 2 * pathText(change.path),
    0,
  )
  if (condition.text > maxText || condition.operators > maxOperators || update > maxText) {
    throw new InvalidInput(
      'if',
      'together with the changes is too long for one request: use fewer or shorter paths, values and conditions',
    )
  }
  const bytes = guardBytes(guard) + changedBytes(changes)
  if (bytes > maxItemBytes) {
    const largest = largestOperand(guard)
    if (largest > maxItemBytes)
      throw new InvalidInput('if', 'compares with a value of more than 400 KB, which no item has', {
        limit: maxItemBytes,
        given: `${largest} bytes`,
      })
  }
  if (bytes > maxValueBytes)
    throw new InvalidInput('if', 'together with the changes has more than 2 MB of values', {
      limit: maxValueBytes,
      given: `${bytes} bytes`,
    })
}
