import { existsSync } from 'node:fs'
import { Refusal } from '../failures.ts'
import type { Store } from './store.ts'

/** Files of `--sqlite`. */
export const sqliteStore: Store = {
  async open({ address: file, table }) {
    // A name that was mistyped must not make one.
    if (!existsSync(file))
      throw new Refusal(
        `there is no file ${file}: check --sqlite, or make it with 'lockrow table create --sqlite ${file}'`,
      )
    const { AtomicSqliteDb } = await import('../../sqlite/index.ts')
    const { readRow } = await import('../../sqlite/read-row.ts')
    const db = new AtomicSqliteDb(file, { table })
    return { db, readRow: (key) => readRow(file, table, key), close: () => db.close() }
  },
  async create({ address: file, table }) {
    const isThere = existsSync(file)
    const { AtomicSqliteDb } = await import('../../sqlite/index.ts')
    const db = new AtomicSqliteDb(file, { table })
    try {
      // Any first call does it.
      await db.get({ pk: 'lockrow', sk: 'lockrow' })
    } finally {
      await db.close()
    }
    return { record: { file, table, created: !isThere } }
  },
}
