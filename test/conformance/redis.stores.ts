import { AtomicLRUCache } from 'lockrow'
import { AtomicRedisDb } from 'lockrow/redis'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, it } from 'vitest'
import { dropPrefix, libraries, newPrefix, onRedis, type TestClient } from '../stores/redis.ts'

const framework = { describe, it, afterAll }

onRedis(() => {
  // Each client has a connection of its own, as other processes do.
  for (const [library, connect] of Object.entries(libraries))
    conformanceSuite(framework, `Redis, by ${library}`, {
      async open(runtime) {
        const prefix = newPrefix()
        const open: TestClient[] = []
        for (let i = 0; i < 8; i++) open.push(await connect())
        let next = 0
        return {
          client: () => new AtomicRedisDb(open[next++ % open.length]!.client, { runtime, prefix }),
          async close() {
            for (const { close } of open) close()
            await dropPrefix(prefix)
          },
        }
      },
    })

  conformanceSuite(framework, 'LRU cache over Redis', {
    async open(runtime) {
      const prefix = newPrefix()
      const { client, close } = await libraries.redis!()
      const db = new AtomicLRUCache(new AtomicRedisDb(client, { runtime, prefix }), { maxItems: 1000 })
      return {
        client: () => db,
        async close() {
          close()
          await dropPrefix(prefix)
        },
      }
    },
  })
})
