import { AtomicEngine, type Runtime } from 'lockrow/backend'
import { expect, it } from 'vitest'
import { SqliteStorage } from '../../src/sqlite/storage.ts'
import { onEachSqlite } from '../stores/drivers.ts'
import { agree, met } from './agree.ts'
import { histories } from './histories.ts'

/** As test/equivalence/equivalence.test.ts: the twin there is the same as here. */
const runs = Number(process.env.EQUIVALENCE_RUNS ?? 1500)

onEachSqlite((_, driver) => {
  it(`the twin and SQLite agree on ${runs} random histories`, { timeout: 3_600_000 }, async () => {
    met.clear()
    // Nothing is freed, as on the twin: expired rows count towards the limit of a deleteRange.
    const unswept = (runtime: Runtime): Runtime => ({
      ...runtime,
      now: () => 0,
      monotonic: runtime.monotonic,
    })
    await agree(histories, runs, (runtime) => {
      const storage = new SqliteStorage({
        source: ':memory:',
        table: 'lockrow',
        driver,
        synchronous: 'off',
        waitMs: 1000,
        runtime: unswept(runtime),
      })
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
