import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicSqliteDb, type SqliteDriver } from 'lockrow/sqlite'
import { afterAll, expect, it } from 'vitest'
import { killClients, kills } from '../stores/crashes.ts'
import { onEachSqlite } from '../stores/drivers.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockrow-crashes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

onEachSqlite((name, driver: SqliteDriver) => {
  it(`loses nothing confirmed and tears nothing in ${kills} kills of processes on one file`, async () => {
    const path = join(folder, `${name.replace(':', '-')}.db`)
    const driverPath =
      name === 'node:sqlite'
        ? name
        : createRequire(join(import.meta.dirname, '../stores/drivers.ts')).resolve(name)
    const db = new AtomicSqliteDb(path, { driver, synchronous: 'normal' })
    const file = join(import.meta.dirname, 'crash-client.ts')
    await killClients(db, { file, args: [path, driverPath] }, name)
    await db.close()
    const opened = new driver(path)
    expect(Object.values(opened.prepare('PRAGMA integrity_check').get() as object)).toEqual(['ok'])
    opened.close()
  }, 300_000)
})
