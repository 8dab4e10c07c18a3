import { encodeTime, monotonicFactory } from 'ulid'
import { AtomicEngine } from '../../src/engine/engine.ts'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { QueueWorker } from '../../src/worker/index.ts'
import { counted, noCount } from './counted.ts'

const pk = 'q'
const hourMs = 3_600_000

function setUp(seed: number) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const ulid = monotonicFactory(() => world.random.next())
  const open = () => {
    const process = world.process()
    const count = noCount()
    return {
      process,
      count,
      db: new AtomicEngine(counted(server.connect(process), count), { runtime: process }),
    }
  }
  /** A push of another machine: nothing wakes the workers of this one. */
  const pushElsewhere = (data: number) =>
    server.storage.write([{ put: { pk, sk: ulid(Math.floor(world.startAt + world.time)), n: 0, data } }])
  return { world, server, open, pushElsewhere, ulid }
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0

/** Messages of other machines at a steady rate. Units beside the push, per message; latency to the handler, ms. */
export async function steady(
  rate: number,
  processes: number,
  concurrency: number,
  work: number,
  seconds: number,
): Promise<{ rru: number; wru: number; median: number }> {
  const { world, open, pushElsewhere } = setUp(1)
  return world.run(async () => {
    const producer = open().process
    const consumers = Array.from({ length: processes }, open)
    const taken: number[] = []
    let counts = false
    const workers = consumers.map(
      ({ db, process }) =>
        new QueueWorker<number>(
          db,
          async ({ data }) => {
            if (counts) taken.push(world.time - data)
            await process.sleep(work)
          },
          { pk, concurrency },
        ),
    )
    const produce = async (ms: number) => {
      for (const end = world.time + ms; world.time < end; ) {
        await producer.sleep((-Math.log(1 - producer.random()) * 1000) / rate)
        await pushElsewhere(world.time)
      }
    }
    await produce(10_000)
    counts = true
    for (const { count } of consumers) Object.assign(count, noCount())
    await produce(seconds * 1000)
    const sum = (name: 'rru' | 'wru') => consumers.reduce((all, { count }) => all + count[name], 0)
    const found = { rru: sum('rru') / taken.length, wru: sum('wru') / taken.length }
    for (const worker of workers) await worker.stop()
    return {
      ...found,
      median: at(
        taken.toSorted((a, b) => a - b),
        0.5,
      ),
    }
  })
}

/** What an idle worker reads in an hour beside so many scheduled messages, and how late those come that fall due, ms. */
export async function scheduledBacklog(
  backlog: number,
  due: number,
): Promise<{ rru: number; median: number; p99: number }> {
  const { world, server, open, ulid } = setUp(1)
  return world.run(async () => {
    const consumer = open()
    const producer = open()
    const later = world.startAt + 30 * 24 * hourMs
    if (backlog > 0) await producer.db.queuePush({ pk, data: 0, at: later })
    for (let i = 0; i < backlog; ) {
      const rows = Array.from({ length: Math.min(10_000, backlog - i) }, () => {
        const time = Math.floor(later + i++ * 100)
        const sk = encodeTime(time) + ulid().slice(10)
        return { put: { pk: `${pk}#scheduled`, sk, n: 0, due: time, enq: 1, data: 'x'.repeat(200) } }
      })
      await server.storage.write(rows)
    }
    const late: number[] = []
    const worker = new QueueWorker<number>(
      consumer.db,
      ({ data }) => late.push(world.startAt + world.time - data),
      { pk, concurrency: 4 },
    )
    await consumer.process.sleep(60_000)
    consumer.count.rru = 0
    await consumer.process.sleep(hourMs / 2)
    const rru = consumer.count.rru * 2
    for (let i = 0; i < due; i++) {
      await producer.process.sleep(1000)
      const time = Math.floor(producer.process.now() + 30_000 + producer.process.random() * 60_000)
      await producer.db.queuePush({ pk, data: time, at: time })
    }
    await producer.process.sleep(120_000)
    await worker.stop()
    late.sort((a, b) => a - b)
    return { rru, median: at(late, 0.5), p99: at(late, 0.99) }
  })
}

/** What one reading of the numbers costs over a backlog of messages of 0.85 KB, and what it says. */
export async function numbersOver(
  backlog: number,
  dead: number,
): Promise<{ strong: number; eventual: number; requests: number; ready: number; isExact: boolean }> {
  const { world, server, open, ulid } = setUp(1)
  return world.run(async () => {
    const { db, count } = open()
    const data = 'x'.repeat(800)
    const fill = async (pk: string, rows: number, keyOf: (i: number) => string, more: object = {}) => {
      for (let i = 0; i < rows; ) {
        const puts = Array.from({ length: Math.min(10_000, rows - i) }, () => ({
          put: { pk, sk: keyOf(i++), n: 0, data, ...more },
        }))
        await server.storage.write(puts)
      }
    }
    await fill(pk, backlog, (i) => ulid(Math.floor(world.startAt - backlog + i)))
    await fill(`${pk}#dead`, dead, (i) => ulid(Math.floor(world.startAt - dead + i)))
    const due = world.startAt + hourMs
    await fill(`${pk}#scheduled`, dead, (i) => encodeTime(due + i) + ulid().slice(10), { due, enq: 1 })
    const read = async (consistent: boolean) => {
      Object.assign(count, noCount())
      const { ready, oldestIsExact: isExact } = await db.queueStats(pk, { consistent })
      return { rru: count.rru, requests: count.pages, ready, isExact }
    }
    const [strong, eventual] = [await read(true), await read(false)]
    return { ...strong, strong: strong.rru, eventual: eventual.rru }
  })
}
