import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { QueueWorker } from '../../../src/index.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

const hourMs = 3_600_000
const family = 'mails/'

/** Processes of one table in simulated time, each with what it has read. */
function open(seed = 1, latencyMs: [number, number] = [1.5, 3.5]) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs })
  const join = () => {
    const process = world.process()
    const storage = server.connect(process)
    const cost = { rru: 0 }
    const db = new AtomicEngine(
      {
        ...storage,
        page: async (range, options) => {
          const page = await storage.page(range, options)
          const bytes = page.rows.reduce((sum, row) => sum + rowBytes(row), 0)
          cost.rru += Math.max(1, Math.ceil(bytes / 4096)) * (options.consistent === false ? 0.5 : 1)
          return page
        },
        read: async (keys, options) => {
          cost.rru += keys.length * (options.consistent === false ? 0.5 : 1)
          return storage.read(keys, options)
        },
      },
      { runtime: process },
    )
    return { db, process, cost }
  }
  const pointers = async (name: string) => {
    const { rows } = await server.storage.page({ pk: `${name}#work` })
    return rows.map(({ sk }) => sk).filter((sk) => sk.startsWith('p#'))
  }
  return { world, join, pointers }
}

const customers = (count: number) => Array.from({ length: count }, (_, i) => `${family}${i}`)

test.each([
  ['64 shards', 64, { pk: 'jobs', shards: 64 }, (i: number) => ({ pk: `jobs#shard${i}` })],
  ['300 queues of a family', 300, { family }, (i: number) => ({ pk: `${family}${i}`, family })],
])(
  'an idle worker of %s costs 480 RRU in the hour after the pointers are gone',
  (_, count, options, item) => {
    const { world, join, pointers } = open()
    return world.run(async () => {
      const [producer, consumer] = [join(), join()]
      let done = 0
      const worker = new QueueWorker(consumer.db, () => done++, { ...options, concurrency: 20 })
      await producer.db.queuePush(Array.from({ length: count }, (_, i) => item(i)))
      await world.process().sleep(hourMs)
      expect(done).toBe(count)
      expect(await pointers('family' in options ? family : 'jobs')).toEqual([])
      consumer.cost.rru = 0
      await world.process().sleep(hourMs)
      expect(consumer.cost.rru).toBeGreaterThan(400)
      expect(consumer.cost.rru).toBeLessThanOrEqual(480)
      await worker.stop()
    })
  },
)

test('a message of another process is found after half a look in the mean, whatever queue it is in', () => {
  const { world, join } = open()
  return world.run(async () => {
    const [producer, consumer] = [join(), join()]
    const clock = world.process()
    const waits: number[] = []
    const worker = new QueueWorker<number>(consumer.db, ({ data }) => waits.push(world.time - data), {
      family,
    })
    await clock.sleep(60_000)
    for (let i = 0; i < 60; i++) {
      await producer.db.queuePush({ pk: `${family}${i % 7}`, family, data: world.time })
      await clock.sleep(20_000 + producer.process.random() * 40_000)
    }
    await worker.stop()
    waits.sort((a, b) => a - b)
    expect(waits.length).toBe(60)
    expect(waits.reduce((sum, one) => sum + one, 0) / 60).toBeLessThan(2300)
    expect(waits[58]).toBeLessThan(4100)
  })
})

test("a customer's million messages keep nobody back", () => {
  const { world, join } = open()
  return world.run(async () => {
    const [producer, consumer] = [join(), join()]
    await producer.db.queuePush(
      Array.from({ length: 2000 }, (_, data) => ({ pk: `${family}big`, family, data })),
    )
    await consumer.db.queuePullMany({ family, limit: 10 })
    const small = customers(20)
    await producer.db.queuePush(small.map((pk) => ({ pk, family })))
    const found = new Set<string>()
    let pulls = 0
    await consumer.process.sleep(1000)
    for (; found.size < small.length && pulls < 200; pulls++) {
      const { items } = await consumer.db.queuePullMany({ family, limit: 10 })
      for (const { pk } of items) if (pk !== `${family}big`) found.add(pk)
    }
    expect(found.size).toBe(small.length)
    expect(pulls).toBeLessThan(25)
  })
})

