import { createRequire } from 'node:module'
import type { SqliteDriver } from 'lockrow/sqlite'
import { describe, it } from 'vitest'

/** The drivers of SQLite that work here, by name: `npm run stores:setup` installs the first. */
export function sqliteDrivers(): Record<string, SqliteDriver> {
  const drivers: Record<string, SqliteDriver> = {}
  try {
    const Database = createRequire(import.meta.url)('better-sqlite3') as SqliteDriver
    new Database(':memory:').close()
    drivers['better-sqlite3'] = Database
  } catch {
    // Not installed, or without its binary.
  }
  const { getBuiltinModule } = process as {
    getBuiltinModule?: (name: string) => { DatabaseSync: SqliteDriver } | undefined
  }
  const builtin = getBuiltinModule?.('node:sqlite')?.DatabaseSync
  if (builtin) drivers['node:sqlite'] = builtin
  return drivers
}

/** Tests on each driver. Without any they are skipped with a line that says why; under CI they fail. */
export function onEachSqlite(tests: (name: string, driver: SqliteDriver) => void): void {
  const drivers = Object.entries(sqliteDrivers())
  for (const [name, driver] of drivers) describe(name, () => tests(name, driver))
  if (drivers.length > 0) return
  const why = 'no driver for SQLite: npm run stores:setup, or Node 22.13 or later'
  if (process.env.CI) throw new Error(why)
  console.warn(`skipped: ${why}`)
  it.skip(why)
}
