import { AtomicEngine, systemRuntime } from 'lockrow/backend'
import { createTable } from 'lockrow/postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PostgresStorage } from '../../src/postgres/storage.ts'
import { makeDatabase, onPostgres, type TestDatabase } from '../stores/postgres.ts'
import { agree, met } from './agree.ts'
import { histories } from './histories.ts'

/** As test/equivalence/equivalence.test.ts: the twin there is the same as here. */
const runs = Number(process.env.EQUIVALENCE_RUNS ?? 500)

onPostgres(() => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await makeDatabase()
  })
  afterAll(() => database.drop())

  it(`the twin and PostgreSQL agree on ${runs} random histories`, { timeout: 3_600_000 }, async () => {
    met.clear()
    const pool = database.pool({ options: '-c synchronous_commit=off' })
    await createTable(pool)
    // Nothing is freed, as on the twin: expired rows count towards the limit of a deleteRange.
    const unswept = { ...systemRuntime, now: () => 0 }
    await agree(histories, runs, (runtime) => {
      const storage = new PostgresStorage({ pool, table: 'lockrow', runtime: unswept, answerMs: 30_000 })
      return { db: new AtomicEngine(storage, { runtime }), storage }
    })
    for (const kind of [
      'update ok',
      'transact ok',
      'transact ConditionFailed',
      'queuePull ok',
      'page ok',
      'query InvalidInput',
    ])
      expect(met.get(kind), kind).toBeGreaterThan(0)
  })
})
