import { AtomicPostgresDb, createTable } from 'lockrow/postgres'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { makeDatabase, onPgBouncer, type TestDatabase } from '../stores/postgres.ts'
import { startPgBouncer } from '../stores/postgres-programs.ts'

let tables = 0

onPgBouncer(() => {
  let database: TestDatabase
  let bouncer: { url: string; stop(): void }
  beforeAll(async () => {
    database = await makeDatabase()
    bouncer = await startPgBouncer(database.url)
  })
  afterAll(async () => {
    bouncer.stop()
    await database.drop()
  })

  // Few connections behind many: each statement may run on another one.
  conformanceSuite({ describe, it, afterAll }, 'through PgBouncer in transaction mode', {
    async open(runtime) {
      const table = `rows_${tables++}`
      const pool = () => database.pool({ connectionString: bouncer.url })
      await createTable(pool(), { table })
      return { client: () => new AtomicPostgresDb(pool(), { runtime, table }) }
    },
  })
})
