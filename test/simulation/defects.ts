/** Defects between engine and storage, which the proofs must find. */
import type { Guard, RowOperation, SingleOperation, Storage } from '../../src/storage.ts'

export const without = (storage: Storage, change: (operation: RowOperation) => RowOperation): Storage => ({
  ...bound(storage),
  apply: (operation, options) => storage.apply(change(operation) as SingleOperation, options),
  transact: (operations, token, options) => storage.transact(operations.map(change), token, options),
})

export function bound(storage: Storage): Storage {
  return {
    read: (keys, options) => storage.read(keys, options),
    readTogether: (keys, options) => storage.readTogether(keys, options),
    page: (range, options) => storage.page(range, options),
    scan: (scan, options) => storage.scan(scan, options),
    write: (writes, options) => storage.write(writes, options),
    apply: (operation, options) => storage.apply(operation, options),
    transact: (operations, token, options) => storage.transact(operations, token, options),
  }
}

const always: Guard = { op: 'not', of: { op: 'exists', path: ['nowhere'] } }

/** Takes away the guards that speak of this attribute. */
export const unguarded =
  (attribute: string) =>
  (operation: RowOperation): RowOperation => {
    const relaxed = (guard: Guard): Guard => {
      if (guard.op === 'and' || guard.op === 'or') return { ...guard, of: guard.of.map(relaxed) }
      return JSON.stringify(guard).includes(`"${attribute}"`) ? always : guard
    }
    return operation.guard ? ({ ...operation, guard: relaxed(operation.guard) } as RowOperation) : operation
  }
