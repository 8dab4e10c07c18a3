import type { AtomicDbQueueItem } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { describe, expect, it, test } from 'vitest'
import { type Storage, StorageFault } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../../src/testing/sim/simulation.ts'
import { bound } from '../../simulation/defects.ts'

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
      for (const consumer of [db, open()]) expect((await consumer.queuePull(strict)).item).toBeUndefined()
      await db.queueAcknowledge(held)
      expect((await db.queuePull(strict)).item?.data).toBe(1)
    })
  })

  it('a message that somebody else holds by now blocks its group, also for whom its acknowledgement failed', async () => {
    const { world, open } = setUp()
    await world.run(async () => {
      const other = open()
      const strict = { pk, strict: true, ttlSeconds: 2 }
      const slow = open((storage, process) => ({
        ...bound(storage),
        // Lost on its way; the caller hears of it once the message is another's.
        async apply(operation, options) {
          if (operation.op !== 'delete') return storage.apply(operation, options)
          await process.sleep(3000)
          expect((await other.queuePull({ ...strict, ttlSeconds: 60 })).item?.data).toBe(1)
          expect((await slow.queuePull(strict)).item).toBeUndefined()
          throw new StorageFault('unknown', 'the request was lost')
        },
      }))
      await slow.queuePush([1, 2].map((data) => ({ pk, group: 'g', data })))
      const held = (await slow.queuePull(strict)).item!
      await expect(slow.queueAcknowledge(held)).rejects.toMatchObject({ code: 'StaleReceipt' })
      expect((await slow.queuePull(strict)).item).toBeUndefined()
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

  test.each(['one', 'several'])(
    'a delayed message that a fast clock sees earlier holds up those behind it: %s delayed',
    async (count) => {
      const { world, open } = setUp()
      await world.run(async () => {
        const [producer, fast, slow] = [open(), open(), open()]
        const strict = { pk, strict: true }
        ;(fast.runtime as SimulatedRuntime).stepClock(500)
        ;(slow.runtime as SimulatedRuntime).stepClock(-500)
        const delayed = count === 'one' ? [1] : [1, 2, 3]
        await producer.queuePush(delayed.map((data) => ({ pk, group: 'g', data, delaySeconds: 2 })))
        await producer.queuePush({ pk, group: 'g', data: 4 })
        await producer.runtime.sleep(1300)
        // It has just read the whole queue.
        await producer.queuePush({ pk, group: 'other', data: 0 })
        expect((await slow.queuePull({ pk, group: 'other' })).item?.data).toBe(0)
        await producer.runtime.sleep(300)
        const held = (await fast.queuePull(strict)).item!
        expect(held.data).toBe(1)
        expect((await slow.queuePull(strict)).item).toBeUndefined()
        await fast.queueAcknowledge(held)
        expect((await slow.queuePull(strict)).item?.data).toBe(4)
      })
    },
  )

  test('what appears late, and is not given out at once, waits for what was given out meanwhile', async () => {
    const { world, open } = setUp()
    await world.run(async () => {
      const [ahead, slow, blind, sees] = [open(), open(), open(), open()]
      const strict = { pk, strict: true }
      ;(slow.runtime as SimulatedRuntime).stepClock(-5000)
      await slow.queuePush({ pk, group: 'g', data: 1 })
      await ahead.queuePush({ pk, group: 'a', data: 0 })
      const first = (await sees.queuePull(strict)).item!
      expect(first.data).toBe(1)
      expect((await blind.queuePull(strict)).item?.data).toBe(0)
      await ahead.runtime.sleep(1100)
      expect((await blind.queuePull(strict)).item).toBeUndefined()
      // Its key is older than what a look at the end of the queue reads; `sees` reads the whole again.
      await slow.queuePush({ pk, group: 'g', data: 2 })
      expect((await sees.queuePull(strict)).item).toBeUndefined()
      await sees.queueAcknowledge(first)
      await ahead.queuePush({ pk, group: 'g', data: 3 })
      const held = (await blind.queuePull(strict)).item!
      expect(held.data).toBe(3)
      expect((await sees.queuePull(strict)).item).toBeUndefined()
      await blind.queueAcknowledge(held)
      expect((await sees.queuePull(strict)).item?.data).toBe(2)
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

test('a pull of a group that has nothing does not make its shard count as empty', async () => {
  const { world, open } = setUp()
  await world.run(async () => {
    const db = open()
    await db.queuePush({ pk, group: 'a' }, { shards: 1 })
    expect((await db.queuePull({ pk, shards: 1, group: 'b' })).item).toBeUndefined()
    expect((await db.queuePull({ pk, shards: 1 })).item).toBeDefined()
  })
})
