import { QueueWorker, type QueueWorkerEvent } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'

const pk = 'jobs'

async function simulated(
  body: (
    open: () => AtomicEngine,
    events: QueueWorkerEvent[],
    seen: (event: QueueWorkerEvent) => void,
  ) => Promise<void>,
) {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world, { latencyMs: [1, 4] })
  const open = () => {
    const process = world.process()
    return new AtomicEngine(server.connect(process), { runtime: process })
  }
  const events: QueueWorkerEvent[] = []
  await world.run(() => body(open, events, (event) => events.push(event)))
}

const items = (count: number) => Array.from({ length: count }, (_, data) => ({ pk, data }))

test('claims ahead, handles no more at once than it may, in order', () =>
  simulated(async (open, _events, onEvent) => {
    const db = open()
    await db.queuePush(items(30))
    const order: number[] = []
    let inside = 0
    let most = 0
    let claimed = 0
    const worker = new QueueWorker<number>(
      db,
      async ({ data }) => {
        order.push(data)
        most = Math.max(most, ++inside)
        claimed = Math.max(claimed, (await open().queueStats(pk)).inFlight)
        await db.runtime.sleep(50)
        inside--
      },
      { pk, concurrency: 2, prefetch: 3, onEvent },
    )
    while (order.length < 30) await db.runtime.sleep(20)
    await worker.stop()
    expect(most).toBe(2)
    expect(claimed).toBeGreaterThan(2)
    expect(claimed).toBeLessThanOrEqual(5 + 1)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect((await db.queueStats(pk)).inFlight).toBe(0)
  }))

test('a long handler: what waits is kept, and handled once', () =>
  simulated(async (open, events, onEvent) => {
    const db = open()
    await db.queuePush(items(4))
    const handled: number[] = []
    const worker = new QueueWorker<number>(
      db,
      async ({ data }) => {
        handled.push(data)
        if (data === 0) await db.runtime.sleep(60_000)
      },
      { pk, prefetch: 3, visibilitySeconds: 5, onEvent },
    )
    await db.runtime.sleep(40_000)
    expect((await open().queuePull({ pk })).item).toBeUndefined()
    while (handled.length < 4) await db.runtime.sleep(100)
    await worker.stop()
    expect(handled).toEqual([0, 1, 2, 3])
    expect(events.filter(({ type }) => type === 'lost')).toEqual([])
  }))

test('stop releases what waits at once, and finishes what is handled', () =>
  simulated(async (open, events, onEvent) => {
    const db = open()
    await db.queuePush(items(4))
    const worker = new QueueWorker<number>(db, () => db.runtime.sleep(10_000), { pk, prefetch: 3, onEvent })
    while (worker.running < 1) await db.runtime.sleep(10)
    await db.runtime.sleep(100)
    const stopping = worker.stop()
    await db.runtime.sleep(50)
    const other = open()
    const { items: back } = await other.queuePullMany<number>({ pk, limit: 10 })
    expect(back.map(({ data }) => data)).toEqual([1, 2, 3])
    await stopping
    const types = events.map(({ type }) => type)
    expect(types.filter((type) => type === 'released')).toHaveLength(3)
    expect(types.filter((type) => type === 'done')).toHaveLength(1)
    expect(worker.running).toBe(0)
  }))

test('what is lost while it waits is not handled', () =>
  simulated(async (open, events, onEvent) => {
    const db = open()
    await db.queuePush(items(2))
    const handled: number[] = []
    const worker = new QueueWorker<number>(
      db,
      async ({ data }) => {
        handled.push(data)
        await db.runtime.sleep(10_000)
      },
      { pk, prefetch: 1, visibilitySeconds: 4, onEvent },
    )
    await db.runtime.sleep(200)
    const [, waiting] = await db.queuePeek({ pk })
    await open().queueAcknowledge({ pk, sk: waiting!.sk })
    await db.runtime.sleep(15_000)
    await worker.stop()
    expect(handled).toEqual([0])
    expect(
      events.some(({ type, ...rest }) => type === 'lost' && 'item' in rest && rest.item.data === 1),
    ).toBe(true)
  }))

test('bad input', async () => {
  await simulated(async (open) => {
    for (const prefetch of [-1, 0.5, Number.NaN])
      expect(() => new QueueWorker(open(), () => {}, { pk, prefetch })).toThrow(/prefetch/)
  })
})
