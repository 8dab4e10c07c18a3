import type { AtomicDbItemKey } from '../interface.ts'
import { systemRuntime } from '../runtime.ts'
import type { Row } from '../storage.ts'
import { SqliteStorage } from './storage.ts'

/** A row as it is stored, whatever it holds, for tools that show a file. */
export async function readRow(source: string, table: string, key: AtomicDbItemKey): Promise<Row | undefined> {
  const runtime = systemRuntime
  const storage = new SqliteStorage({
    source,
    table,
    driver: undefined,
    synchronous: 'full',
    waitMs: 0,
    runtime,
  })
  try {
    const [row] = await storage.read([key], {})
    return row
  } finally {
    await storage.close()
  }
}
