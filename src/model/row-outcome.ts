import { type Row, type RowOperation, StorageFault } from '../storage.ts'
import { change, holds, Misfit } from './evaluate.ts'
import { depthOf, fitsOneRow, maxDepth, maxItemBytes, rowBytes } from './sizes.ts'
import { exactRow } from './wire.ts'

/**
 * What a guarded operation makes of its row, for backends that read, decide and write under a lock of their own.
 * `undefined`: its guard does not hold. Throws `StorageFault` with `invalid` where a change does not fit the row.
 * The size is not looked at: see `checkRowSize`.
 */
export function outcomeOf(
  operation: RowOperation,
  current: Row | undefined,
): { row: Row | undefined } | undefined {
  if (operation.guard && !holds(operation.guard, current)) return undefined
  switch (operation.op) {
    case 'put':
      return { row: operation.row }
    case 'update':
      return { row: changed(operation, current && exactRow(current)) }
    case 'delete':
      return { row: undefined }
    case 'check':
      return { row: current }
  }
}

function changed(operation: RowOperation & { op: 'update' }, current: Row | undefined): Row {
  try {
    const row = change(current ?? { pk: operation.key.pk, sk: operation.key.sk }, operation.changes)
    if (depthOf(row.data) <= maxDepth) return row
  } catch (error) {
    throw error instanceof Misfit ? new StorageFault('invalid', error.message, error) : error
  }
  throw new StorageFault('invalid', `data would be nested more than ${maxDepth} levels deep`)
}

/** Refuses a row that is larger than DynamoDB's 400 KB, so that every backend holds the same. */
export function checkRowSize(row: Row | undefined): void {
  if (row && !fitsOneRow(row))
    throw new StorageFault('invalid', `the item would be larger than ${maxItemBytes} bytes`)
}

const maxTogetherBytes = 4 * 1024 * 1024

/** Refuses rows that are more than DynamoDB reads as of one moment: 4 MB. */
export function checkTogether(rows: readonly (Row | undefined)[]): void {
  const bytes = rows.reduce((sum, row) => sum + (row ? rowBytes(row) : 0), 0)
  if (bytes > maxTogetherBytes)
    throw new StorageFault('invalid', `the items have more than ${maxTogetherBytes} bytes together`)
}
