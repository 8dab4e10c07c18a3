import { AtomicLRUCache, AtomicMemoryDb } from 'lockrow'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, it } from 'vitest'
import { AtomicEngine } from '../../src/engine/engine.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'

const framework = { describe, it, afterAll }

conformanceSuite(framework, 'memory', {
  open(runtime) {
    const db = new AtomicMemoryDb({ runtime })
    return { client: () => db }
  },
})

// As other processes do: clients share the rows, and nothing that an engine remembers.
conformanceSuite(framework, 'memory, an engine for each client', {
  open(runtime) {
    const storage = new MemoryStorage(runtime)
    return { client: () => new AtomicEngine(storage, { runtime }) }
  },
})

conformanceSuite(framework, 'LRU cache over memory', {
  open(runtime) {
    const db = new AtomicLRUCache(new AtomicMemoryDb({ runtime }), { maxItems: 1000 })
    return { client: () => db }
  },
})