test('a pointer stays while anything is in its queue, in flight or waiting, and while it may be relied on', () => {
  const { world, join, pointers } = open()
  return world.run(async () => {
    const { db, process } = join()
    const look = () => db.queuePull({ family, consistent: false })
    await db.queuePush([
      { pk: `${family}held`, family },
      { pk: `${family}later`, family, delaySeconds: 7200, group: 'g' },
      { pk: `${family}done`, family },
    ])
    const { items } = await db.queuePullMany({ family, limit: 3, ttlSeconds: 7200 })
    for (const item of items) if (item.pk === `${family}done`) await db.queueAcknowledge(item)
    expect(await pointers(family)).toHaveLength(3)
    for (let minute = 0; minute < 30; minute++) {
      await process.sleep(60_000)
      await look()
    }
    expect(await pointers(family)).toEqual([`p#${family}held`, `p#${family}later`])
    // It is raised again by the next push.
    await db.queuePush({ pk: `${family}done`, family })
    expect((await db.queuePull({ family })).item?.pk).toBe(`${family}done`)
  })
})

test('a clock that is set forward collects no pointer on which a push may still rely', () => {
  const { world, join, pointers } = open()
  return world.run(async () => {
    const [producer, consumer] = [join(), join()]
    const item = { pk: `${family}a`, family }
    await consumer.db.queuePull({ family, consistent: false })
    await producer.db.queuePush(item)
    const { item: taken } = await consumer.db.queuePull({ family })
    await consumer.db.queueAcknowledge(taken!)
    consumer.process.stepClock(6 * hourMs)
    for (let minute = 0; minute < 8; minute++) {
      await consumer.process.sleep(60_000)
      await consumer.db.queuePull({ family, consistent: false })
    }
    expect(await pointers(family)).toEqual([`p#${family}a`])
    for (let minute = 0; minute < 20; minute++) {
      await consumer.process.sleep(60_000)
      await consumer.db.queuePull({ family, consistent: false })
    }
    expect(await pointers(family)).toEqual([])
  })
})

test('consumers look often for as long as a pointer is relied on, whatever clock has raised it', () => {
  const { world, join } = open()
  return world.run(async () => {
    const [ahead, producer, consumer] = [join(), join(), join()]
    const waits: number[] = []
    const worker = new QueueWorker<number>(consumer.db, ({ data }) => waits.push(world.time - data), {
      family,
    })
    ahead.process.stepClock(240_000)
    const push = ({ db }: typeof producer) => db.queuePush({ pk: `${family}a`, family, data: world.time })
    await push(ahead)
    await world.process().sleep(120_000)
    // It relies on what the other one wrote: nothing tells the consumer.
    await push(producer)
    await world.process().sleep(10_000)
    await worker.stop()
    expect(waits).toHaveLength(2)
    expect(waits[1]).toBeLessThan(4100)
  })
})

test('a push to more queues than can be pointed at within the time for which a pointer is relied on', () => {
  const { world, join, pointers } = open(1, [1000, 1000])
  return world.run(async () => {
    const { db } = join()
    const items = customers(400).map((pk, i) => ({ pk, family, ...(i % 2 === 0 && { sk: 'mine' }) }))
    await db.queuePush(items, { timeoutMs: hourMs })
    expect(await pointers(family)).toHaveLength(400)
    expect(world.time).toBeLessThan(hourMs / 4)
  })
})

test('what a pull of a family may not have', async () => {
  const { db } = open().join()
  const refused = (field: string) => expect.objectContaining({ code: 'InvalidInput', field })
  await expect(db.queuePull({ family: '' })).rejects.toEqual(refused('family'))
  await expect(db.queuePull({ family, pk: 'a' })).rejects.toEqual(refused('pk'))
  await expect(db.queuePull({ family, shards: 3 })).rejects.toEqual(refused('shards'))
  await expect(db.queuePull({ family, group: 'g' })).rejects.toEqual(refused('group'))
  await expect(db.queuePull({})).rejects.toEqual(refused('pk'))
  await expect(db.queuePull({ family, ttlSeconds: 0 })).rejects.toEqual(refused('ttlSeconds'))
})
