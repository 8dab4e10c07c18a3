import { join } from 'node:path'
import { AtomicPostgresDb, createTable } from 'lockrow/postgres'
import { afterAll, beforeAll, it } from 'vitest'
import { killClients, kills } from '../stores/crashes.ts'
import { makeDatabase, onPostgres, type TestDatabase } from '../stores/postgres.ts'

onPostgres(() => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await makeDatabase()
  })
  afterAll(() => database.drop())

  it(`loses nothing confirmed and tears nothing in ${kills} kills of processes at one server`, async () => {
    const pool = database.pool()
    await createTable(pool)
    const file = join(import.meta.dirname, 'crash-client.ts')
    await killClients(new AtomicPostgresDb(pool), { file, args: [database.url] }, 'postgres')
  }, 300_000)
})
