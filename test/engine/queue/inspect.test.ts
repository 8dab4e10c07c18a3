import { AtomicMemoryDb, shardsOf } from 'lockrow'
import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

const pk = 'q'

/** Notes how many rows each read asks for. */
class Noted extends MemoryStorage {
  readonly limits: (number | undefined)[] = []
  override page(...given: Parameters<MemoryStorage['page']>) {
    this.limits.push(given[0].limit)
    return super.page(...given)
  }
}

test('a look reads as much as it may show, from each shard, and shows the first ones of all', async () => {
  const storage = new Noted(systemRuntime)
  const db = new AtomicEngine(storage)
  await db.queuePush(
    Array.from({ length: 30 }, (_, data) => ({ pk, data, group: `g${data % 7}` })),
    { shards: 3 },
  )
  await db.queuePush(Array.from({ length: 30 }, (_, data) => ({ pk, data })))
  const dataOf = async (options: object) => (await db.queuePeek({ pk, ...options })).map(({ data }) => data)
  storage.limits.length = 0
  expect(await dataOf({})).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  // The last one reads what is due later.
  expect(storage.limits).toEqual([10, 10])
  storage.limits.length = 0
  expect(await dataOf({ shards: 3, limit: 4 })).toEqual([0, 1, 2, 3])
  expect(storage.limits).toEqual([4, 4, 4, 4])
  storage.limits.length = 0
  expect(await dataOf({ limit: 5000 })).toHaveLength(30)
  expect(storage.limits[0]).toBe(1000)
  const [first, second] = await db.queuePeek({ pk, limit: 2 })
  expect(await dataOf({ limit: 2, after: first!.sk })).toEqual([1, 2])
  expect(await dataOf({ limit: 1, after: second!.sk })).toEqual([2])
})

test('a look goes on behind messages that have expired', async () => {
  const world = new Simulation({ seed: 1 })
  const db = new AtomicMemoryDb({ runtime: world.process() })
  await world.run(async () => {
    const ttl = Math.floor(db.runtime.now() / 1000) + 5
    await db.queuePush([1, 2, 3, 4, 5].map((data) => ({ pk, data, ...(data < 4 && { ttl }) })))
    await db.runtime.sleep(6000)
    expect((await db.queuePeek({ pk, limit: 2 })).map(({ data }) => data)).toEqual([4, 5])
    expect((await db.queueStats(pk)).ready).toBe(2)
  })
})

test('counts by state, and how long the oldest one can have been received', async () => {
  const world = new Simulation({ seed: 1 })
  const db = new AtomicMemoryDb({ runtime: world.process() })
  await world.run(async () => {
    await db.queuePush({ pk, sk: 'a', data: 1 })
    await db.queuePush({ pk, sk: 'b', data: 2, delaySeconds: 100 })
    await db.runtime.sleep(40_000)
    const stats = () => db.queueStats(pk)
    expect(await stats()).toMatchObject({ ready: 1, inFlight: 0, delayed: 1, dead: 0, oldestAgeSeconds: 40 })
    const { item } = await db.queuePull({ pk })
    await db.runtime.sleep(20_000)
    // Since it was received first: when it could be is not known any more.
    expect(await stats()).toMatchObject({ ready: 0, inFlight: 1, delayed: 1, dead: 0, oldestAgeSeconds: 20 })
    await db.queueRelease(item!, { deadLetter: 'graves' })
    expect(await stats()).toMatchObject({ ready: 0, inFlight: 0, delayed: 1, dead: 0, oldestAgeSeconds: 0 })
    expect((await db.queueStats(pk, { deadLetter: 'graves' })).dead).toBe(1)
    await db.runtime.sleep(45_000)
    // Since its delay has passed.
    expect(await stats()).toMatchObject({ ready: 1, inFlight: 0, delayed: 0, dead: 0, oldestAgeSeconds: 5 })
  })
})

test('purges so many of the first ones, over all shards, with their payloads', async () => {
  const db = new AtomicMemoryDb()
  const queues = shardsOf(pk, 2)
  const fill = () =>
    db.queuePush(
      queues.flatMap((queue) =>
        [1, 2, 3].map((data) => ({ pk: queue, sk: `${data}`, data: `${data}`.repeat(99) })),
      ),
      { payloadThreshold: 50 },
    )
  await fill()
  expect(await db.queuePurge(pk, { shards: 2, limit: 4 })).toBe(4)
  const left = await db.queuePeek({ pk, shards: 2 })
  expect(left.map(({ pk: queue, sk }) => [queue, sk])).toEqual([
    [queues[1], '2'],
    [queues[1], '3'],
  ])
  expect(await db.queuePurge(pk, { shards: 2 })).toBe(2)
  expect(await db.queuePurge(pk, { shards: 2 })).toBe(0)
  await expect(db.queuePurge(pk, { limit: 0 })).rejects.toMatchObject({
    code: 'InvalidInput',
    field: 'limit',
  })
  await expect(db.queuePeek({ pk, limit: 0 })).rejects.toMatchObject({ code: 'InvalidInput', field: 'limit' })
  await expect(db.queuePeek({ pk, after: '' })).rejects.toMatchObject({
    code: 'InvalidInput',
    field: 'after',
  })
})
