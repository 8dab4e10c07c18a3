import type { AtomicDbItemKey } from '../interface.ts'
import { systemRuntime } from '../runtime.ts'
import type { Row } from '../storage.ts'
import { linkOf, type RedisClient } from './client.ts'
import { RedisStorage } from './storage.ts'

/** A row as it is stored, whatever it holds, for tools that show a database. */
export async function readRow(
  client: RedisClient,
  prefix: string,
  key: AtomicDbItemKey,
): Promise<Row | undefined> {
  const storage = new RedisStorage({ link: linkOf(client), prefix, runtime: systemRuntime, answerMs: 30_000 })
  const [row] = await storage.read([key], {})
  return row
}
