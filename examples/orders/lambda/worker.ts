import { openDb } from '../db.ts'
import { tableName } from '../table-name.ts'
import { workerHandler } from '../worker.ts'

export const handler = workerHandler(openDb(), {
  table: tableName(),
  visibilitySeconds: Number(process.env.VISIBILITY_SECONDS ?? 30),
})
