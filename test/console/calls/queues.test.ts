import { type AtomicDbQueueItem, AtomicMemoryDb } from 'lockrow'
import { UnitMeter } from 'lockrow/console'
import { describe, expect, it } from 'vitest'
import { onBothBackends } from '../../setup/backends.ts'
import { consoleOf } from '../../setup/console.ts'

interface Opened {
  messages: (AtomicDbQueueItem & { json: string })[]
  isEnd: boolean
  stats: { ready: number; inFlight: number; delayed: number; dead: number; paused: boolean }
}

onBothBackends('queues in the console', ({ open, pk }) => {
  it('numbers, messages with their state, and whether it is paused', async () => {
    const db = open()
    const queue = pk()
    const { call } = consoleOf(db)
    await db.queuePush([1, 2, 3].map((n) => ({ pk: queue, data: { n }, group: 'g' })))
    await db.queuePush({ pk: queue, data: '<b>', delaySeconds: 20 })
    await db.queuePush({ pk: queue, data: 'later', delaySeconds: 600 })
    const { item } = await db.queuePull({ pk: queue, ttlSeconds: 60 })
    const opened = await call<Opened>('queue.open', { pk: queue })
    expect(opened.stats).toMatchObject({ ready: 2, inFlight: 1, delayed: 2 })
    expect(opened).toMatchObject({ isEnd: true, stats: { paused: false } })
    expect(opened.messages.map(({ json }) => json)).toEqual([
      '{"n":1}',
      '{"n":2}',
      '{"n":3}',
      '"<b>"',
      '"later"',
    ])
    expect(opened.messages[0]).toMatchObject({ isProcessing: true, receipt: item!.receipt, group: 'g' })
    const now = db.runtime.now()
    expect(opened.messages[3]!.dueAt! - now).toBeLessThanOrEqual(20_000)
    expect(opened.messages[4]!.dueAt! - now).toBeGreaterThan(500_000)

    await db.queuePause(queue)
    expect(await call('queue.stats', { pk: queue })).toMatchObject({ paused: true })
    const rest = await call<Opened>('queue.peek', { pk: queue, limit: 2, after: opened.messages[1]!.sk })
    expect(rest.messages.map(({ json }) => json)).toEqual(['{"n":3}', '"<b>"'])
    expect(rest.isEnd).toBe(false)
  })
})

describe('the first look at a queue', () => {
  it.each([200, 1000, 4000, 20_000])('costs at most 50 RRU with messages of %i bytes', async (size) => {
    const meter = new UnitMeter()
    const { AtomicEngine } = await import('lockrow/backend')
    const { MemoryStorage } = await import('../../../src/memory/storage.ts')
    const { meteredStorage } = await import('../../../src/cli/console/metered-storage.ts')
    const { runtime } = new AtomicMemoryDb()
    const db = new AtomicEngine(meteredStorage(new MemoryStorage(runtime), meter), { runtime })
    await db.queuePush(Array.from({ length: 1500 }, () => ({ pk: 'q', data: 'x'.repeat(size) })))
    const { ask } = consoleOf(db, { meter })
    const { units, value } = await ask('queue.open', { pk: 'q', budget: 50 })
    expect(units!.read).toBeGreaterThan(0)
    expect(units!.read).toBeLessThanOrEqual(50)
    expect((value as Opened).messages.length).toBeGreaterThanOrEqual(2)
  })
})
