import type { AtomicDbItemKey } from '../interface.ts'
import { systemRuntime } from '../runtime.ts'
import type { Row } from '../storage.ts'
import type { PostgresPool } from './pool.ts'
import { PostgresStorage } from './storage.ts'

/** A row as it is stored, whatever it holds, for tools that show a database. */
export async function readRow(
  pool: PostgresPool,
  table: string,
  key: AtomicDbItemKey,
): Promise<Row | undefined> {
  const storage = new PostgresStorage({ pool, table, runtime: systemRuntime, answerMs: 30_000 })
  const [row] = await storage.read([key], {})
  return row
}
