import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

const pk = 'q'
const kilobyte = 'x'.repeat(800)
const priorities = ['high', 'normal', 'low'] as const

interface World {
  open(): { db: AtomicEngine; count: { rru: number } }
}

async function simulated(body: (world: World) => Promise<void>): Promise<void> {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const open = () => {
    const process = world.process()
    const count = { rru: 0 }
    const storage = server.connect(process)
    const price = (rows: readonly unknown[], consistent?: boolean) =>
      Math.max(
        1,
        Math.ceil(rows.reduce((sum: number, row) => sum + (row ? rowBytes(row as never) : 0), 0) / 4096),
      ) / (consistent === false ? 2 : 1)
    const db = new AtomicEngine(
      {
        ...storage,
        page: async (range, options) => {
          const page = await storage.page(range, options)
          count.rru += price(page.rows, options.consistent)
          return page
        },
        read: async (keys, options) => {
          const rows = await storage.read(keys, options)
          count.rru += price(rows, options.consistent)
          return rows
        },
      },
      { runtime: process },
    )
    return { db, count }
  }
  await world.run(() => body({ open }))
}

/** RRU a message of a consumer that takes one after the other, while others are pushed, 20 a second. */
async function priceOf(priorityAt: (i: number) => (typeof priorities)[number] | undefined): Promise<number> {
  let price = 0
  await simulated(async ({ open }) => {
    const producer = open().db
    const { db, count } = open()
    const push = (i: number) => {
      const priority = priorityAt(i)
      return { pk, data: kilobyte, ...(priority && { priority }) }
    }
    await producer.queuePush(Array.from({ length: 200 }, (_, i) => push(i)))
    await db.queuePull({ pk, ttlSeconds: 3600 })
    count.rru = 0
    for (let i = 0; i < 400; i++) {
      const { item } = await db.queuePull({ pk, ttlSeconds: 3600 })
      // Every fourth one stays in flight.
      if (i % 4 > 0) await db.queueAcknowledge(item!)
      await producer.queuePush(push(i))
      await db.runtime.sleep(30)
    }
    price = count.rru / 400
  })
  return price
}

test('a pull costs about as much whether messages have priorities or not', async () => {
  const plain = await priceOf(() => undefined)
  const mixed = await priceOf((i) => priorities[i % 3])
  const rare = await priceOf((i) => (i % 100 === 0 ? 'high' : 'normal'))
  expect(plain).toBeLessThan(2)
  expect(rare - plain).toBeLessThan(0.2)
  expect(mixed - plain).toBeLessThan(0.2)
})

test('an idle consumer looks once, whatever priorities there were', () =>
  simulated(async ({ open }) => {
    const { db, count } = open()
    await db.queuePush(priorities.map((priority) => ({ pk, priority, data: 1 })))
    for (const item of (await db.queuePullMany({ pk, limit: 3 })).items) await db.queueAcknowledge(item)
    count.rru = 0
    for (let i = 0; i < 100; i++) {
      await db.runtime.sleep(3800)
      expect((await db.queuePull({ pk, consistent: false })).item).toBeUndefined()
    }
    expect(count.rru).toBe(50)
  }))

test('an idle look keeps the shares too', () =>
  simulated(async ({ open }) => {
    const { db } = open()
    const given: unknown[] = []
    for (let i = 0; i < 32; i++) {
      await db.queuePush([
        { pk, data: 'high', priority: 'high' },
        ...(i === 0 ? [{ pk, data: 'low', priority: 'low' as const }] : []),
      ])
      const { item } = await db.queuePull({ pk, consistent: false })
      given.push(item?.data)
      await db.queueAcknowledge(item!)
    }
    expect(given.indexOf('low')).toBe(15)
  }))
