import { AtomicLRUCache, AtomicMemoryDb, forInvocation } from 'lockrow'
import { ForwardingDb, scanRows } from 'lockrow/backend'
import { withTracing } from 'lockrow/otel'
import { AtomicChaosDb } from 'lockrow/testing'
import { expect, test } from 'vitest'

class Plain extends ForwardingDb {}
const context = { getRemainingTimeInMillis: () => 60_000 }

test('every wrapper passes a scan on', async () => {
  const db = new AtomicMemoryDb()
  await db.set({ pk: 'a', sk: 'b', data: 1 })
  const wrapped = [
    new Plain(db),
    new AtomicLRUCache(db, 10),
    new AtomicChaosDb(db, { seed: 1, rates: { throttled: 0, unavailable: 0 }, log: () => {} }),
    withTracing(db),
    forInvocation(db, context as never),
    withTracing(new AtomicLRUCache(new Plain(db), 10)),
  ]
  for (const one of wrapped) expect((await scanRows(one)).rows).toEqual([{ pk: 'a', sk: 'b', data: 1 }])
})

test('a chaotic database fails it, and an invocation ends it', async () => {
  const db = new AtomicMemoryDb()
  const chaos = new AtomicChaosDb(db, { seed: 1, rates: { throttled: 1 }, log: () => {} })
  await expect(scanRows(chaos)).rejects.toMatchObject({ code: 'Throttled' })
  const over = forInvocation(db, { getRemainingTimeInMillis: () => 100 } as never, { reserveMs: 200 })
  await expect(scanRows(over)).rejects.toThrow('the time of this invocation is up')
})

test('a database of another kind says that it cannot', async () => {
  const db = new AtomicMemoryDb()
  const other = { runtime: db.runtime } as Record<string, unknown>
  for (const name of ['get', 'set', 'update', 'query', 'transact', 'queuePush'] as const)
    other[name] = db[name].bind(db)
  await expect(scanRows(other as never)).rejects.toThrow('cannot scan its table')
  await expect(scanRows({} as never)).rejects.toMatchObject({ code: 'InvalidInput', field: 'db' })
  await expect(scanRows(db, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
})
