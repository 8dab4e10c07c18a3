import { AtomicEngine } from '../../src/engine/engine.ts'
import type { Storage } from '../../src/storage.ts'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../src/testing/sim/simulation.ts'
import { QueueWorker } from '../../src/worker/index.ts'
import { counted, noCount } from './counted.ts'
import { limited } from './limited.ts'

const pk = 'q'

/** Claims the first message that can be given out, always: what most queues on DynamoDB do. */
function headClaimer(storage: Storage, process: SimulatedRuntime, ids: { next: number }) {
  return async () => {
    let after: string | undefined
    for (;;) {
      const page = await storage.page({ pk, after, limit: 64 }, { consistent: true })
      const head = page.rows.find((row) => !((row.due as number) > process.now()))
      if (!head) {
        if (page.next === undefined) return []
        after = page.next
        continue
      }
      const key = { pk, sk: head.sk }
      const receipt = `h${ids.next++}`
      const { applied } = await storage.apply(
        {
          op: 'update',
          key,
          changes: [
            { op: 'set', path: ['r'], value: receipt },
            { op: 'set', path: ['due'], value: process.now() + 300_000 },
          ],
          guard: {
            op: 'and',
            of: [
              { op: 'exists', path: ['n'] },
              { op: 'absent', path: ['due'] },
            ],
          },
        },
        {},
      )
      if (applied) return [{ ...key, receipt, data: head.data as number }]
      after = undefined
    }
  }
}

export interface Contention {
  seed: number
  consumers: number
  /** Mean of the exponential time that a message takes, ms. */
  work: number
  way: 'head' | 'pull' | 'pull many' | 'workers' | 'workers, prefetch'
  messages: number
}

export interface Contended {
  perSecond: number
  failed: number
  displaced: number
  rru: number
  wru: number
}

/** Consumers that empty a queue against one another; a request takes 3 to 7 ms. Figures per message. */
export async function contend({ seed, consumers, work, way, messages }: Contention): Promise<Contended> {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const count = noCount()
  const ids = { next: 0 }
  const open = () => {
    const process = world.process()
    const storage = counted(server.connect(process), count)
    return { storage, process, db: new AtomicEngine(storage, { runtime: process }) }
  }
  const order: number[] = []
  const worked = (process: SimulatedRuntime) =>
    work > 0 ? process.sleep(-Math.log(1 - process.random()) * work) : Promise.resolve()
  const consume = async () => {
    const { db, storage, process } = open()
    const head = headClaimer(storage, process, ids)
    for (;;) {
      const items =
        way === 'head'
          ? await head()
          : (await db.queuePullMany<number>({ pk, limit: way === 'pull many' ? 10 : 1 })).items
      if (items.length === 0) return
      for (const item of items) order.push(item.data)
      for (const item of items) {
        await worked(process)
        await db.queueAcknowledge(item)
      }
    }
  }
  /** Four processes for each sixteen consumers. */
  const employ = async () => {
    let emptied = () => {}
    const all = new Promise<void>((resolve) => {
      emptied = resolve
    })
    const workers = Array.from({ length: consumers / 4 }, () => {
      const { db, process } = open()
      const handler = async ({ data }: { data: number }) => {
        order.push(data)
        await worked(process)
        if (order.length === messages) emptied()
      }
      const prefetch = way === 'workers, prefetch' ? 4 : 0
      return new QueueWorker<number>(db, handler, { pk, concurrency: 4, prefetch, idleMs: [20, 100] })
    })
    await all
    for (const worker of workers) await worker.stop()
  }
  return world.run(async () => {
    await open().db.queuePush(Array.from({ length: messages }, (_, data) => ({ pk, data })))
    Object.assign(count, noCount())
    const begun = world.time
    await (way.startsWith('workers') ? employ() : Promise.all(Array.from({ length: consumers }, consume)))
    const seconds = (world.time - begun) / 1000
    const moved = order.reduce((sum, data, at) => sum + Math.abs(data - at), 0)
    return {
      perSecond: messages / seconds,
      failed: count.failed / messages,
      displaced: moved / messages,
      rru: count.rru / messages,
      wru: count.wru / messages,
    }
  })
}

/** What push, pull and acknowledge of one message cost with so many in flight before it; 100 pulls by one client. */
export async function costInFlight(held: number): Promise<{ rru: number; wru: number }> {
  const world = new Simulation({ seed: 7 })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const count = noCount()
  const process = world.process()
  const db = new AtomicEngine(counted(server.connect(process), count), { runtime: process })
  const message = { pk, data: 'x'.repeat(800) }
  return world.run(async () => {
    await db.queuePush(Array.from({ length: held }, () => message))
    for (let left = held; left > 0; left -= 100)
      await db.queuePullMany({ pk, limit: Math.min(100, left), ttlSeconds: 40_000 })
    Object.assign(count, noCount())
    await db.queuePush(Array.from({ length: 100 }, () => message))
    for (let i = 0; i < 100; i++) await db.queueAcknowledge((await db.queuePull({ pk })).item!)
    return { rru: count.rru / 100, wru: count.wru / 100 }
  })
}

export interface Sharded {
  shards: number
  /** How many of them get messages. */
  hot: number
  consumers: number
  seconds: number
}

/**
 * As much as producers can push and consumers take, on a table whose partition keys take 1,000 WRU and 3,000 RRU a
 * second each.
 */
export async function shardedRate({ shards, hot, consumers, seconds }: Sharded): Promise<{
  perSecond: number
  rru: number
  leastShare: number
}> {
  const world = new Simulation({ seed: 3 })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const free = new Map<string, number>()
  const count = noCount()
  const open = (counts: boolean) => {
    const process = world.process()
    const storage = limited(server.connect(process), process, free)
    return new AtomicEngine(counts ? counted(storage, count) : storage, { runtime: process })
  }
  const end = seconds * 1000
  const done = new Map<string, number>()
  await world.run(async () => {
    const produce = async (_: unknown, producer: number) => {
      const db = open(false)
      for (let i = producer; world.time < end; i++) {
        const target = shards === 1 ? pk : `${pk}#shard${i % hot}`
        await db.queuePush(Array.from({ length: 25 }, () => ({ pk: target, data: 1 })))
      }
    }
    const consume = async () => {
      const db = open(true)
      while (world.time < end) {
        const options = { pk, limit: 10, shards: shards === 1 ? undefined : shards }
        const { items } = await db.queuePullMany(options)
        // Let the time go on where nothing was asked of the server.
        if (items.length === 0) await db.runtime.sleep(20)
        for (const item of items) {
          await db.queueAcknowledge(item)
          if (world.time <= end) done.set(item.pk, (done.get(item.pk) ?? 0) + 1)
        }
      }
    }
    await Promise.all([
      ...Array.from({ length: Math.max(2, hot) }, produce),
      ...Array.from({ length: consumers }, consume),
    ])
  })
  const all = [...done.values()].reduce((sum, one) => sum + one, 0)
  return {
    perSecond: all / seconds,
    rru: count.rru / all,
    leastShare: done.size < hot ? 0 : Math.min(...done.values()) / (all / hot),
  }
}
