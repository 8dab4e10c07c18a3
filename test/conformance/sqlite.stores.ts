import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicLRUCache } from 'lockrow'
import { AtomicSqliteDb } from 'lockrow/sqlite'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, it } from 'vitest'
import { onEachSqlite } from '../stores/drivers.ts'

const framework = { describe, it, afterAll }
const synchronous = 'off'

onEachSqlite((name, driver) => {
  // Each client opens the file by itself, as other processes do.
  conformanceSuite(framework, `a file, by ${name}`, {
    open(runtime) {
      const folder = mkdtempSync(join(tmpdir(), 'lockrow-sqlite-'))
      const open: AtomicSqliteDb[] = []
      return {
        client() {
          const db = new AtomicSqliteDb(join(folder, 'rows.db'), { runtime, driver, synchronous })
          open.push(db)
          return db
        },
        async close() {
          await Promise.all(open.map((db) => db.close()))
          rmSync(folder, { recursive: true, force: true })
        },
      }
    },
  })

  conformanceSuite(framework, `LRU cache over memory, by ${name}`, {
    open(runtime) {
      const db = new AtomicLRUCache(new AtomicSqliteDb(':memory:', { runtime, driver }), { maxItems: 1000 })
      return { client: () => db }
    },
  })
})
