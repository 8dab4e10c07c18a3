import { leftUndone, type Row, type RowOperation, rowBytes, type Storage } from '../../backend/index.ts'
import type { UnitMeter, Units } from '../../console/index.ts'

const kilobyte = 1024
const startedKB = (bytes: number): number => Math.max(1, Math.ceil(bytes / kilobyte))
const read4KB = (bytes: number): number => Math.max(1, Math.ceil(bytes / (4 * kilobyte)))
const sum = (rows: readonly (Row | undefined)[]): number =>
  rows.reduce((bytes, row) => bytes + (row ? rowBytes(row) : 0), 0)

/** A row after an operation is not smaller than what the operation brings. */
const bytesOf = (operation: RowOperation): number => (operation.op === 'put' ? rowBytes(operation.row) : 0)

/**
 * The same storage, which tells a meter what DynamoDB would count, by its rules: reads by 4 KB and half where they may
 * be stale, writes by started KB, twice that in a transaction. The size of an updated row is that of the row as returned.
 */
export function meteredStorage(storage: Storage, meter: UnitMeter): Storage {
  const add = (units: Partial<Units>) => meter.add(units)
  return {
    ...(storage.batchSizes && { batchSizes: storage.batchSizes }),
    async read(keys, options) {
      const rows = await storage.read(keys, options)
      const each = rows.reduce<number>(
        (units, row) => units + read4KB(row && row !== leftUndone ? rowBytes(row) : 0),
        0,
      )
      add({ read: options.consistent === false ? each / 2 : each })
      return rows
    },
    async readTogether(keys, options) {
      const rows = await storage.readTogether(keys, options)
      add({ read: rows.reduce((units, row) => units + 2 * read4KB(row ? rowBytes(row) : 0), 0) })
      return rows
    },
    async page(range, options) {
      const page = await storage.page(range, options)
      const units = read4KB(sum(page.rows))
      add({ read: options.consistent === false ? units / 2 : units })
      return page
    },
    async scan(scan, options) {
      const page = await storage.scan(scan, options)
      const units = read4KB(sum(page.rows))
      add({ read: options.consistent === false ? units / 2 : units })
      return page
    },
    async write(writes, options) {
      add({
        write: writes.reduce((units, one) => units + ('put' in one ? startedKB(rowBytes(one.put)) : 1), 0),
      })
      return storage.write(writes, options)
    },
    async apply(operation, options) {
      const applied = await storage.apply(operation, options)
      add({ write: startedKB(Math.max(bytesOf(operation), applied.row ? rowBytes(applied.row) : 0)) })
      return applied
    },
    async transact(operations, token, options) {
      add({ write: operations.reduce((units, one) => units + 2 * startedKB(bytesOf(one)), 0) })
      return storage.transact(operations, token, options)
    },
  }
}
