import { leftUndone, type Row, type Runtime, type Storage, StorageFault } from 'lockrow/backend'
import type { Table } from './by-hand.ts'

/** What the AWS SDK does by default: three tries, a pause with jitter in between. */
const tries = 3

/** A table whose calls are repeated as the SDK repeats them: when throttled, and when no answer came. */
export function retriedTable(storage: Storage, runtime: Runtime): Table {
  async function call<T>(request: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await request()
      } catch (error) {
        if (!(error instanceof StorageFault) || attempt === tries) throw error
        await runtime.sleep(runtime.random() * 50 * 2 ** attempt)
      }
    }
  }
  return {
    async get<T>(key: { pk: string; sk: string }) {
      const [row] = await call(() => storage.read([key], { consistent: true }))
      return row === leftUndone ? undefined : (row as { data: T } | undefined)
    },
    async put(item) {
      await call(() => storage.write([{ put: { ...item } as Row }], {}))
    },
  }
}
