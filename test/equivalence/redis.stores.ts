import { AtomicEngine } from 'lockrow/backend'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { linkOf } from '../../src/redis/client.ts'
import { RedisStorage } from '../../src/redis/storage.ts'
import { dropPrefix, libraries, newPrefix, onRedis, type TestClient } from '../stores/redis.ts'
import { agree, met } from './agree.ts'
import { histories } from './histories.ts'

/** As test/equivalence/equivalence.test.ts: the twin there is the same as here. */
const runs = Number(process.env.EQUIVALENCE_RUNS ?? 1500)

onRedis(() => {
  const prefix = newPrefix()
  let connected: TestClient
  beforeAll(async () => {
    connected = await libraries.redis!()
  })
  afterAll(async () => {
    connected.close()
    await dropPrefix(prefix)
  })

  it(`the twin and Redis agree on ${runs} random histories`, { timeout: 3_600_000 }, async () => {
    met.clear()
    let databases = 0
    await agree(histories, runs, (runtime) => {
      const link = linkOf(connected.client)
      // Each database has keys of its own, below those of the test.
      const own = `${prefix}/${databases++}`
      const storage = new RedisStorage({ link, prefix: own, runtime, answerMs: 30_000 })
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
