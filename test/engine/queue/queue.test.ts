import { type AtomicDbQueueItem, AtomicEngine, AtomicMemoryDb } from 'lockrow'
import { describe, expect, it, test } from 'vitest'
import { rowBytes } from '../../../src/engine/values.ts'
import type { Storage } from '../../../src/storage.ts'
import { StorageFault } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../../src/testing/sim/simulation.ts'
import { bound } from '../../proof/defects.ts'

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

describe('strict', () => {
  it.each(['delay', 'redrive', 'slow clock'])('%s: never two of a group in processing', async (how) => {
    const { world, open } = setUp()
    await world.run(async () => {
      const db = open()
      const group = 'g'
      const strict = { pk, strict: true, maxReceives: 1, ttlSeconds: 60 }
      if (how === 'delay') await db.queuePush({ pk, group, data: 1, delaySeconds: 2 })
      if (how === 'redrive') {
        await db.queuePush({ pk, group, data: 1 })
        await db.queueRelease((await db.queuePull(strict)).item!)
      }
      await db.queuePush({ pk, group, data: 2 })
      const held = (await db.queuePull(strict)).item!
      expect(held.data).toBe(2)
      if (how === 'redrive') expect(await db.queueRedrive({ from: `${pk}#dead` })).toBe(1)
      if (how === 'slow clock') {
        const slow = open()
        ;(slow.runtime as SimulatedRuntime).stepClock(-500)
        await slow.queuePush({ pk, group, data: 1 })
      }
      await db.runtime.sleep(5000)
      for (const consumer of [db, open()]) expect(await consumer.queuePull(strict)).toEqual({})
      await db.queueAcknowledge(held)
      expect((await db.queuePull(strict)).item?.data).toBe(1)
    })
  })

  describe('what another process is done with can be given out at once', () => {
    const ways: Record<string, (db: AtomicEngine, item: AtomicDbQueueItem) => Promise<void>> = {
      acknowledged: (db, item) => db.queueAcknowledge(item),
      released: (db, item) => db.queueRelease(item),
      buried: (db, item) => db.queueRelease(item, { deadLetter: `${pk}#dead` }),
    }
    const pulls = { 'any group': { strict: true }, 'one group': { group: 'g' } }
    it.each(
      Object.keys(ways).flatMap((way) =>
        Object.entries(pulls).map(([name, options]) => [way, name, options]),
      ),
    )('%s, pull of %s', async (way, _name, options) => {
      const { world, open } = setUp()
      await world.run(async () => {
        const [holder, other] = [open(), open()]
        const pull = { pk, ...(options as object) }
        await holder.queuePush([1, 2].map((data) => ({ pk, group: 'g', data })))
        const held = (await holder.queuePull<number>(pull)).item!
        // It has seen that message in processing, a moment ago.
        expect((await other.queuePull(pull)).item).toBeUndefined()
        expect((await other.queuePull(pull)).item).toBeUndefined()
        await ways[way as string]!(holder, held)
        expect((await other.queuePull<number>(pull)).item?.data).toBe(way === 'released' ? 1 : 2)
      })
    })

    test('looking costs little where another process takes long', async () => {
      const { world, open } = setUp()
      await world.run(async () => {
        let rows = 0
        const counted = (storage: Storage): Storage => ({
          ...bound(storage),
          read: (keys, options) => {
            rows += keys.length
            return storage.read(keys, options)
          },
        })
        const [holder, other] = [open(), open(counted)]
        await holder.queuePush([1, 2].map((data) => ({ pk, group: 'g', data })))
        await holder.queuePull({ pk, strict: true, ttlSeconds: 3600 })
        for (let i = 0; i < 600; i++) {
          await other.queuePull({ pk, strict: true })
          await other.runtime.sleep(100)
        }
        // A minute: two looks a second, and a few early ones.
        expect(rows).toBeLessThan(140)
      })
    })
  })

  test('a delayed message waits for one behind it, also where this process has not seen that', async () => {
    const { world, open } = setUp()
    await world.run(async () => {
      const [producer, other, late] = [open(), open(), open()]
      const strict = { pk, strict: true }
      // For this one it is time before it reads the whole queue again.
      ;(late.runtime as SimulatedRuntime).stepClock(100)
      await producer.queuePush({ pk, group: 'g', data: 1, delaySeconds: 1 })
      await late.queuePull(strict)
      await producer.queuePush({ pk, group: 'g', data: 2 })
      const held = (await other.queuePull(strict)).item!
      expect(held.data).toBe(2)
      await late.runtime.sleep(950)
      expect((await late.queuePull(strict)).item).toBeUndefined()
    })
  })

  test('what a slow clock puts in front of what is known is seen before what is new', async () => {
    const { world, open } = setUp()
    await world.run(async () => {
      const [ahead, slow, one, two] = [open(), open(), open(), open()]
      ;(slow.runtime as SimulatedRuntime).stepClock(-500)
      const strict = { pk, strict: true }
      await ahead.queuePush({ pk, group: 'a', data: 0 })
      expect((await two.queuePull(strict)).item?.data).toBe(0)
      await slow.queuePush({ pk, group: 'g', data: 1 })
      expect((await one.queuePull(strict)).item?.data).toBe(1)
      await slow.runtime.sleep(600)
      await slow.queuePush({ pk, group: 'g', data: 2 })
      expect((await two.queuePull(strict)).item).toBeUndefined()
    })
  })

  test('reads a backlog once, not with every pull', async () => {
    const { world, open } = setUp()
    await world.run(async () => {
      const producer = open()
      const item = (i: number) => ({ pk, group: `g${i % 3}`, data: i })
      await producer.queuePush(Array.from({ length: 300 }, (_, i) => item(i)))
      let rows = 0
      const db = open((storage) => ({
        ...storage,
        page: async (range, options) => {
          const page = await storage.page(range, options)
          rows += page.rows.length
          return page
        },
      }))
      for (let i = 0; i < 100; i++) {
        const { items } = await db.queuePullMany({ pk, strict: true, limit: 10 })
        expect(items).toHaveLength(3)
        for (const one of items) await db.queueAcknowledge(one)
      }
      expect(rows).toBeLessThan(900)
    })
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
  test('by release, with the reason; fenced as every act of a holder', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush({ pk, data: 1 })
    const { item } = await db.queuePull({ pk })
    await db.queueRelease(item!, { deadLetter: 'graves', reason: 'no use' })
    expect((await db.queuePeek({ pk: 'graves' }))[0]?.deadLetter).toMatchObject({
      from: pk,
      reason: 'no use',
    })
    await expect(db.queueRelease(item!, { deadLetter: 'graves' })).rejects.toMatchObject({
      code: 'StaleReceipt',
    })
  })

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
