import { type AtomicDbQueueItem, AtomicMemoryDb } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { rowBytes } from '../../../src/model/sizes.ts'
import type { Storage } from '../../../src/storage.ts'
import { StorageFault } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../../src/testing/sim/simulation.ts'

const pk = 'jobs'

function setUp(seed = 1) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1, 3] })
  const open = (wrap: (storage: Storage, process: SimulatedRuntime) => Storage = (storage) => storage) => {
    const process = world.process()
    return new AtomicEngine(wrap(server.connect(process), process), { runtime: process })
  }
  return { world, server, open }
}

describe('order of a lone consumer', () => {
  test('each pull gives the first message that is available, whatever was given back', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { world, open } = setUp(seed)
      await world.run(async () => {
        const db = open()
        await db.queuePush(Array.from({ length: 8 }, (_, data) => ({ pk, data })))
        const available = new Set([0, 1, 2, 3, 4, 5, 6, 7])
        const held: AtomicDbQueueItem<number>[] = []
        for (let step = 0; step < 40; step++) {
          if (held.length > 0 && db.runtime.random() < 0.5) {
            const [item] = held.splice(Math.floor(db.runtime.random() * held.length), 1)
            await db.queueRelease(item!)
            available.add(item!.data)
          } else {
            const { item } = await db.queuePull<number>({ pk })
            if (!item) continue
            expect(item.data, `seed ${seed}`).toBe(Math.min(...available))
            available.delete(item.data)
            held.push(item)
          }
        }
      })
    }
  })
})

describe('push', () => {
  test('all or nothing: a key that is taken, an id that is too long', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush({ pk, sk: 'b', data: 0 })
    const items = [
      { pk, data: 'fresh' },
      { pk, sk: 'a', data: 'own' },
      { pk, sk: 'b', data: 'taken' },
    ]
    await expect(db.queuePush(items)).rejects.toMatchObject({ code: 'ConditionFailed' })
    expect(await db.queuePeek({ pk })).toHaveLength(1)
    const long = 'k'.repeat(1900)
    const two = [{ pk: long }, { pk: long, deduplicationId: 'd'.repeat(200) }]
    await expect(db.queuePush(two)).rejects.toMatchObject({ field: 'deduplicationId' })
    expect(await db.queuePeek({ pk: long })).toEqual([])
  })

  test('one deduplicationId over all groups and shards, also twice in one call', async () => {
    const db = new AtomicMemoryDb()
    const items = [1, 2, 3].map((i) => ({ pk, group: `g${i}`, deduplicationId: 'order-1', data: i }))
    const pushed = await db.queuePush(items, { shards: 8 })
    const [again] = await db.queuePush({ ...items[2]!, group: 'other' }, { shards: 8 })
    expect(new Set([...pushed, again!].map((item) => `${item.pk}/${item.sk}`)).size).toBe(1)
    expect((await db.queueStats(pk, { shards: 8 })).ready).toBe(1)
  })

  test.each([1, 3])(
    'of %i whose reply is lost: the repeat does not overwrite what is in processing',
    async (count) => {
      const { world, open } = setUp()
      await world.run(async () => {
        let lose = true
        const lossy = (storage: Storage, process: SimulatedRuntime): Storage => {
          const losing =
            <A extends unknown[], R>(send: (...args: A) => Promise<R>) =>
            async (...args: A): Promise<R> => {
              const answer = await send(...args)
              if (!lose) return answer
              lose = false
              await process.sleep(3000)
              throw new StorageFault('unknown', 'no reply')
            }
          return { ...storage, write: losing(storage.write), apply: losing(storage.apply) }
        }
        const pushing = open(lossy).queuePush(Array.from({ length: count }, (_, data) => ({ pk, data })))
        const consumer = open()
        await consumer.runtime.sleep(200)
        const { item } = await consumer.queuePull({ pk })
        await pushing
        await consumer.queueAcknowledge(item!)
      })
    },
  )

  test('leaves room for what a message grows by; what another writer made too large does not block the queue', async () => {
    const { world, server, open } = setUp()
    await world.run(async () => {
      const db = open()
      await expect(db.queuePush({ pk, data: 'x'.repeat(397 * 1024) })).rejects.toMatchObject({
        code: 'InvalidInput',
        limit: 396 * 1024,
      })
      const row = { pk, sk: '0'.repeat(26), n: 0, data: '' }
      const data = 'x'.repeat(400 * 1024 - rowBytes(row))
      await server.storage.write([{ put: { ...row, data } }])
      await db.queuePush({ pk, data: 'behind' })
      expect((await db.queuePull({ pk })).item?.data).toBe('behind')
      const [dead] = await db.queuePeek<string>({ pk: `${pk}#dead` })
      expect(dead?.deadLetter?.reason).toBe('too large to be given out')
      expect(dead?.data.length).toBe(data.length)
    })
  })
})

