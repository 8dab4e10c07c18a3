import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { shardOf } from '../../../src/index.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import type { Storage } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../../src/testing/sim/simulation.ts'

interface Count {
  pages: number
  rru: number
  claims: number
  failed: number
}

/** What pulls cost, in simulated time; every request takes 3 to 7 ms. */
async function counted(
  seed: number,
  body: (world: { open(): { db: AtomicEngine; process: SimulatedRuntime; count: Count } }) => Promise<void>,
): Promise<void> {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const open = () => {
    const process = world.process()
    const count: Count = { pages: 0, rru: 0, claims: 0, failed: 0 }
    const storage: Storage = server.connect(process)
    const db = new AtomicEngine(
      {
        ...storage,
        page: async (range, options) => {
          const page = await storage.page(range, options)
          count.pages++
          count.rru += Math.max(1, Math.ceil(page.rows.reduce((sum, row) => sum + rowBytes(row), 0) / 4096))
          return page
        },
        apply: async (operation, options) => {
          const result = await storage.apply(operation, options)
          if (operation.op === 'update') {
            count.claims++
            if (!result.applied) count.failed++
          }
          return result
        },
      },
      { runtime: process },
    )
    return { db, process, count }
  }
  await world.run(async () => {
    await body({ open })
  })
}

const pk = 'q'
const kilobyte = 'x'.repeat(800)
const many = (count: number) => Array.from({ length: count }, () => ({ pk, data: kilobyte }))

test.each([0, 100, 2000])('a pull costs about 1 RRU with %i messages in flight', (held) =>
  counted(1, async ({ open }) => {
    const { db, count } = open()
    if (held > 0) await db.queuePush(many(held))
    for (let left = held; left > 0; left -= 100)
      await db.queuePullMany({ pk, limit: Math.min(100, left), ttlSeconds: 4000 })
    await db.queuePush(many(100))
    count.rru = 0
    for (let i = 0; i < 100; i++) await db.queueAcknowledge((await db.queuePull({ pk })).item!)
    expect(count.rru / 100).toBeLessThan(2)
    expect(count.rru / 100).toBeGreaterThanOrEqual(0.9)
  }),
)

test('looking for what others gave back costs 10 RRU a second, whatever is in flight', () =>
  counted(2, async ({ open }) => {
    const { db, process, count } = open()
    await db.queuePush(many(2000))
    for (let i = 0; i < 20; i++) await db.queuePullMany({ pk, limit: 100, ttlSeconds: 40_000 })
    count.rru = 0
    for (let i = 0; i < 60; i++) {
      await process.sleep(1000)
      await db.queuePush({ pk, data: 'next' })
      expect((await db.queuePull({ pk })).item!.data).toBe('next')
    }
    // 60 pulls, 1 RRU each, and the budget of 60 seconds.
    expect(count.rru).toBeLessThan(60 + 60 * 12)
  }))

test('released by others in front of many in flight: found, once the rescan comes by', () =>
  counted(3, async ({ open }) => {
    const holder = open()
    const puller = open()
    await holder.db.queuePush(many(300))
    const { items } = await holder.db.queuePullMany({ pk, limit: 300, ttlSeconds: 40_000 })
    await holder.db.queuePush(many(100))
    await puller.db.queuePull({ pk })
    await holder.db.queueRelease(items[200]!)
    const released = puller.process.monotonic()
    let found = 0
    while (found === 0 && puller.process.monotonic() < released + 30_000) {
      await puller.process.sleep(200)
      const { item } = await puller.db.queuePull({ pk })
      if (item?.sk === items[200]!.sk) found = puller.process.monotonic() - released
    }
    expect(found).toBeGreaterThan(0)
    // 300 rows are 65 RRU, which take 6.5 seconds; the rescan may just have passed the place.
    expect(found).toBeLessThan(14_000)
  }))

test('an empty queue says so at once, and what comes back behind the frontier is found then too', () =>
  counted(4, async ({ open }) => {
    const holder = open()
    const puller = open()
    await holder.db.queuePush(many(50))
    const { items } = await holder.db.queuePullMany({ pk, limit: 50 })
    expect((await puller.db.queuePull({ pk })).item).toBeUndefined()
    await holder.db.queueRelease(items[20]!)
    expect((await puller.db.queuePull({ pk })).item!.sk).toBe(items[20]!.sk)
  }))

test('many consumers that want many: few claims fail', async () => {
  await counted(5, async ({ open }) => {
    const total = 2000
    await open().db.queuePush(Array.from({ length: total }, () => ({ pk, data: 1 })))
    let got = 0
    let failed = 0
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        const { db, process, count } = open()
        for (;;) {
          const { items } = await db.queuePullMany({ pk, limit: 10 })
          if (items.length === 0) break
          got += items.length
          for (const item of items) {
            await process.sleep(process.random() * 100)
            await db.queueAcknowledge(item)
          }
        }
        failed += count.failed
      }),
    )
    expect(got).toBe(total)
    expect(failed / total).toBeLessThan(0.5)
  })
})

test('shards: work in one of 64 is found without reading all of them', () =>
  counted(6, async ({ open }) => {
    const shards = 64
    const { db, process, count } = open()
    const producer = open()
    const hot = shardOf(pk, shards, 'hot')
    expect((await db.queuePull({ pk, shards })).item).toBeUndefined()
    // The pointers: none is there.
    expect(count.pages).toBe(1)
    await producer.db.queuePush(Array.from({ length: 200 }, () => ({ pk: hot, data: 1 })))
    count.pages = 0
    let got = 0
    await process.sleep(1100)
    for (let i = 0; got < 200 && i < 400; i++) {
      const { item } = await db.queuePull({ pk, shards })
      if (item) got++
      if (got === 1) count.pages = 0
    }
    expect(got).toBe(200)
    // Its own page, and one of an idle shard.
    expect(count.pages / 199).toBeLessThan(2.2)
  }))

test('shards: a busy one does not starve the others', () =>
  counted(7, async ({ open }) => {
    const shards = 4
    const { db, process } = open()
    const producer = open()
    await producer.db.queuePush(Array.from({ length: 500 }, () => ({ pk: `${pk}#shard1`, data: 'busy' })))
    await db.queuePull({ pk, shards })
    await producer.db.queuePush({ pk: `${pk}#shard3`, data: 'rare' })
    const begun = process.monotonic()
    for (let i = 0; i < 400; i++) {
      const { item } = await db.queuePull({ pk, shards })
      if (item!.data === 'rare') break
    }
    expect(process.monotonic() - begun).toBeLessThan(1500)
  }))
