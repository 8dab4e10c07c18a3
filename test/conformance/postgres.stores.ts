import { AtomicLRUCache } from 'lockrow'
import { AtomicPostgresDb, createTable } from 'lockrow/postgres'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { makeDatabase, onPostgres, type TestDatabase } from '../stores/postgres.ts'

const framework = { describe, it, afterAll }
let tables = 0

onPostgres(() => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await makeDatabase()
  })
  afterAll(() => database.drop())

  // Each client has connections of its own, as other processes do.
  conformanceSuite(framework, 'PostgreSQL', {
    async open(runtime) {
      const table = `rows_${tables++}`
      await createTable(database.pool(), { table })
      return { client: () => new AtomicPostgresDb(database.pool(), { runtime, table }) }
    },
  })

  conformanceSuite(framework, 'LRU cache over PostgreSQL', {
    async open(runtime) {
      const table = `rows_${tables++}`
      const pool = database.pool()
      await createTable(pool, { table })
      const db = new AtomicLRUCache(new AtomicPostgresDb(pool, { runtime, table }), { maxItems: 1000 })
      return { client: () => db }
    },
  })
})
