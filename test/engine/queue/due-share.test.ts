import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import type { AtomicDbQueueItemInput } from '../../../src/index.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

const pk = 'jobs'
const shards = 3
const many = (count: number, data: string, more: Partial<AtomicDbQueueItemInput> = {}) =>
  Array.from({ length: count }, () => ({ pk, data, ...more }))

/** Two processes of one table in simulated time; `take` pulls `limit` at a time and says what came, in order. */
function open() {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const join = () => {
    const process = world.process()
    return { process, db: new AtomicEngine(server.connect(process), { runtime: process }) }
  }
  const [producer, consumer] = [join(), join()]
  const pushDue = async (count: number) => {
    const { db, process } = producer
    for (let left = count; left > 0; left -= 25)
      await db.queuePush(many(25, 'due', { delaySeconds: 60 }), { shards })
    await process.sleep(61_000)
  }
  const push = (count: number) => producer.db.queuePush(many(count, 'now'), { shards })
  const take = async (count: number, limit: number) => {
    const { db } = consumer
    const found: unknown[] = []
    while (found.length < count) {
      const { items } = await db.queuePullMany({ pk, shards, limit })
      if (items.length === 0) break
      for (const item of items) await db.queueAcknowledge(item)
      found.push(...items.map(({ data }) => data))
    }
    return found
  }
  return { world, producer, consumer, pushDue, push, take }
}
const share = (found: readonly unknown[], data: string) => found.filter((one) => one === data).length

test.each([1, 3, 10])('what is due and the shards share alike, %i at a time', (limit) => {
  const { world, pushDue, push, take } = open()
  return world.run(async () => {
    await pushDue(100)
    await push(60)
    // The first pulls learn what there is.
    const first = await take(20, limit)
    const found = await take(40, limit)
    expect(share(found, 'now')).toBeGreaterThanOrEqual(15)
    expect(share(found, 'due')).toBeGreaterThanOrEqual(15)
    // What one of them does not use goes to the other.
    const rest = await take(1000, limit)
    expect(first.length + found.length + rest.length).toBe(160)
  })
})

test('what another process pushes to a shard comes while more is due than is pulled', () => {
  const { world, producer, pushDue, push, take } = open()
  return world.run(async () => {
    await pushDue(600)
    expect(share(await take(100, 5), 'now')).toBe(0)
    await push(1)
    await producer.process.sleep(2000)
    expect(share(await take(100, 5), 'now')).toBe(1)
  })
})

test('shards that are empty keep back nothing of what is due', () => {
  const { world, push, pushDue, take } = open()
  return world.run(async () => {
    await push(3)
    expect(await take(3, 1)).toHaveLength(3)
    await pushDue(25)
    for (let i = 0; i < 25; i++) expect(await take(1, 1)).toEqual(['due'])
  })
})
