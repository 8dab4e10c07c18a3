import { AtomicLRUCache, AtomicMemoryDb } from 'lockrow'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, it } from 'vitest'

const framework = { describe, it, afterAll }

conformanceSuite(framework, 'memory', {
  open(runtime) {
    const db = new AtomicMemoryDb({ runtime })
    return { client: () => db }
  },
})

conformanceSuite(framework, 'LRU cache over memory', {
  open(runtime) {
    const db = new AtomicLRUCache(new AtomicMemoryDb({ runtime }), { maxItems: 1000 })
    return { client: () => db }
  },
})