describe('receipts', () => {
  test('an extension only grows', async () => {
    const db = new AtomicMemoryDb({ now: () => 1_000_000 })
    await db.queuePush({ pk })
    const { item } = await db.queuePull({ pk, ttlSeconds: 100 })
    const shorter = await db.queueExtend(item!, { ttlSeconds: 10 })
    expect(shorter.processingTimeout).toBe(item!.processingTimeout)
    const longer = await db.queueExtend(item!, { ttlSeconds: 200 })
    expect(longer.processingTimeout).toBe(1_000_000 + 200_000)
  })

  test('uncounted: as if it had not been received; needs a receipt', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush({ pk })
    for (let i = 0; i < 5; i++) {
      const { item } = await db.queuePull({ pk, maxReceives: 2 })
      expect(item!.receiveCount).toBe(1)
      await db.queueRelease(item!, { uncounted: true })
    }
    const [{ sk }] = (await db.queuePeek({ pk })) as [AtomicDbQueueItem]
    await expect(db.queueRelease({ pk, sk }, { uncounted: true })).rejects.toMatchObject({
      field: 'uncounted',
    })
  })

  test('a payload that cannot be read: the others come, it is given back uncounted', async () => {
    const { world, open } = setUp()
    await world.run(async () => {
      let down = true
      const db = open((storage) => ({
        ...storage,
        read: (keys, options) =>
          down && keys[0]!.pk.includes('#payload#')
            ? Promise.reject(new StorageFault('throttled', 'hot'))
            : storage.read(keys, options),
      }))
      await db.queuePush(
        [
          { pk, data: 'x'.repeat(2000) },
          { pk, data: 'small' },
        ],
        { payloadThreshold: 1000 },
      )
      const { items } = await db.queuePullMany({ pk, limit: 2 })
      expect(items.map(({ data }) => data)).toEqual(['small'])
      down = false
      await db.runtime.sleep(6000)
      expect((await db.queuePull({ pk })).item).toMatchObject({ receiveCount: 1, data: 'x'.repeat(2000) })
    })
  })
})

describe('dead letters', () => {
  test.each([undefined, 3])(
    'a pull that fails later tells of what it has buried, shards: %s',
    async (shards) => {
      const { world, open } = setUp()
      await world.run(async () => {
        let buried = false
        const db = open((storage) => ({
          ...storage,
          transact: async (...call) => {
            const failed = await storage.transact(...call)
            buried = true
            return failed
          },
          page: (range, options) =>
            buried ? Promise.reject(new StorageFault('throttled', 'hot')) : storage.page(range, options),
        }))
        const pushed = Array.from({ length: shards ?? 1 }, (_, data) => ({ pk, data }))
        await db.queuePush(pushed, { shards })
        const pull = { pk, shards, limit: 3, maxReceives: 1, strict: true }
        for (const item of (await db.queuePullMany(pull)).items) await db.queueRelease(item)
        expect(await db.queuePullMany(pull)).toMatchObject({ items: [], dead: [{ pk: `${pk}#dead` }] })
      })
    },
  )

  test('two queues that are the dead letters of each other: it ends', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush({ pk: 'a' })
    const bury = async (from: string, deadLetter: string) => {
      const { item } = await db.queuePull({ pk: from })
      if (item) await db.queueRelease(item, { deadLetter })
      return item !== undefined
    }
    let rounds = 0
    while (rounds < 20 && ((await bury('a', 'b')) || (await bury('b', 'a')))) rounds++
    expect(rounds).toBeLessThan(5)
    expect(await db.queuePeek({ pk: 'b#dead' })).toHaveLength(1)
  })

  test('redrive into fewer shards than before', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush(
      Array.from({ length: 32 }, (_, data) => ({ pk, data })),
      { shards: 8 },
    )
    const { items } = await db.queuePullMany({ pk, shards: 8, limit: 32 })
    for (const item of items) await db.queueRelease(item, { deadLetter: `${pk}#dead` })
    expect(await db.queueRedrive({ from: `${pk}#dead`, shards: 4 })).toBe(32)
    expect((await db.queueStats(pk, { shards: 4 })).ready).toBe(32)
  })
})

test('a pull over shards hands out what it has before its time is up', async () => {
  const { world, open } = setUp()
  await world.run(async () => {
    const db = open((storage, process) => ({
      ...storage,
      page: async (range, options) => {
        await process.sleep(600)
        return storage.page(range, options)
      },
    }))
    const shards = 16
    await db.queuePush(
      Array.from({ length: shards }, (_, data) => ({ pk, data })),
      { shards },
    )
    const { items } = await db.queuePullMany({ pk, shards, limit: shards, ttlSeconds: 2 })
    expect(items.length).toBeGreaterThan(0)
    for (const item of items) expect(item.processingTimeout! - db.runtime.now()).toBeGreaterThan(0)
  })
})

test('the age of the oldest message does not count the time of its delay', async () => {
  let now = Date.now()
  const db = new AtomicMemoryDb({ now: () => now })
  await db.queuePush({ pk, delaySeconds: 3600 })
  now += 1_800_000
  expect((await db.queueStats(pk)).oldestAgeSeconds).toBe(0)
  now += 1_810_000
  expect((await db.queueStats(pk)).oldestAgeSeconds).toBe(10)
})

test('unknown options are refused by every method', async () => {
  const db = new AtomicMemoryDb()
  const bad = { delay: 1 } as never
  const key = { pk, sk: 'a' }
  for (const call of [
    () => db.queuePush({ pk }, bad),
    () => db.queuePush({ pk, delaySecond: 1 } as never),
    () => db.queuePull({ pk, ...(bad as object) }),
    () => db.queuePullMany({ pk, limit: 1, ...(bad as object) }),
    () => db.queueAcknowledge(key, bad),
    () => db.queueRelease(key, bad),
    () => db.queueExtend({ ...key, receipt: 'r' } as never, { ttlSeconds: 1, ...(bad as object) }),
    () => db.queueStats(pk, bad),
    () => db.queuePeek({ pk, ...(bad as object) }),
    () => db.queuePurge(pk, bad),
    () => db.queueRedrive({ from: pk, ...(bad as object) }),
  ])
    await expect(call(), String(call)).rejects.toMatchObject({ code: 'InvalidInput' })
})
