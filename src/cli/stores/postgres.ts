import type { Pool } from 'pg'
import { Refusal } from '../failures.ts'
import type { Store } from './store.ts'

/** As the commands on DynamoDB: who gets no connection for so long need not wait for more, ms. */
const connectionMs = 4000

async function openPool(connectionString: string): Promise<Pool> {
  const pg = await import('pg').catch((error: unknown) => {
    throw new Refusal(`the driver of PostgreSQL is missing: npm install pg`, { cause: error })
  })
  return new pg.default.Pool({ connectionString, max: 4, connectionTimeoutMillis: connectionMs })
}

/** Databases of `--postgres`. */
export const postgresStore: Store = {
  async open({ address, table }) {
    const pool = await openPool(address)
    const { AtomicPostgresDb } = await import('../../postgres/index.ts')
    const { readRow } = await import('../../postgres/read-row.ts')
    const db = new AtomicPostgresDb(pool, { table })
    return { db, readRow: (key) => readRow(pool, table, key), close: () => pool.end() }
  },
  async create({ address, where, table }) {
    const pool = await openPool(address)
    try {
      const { createTable } = await import('../../postgres/index.ts')
      const created = await createTable(pool, { table })
      return { record: { database: where, table, created } }
    } finally {
      await pool.end()
    }
  },
}
