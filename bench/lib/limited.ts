import { rowBytes } from '../../src/model/sizes.ts'
import type { Row, RowOperation, Storage } from '../../src/storage.ts'
import type { SimulatedRuntime } from '../../src/testing/sim/simulation.ts'

/** What one partition key of DynamoDB takes, a second (documented). */
export const writesPerSecond = 1000
export const readsPerSecond = 3000

/**
 * A simulated server whose partitions take no more than that. A request waits until its units are there: the best
 * case of being throttled and trying again.
 */
export function limited(storage: Storage, process: SimulatedRuntime, free: Map<string, number>): Storage {
  const spend = async (pk: string, kind: 'w' | 'r', units: number) => {
    const now = process.monotonic()
    const until =
      Math.max(now, free.get(kind + pk) ?? 0) +
      (1000 * units) / (kind === 'w' ? writesPerSecond : readsPerSecond)
    free.set(kind + pk, until)
    await process.sleep(until - now)
  }
  const read = async (
    rows: readonly (Row | symbol | undefined)[],
    pks: readonly string[],
    factor: number,
  ) => {
    for (const [i, pk] of pks.entries())
      await spend(pk, 'r', factor * Math.max(1, Math.ceil(bytesOf(rows[i]) / 4096)))
  }
  const bytesOf = (row: Row | symbol | undefined) => (typeof row === 'object' ? rowBytes(row) : 0)
  const pkOf = (one: RowOperation) => (one.op === 'put' ? one.row.pk : one.key.pk)
  const pks = (keys: readonly { pk: string }[]) => keys.map(({ pk }) => pk)
  return {
    read: async (keys, options) => {
      const rows = await storage.read(keys, options)
      await read(rows, pks(keys), options.consistent === false ? 0.5 : 1)
      return rows
    },
    readTogether: async (keys, options) => {
      const rows = await storage.readTogether(keys, options)
      await read(rows, pks(keys), 2)
      return rows
    },
    page: async (range, options) => {
      const page = await storage.page(range, options)
      const bytes = page.rows.reduce((sum, row) => sum + rowBytes(row), 0)
      await spend(
        range.pk,
        'r',
        Math.max(1, Math.ceil(bytes / 4096)) * (options.consistent === false ? 0.5 : 1),
      )
      return page
    },
    scan: (scan, options) => storage.scan(scan, options),
    write: async (writes, options) => {
      for (const one of writes) await spend('put' in one ? one.put.pk : one.delete.pk, 'w', 1)
      return storage.write(writes, options)
    },
    apply: async (operation, options) => {
      await spend(pkOf(operation), 'w', 1)
      return storage.apply(operation, options)
    },
    transact: async (operations, token, options) => {
      await Promise.all(operations.map((one) => spend(pkOf(one), 'w', 2)))
      return storage.transact(operations, token, options)
    },
  }
}
