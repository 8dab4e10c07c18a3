import { AtomicEngine } from '../../../src/backend/index.ts'
import { QueueWorker, type QueueWorkerOptions } from '../../../src/index.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

/** A soak of one worker: many messages in simulated time, and what it keeps of them. */

const pk = 'jobs'
const collect = (globalThis as { gc?: () => void }).gc

/** Bytes of the heap after a full collection. */
async function heap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

export interface Growth {
  messages: number
  /** Least squares over the samples of the second half. */
  bytesPerMessage: number
  samples: { messages: number; bytes: number }[]
}

/** Bytes that each message leaves behind in the process. Needs `--expose-gc`. */
export async function memoryOf(messages: number, options: Partial<QueueWorkerOptions> = {}): Promise<Growth> {
  if (!collect) throw new Error('start node with --expose-gc')
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world, { latencyMs: [1, 2] })
  const samples: Growth['samples'] = []
  await world.run(async () => {
    const consumer = world.process()
    const db = new AtomicEngine(server.connect(consumer), { runtime: consumer })
    let done = 0
    const worker = new QueueWorker(db, () => {}, {
      pk,
      concurrency: 4,
      prefetch: 4,
      idleMs: [1, 5],
      ...options,
      onEvent: ({ type }) => {
        if (type === 'done') done++
      },
    })
    const step = 500
    for (let pushed = 0; pushed < messages; ) {
      await db.queuePush(Array.from({ length: step }, (_, i) => ({ pk, data: i })))
      pushed += step
      while (done < pushed) await consumer.sleep(20)
      if (pushed % Math.ceil(messages / 20) < step) samples.push({ messages: done, bytes: await heap() })
    }
    await worker.stop()
  })
  return { messages, bytesPerMessage: slope(samples.slice(samples.length / 2)), samples }
}

function slope(samples: Growth['samples']): number {
  const mean = (of: (one: Growth['samples'][number]) => number) =>
    samples.reduce((sum, one) => sum + of(one), 0) / samples.length
  const x = mean(({ messages }) => messages)
  const y = mean(({ bytes }) => bytes)
  const top = samples.reduce((sum, one) => sum + (one.messages - x) * (one.bytes - y), 0)
  return top / samples.reduce((sum, one) => sum + (one.messages - x) ** 2, 0)
}

export interface Outage {
  seconds: number
  kills: number
  handled: number
  /** Dead letters. */
  buried: number
  left: number
}

/** A downstream that is away, with default settings; the worker's process is killed several times meanwhile. */
export async function outageOf(seconds: number, messages: number, kills: number, seed = 1): Promise<Outage> {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1, 3] })
  const handled = new Set<number>()
  return world.run(async () => {
    const observer = world.process()
    const db = new AtomicEngine(server.connect(observer), { runtime: observer })
    await db.queuePush(Array.from({ length: messages }, (_, data) => ({ pk, data })))
    const back = world.time + seconds * 1000
    const begin = () => {
      const consumer = world.process()
      const own = new AtomicEngine(server.connect(consumer), { runtime: consumer })
      const worker = new QueueWorker<number>(
        own,
        ({ data }) => {
          if (world.time < back) throw new Error('503')
          handled.add(data)
        },
        { pk, concurrency: 10 },
      )
      return { consumer, worker }
    }
    let { consumer, worker } = begin()
    for (let kill = 0; kill < kills; kill++) {
      await observer.sleep((seconds * 1000) / (kills + 1))
      consumer.crash()
      ;({ consumer, worker } = begin())
    }
    while (world.time < back) await observer.sleep(1000)
    for (let i = 0; i < 1800 && handled.size < messages; i++) await observer.sleep(1000)
    await worker.stop()
    const { ready, delayed, inFlight, dead } = await db.queueStats(pk)
    return { seconds, kills, handled: handled.size, buried: dead, left: ready + delayed + inFlight }
  })
}
