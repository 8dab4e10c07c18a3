import { createRequire } from 'node:module'
import { AtomicSqliteDb, type SqliteDriver } from 'lockrow/sqlite'
import { writeUntilKilled } from '../stores/crash-writers.ts'

/** A process of `killClients` on a file. */
const [log, name, path, driverPath] = process.argv.slice(2) as [string, string, string, string]
const load = (): SqliteDriver => {
  if (driverPath !== 'node:sqlite') return createRequire(import.meta.url)(driverPath)
  const { getBuiltinModule } = process as unknown as {
    getBuiltinModule: (id: string) => { DatabaseSync: SqliteDriver }
  }
  return getBuiltinModule('node:sqlite').DatabaseSync
}
const driver = load()
const db = new AtomicSqliteDb(path, { driver, synchronous: 'normal' })
await writeUntilKilled(db, log, name)
