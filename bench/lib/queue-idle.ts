import { AtomicEngine } from '../../src/engine/engine.ts'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { QueueWorker } from '../../src/worker/index.ts'
import { counted, noCount } from './counted.ts'

/** What is waited for: a queue, one with shards, or a family of queues. */
export interface Waiting {
  options: { pk: string; shards?: number } | { family: string }
  /** How many shards or queues had a message at first. */
  places: number
  /** How many messages come one by one when the worker is idle. */
  messages: number
}

export interface Waited {
  /** RRU in the hour after the first one, which began with a message in every place. */
  rruAnHour: number
  /** From a push by another process to the handler, ms. */
  mean: number
  p99: number
}

const hourMs = 3_600_000

/** An idle worker: what its second hour costs, and how soon it finds what another process pushes. */
export async function idleWorker({ options, places, messages }: Waiting): Promise<Waited> {
  const world = new Simulation({ seed: 11 })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const count = noCount()
  const [producer, consumer] = [world.process(), world.process()]
  const db = new AtomicEngine(server.connect(producer), { runtime: producer })
  const consuming = new AtomicEngine(counted(server.connect(consumer), count), { runtime: consumer })
  const waits: number[] = []
  const item = (i: number) => {
    if ('family' in options) return { pk: `${options.family}${i}`, family: options.family }
    return { pk: options.shards === undefined ? options.pk : `${options.pk}#shard${i}` }
  }
  return world.run(async () => {
    await db.queuePush(Array.from({ length: places }, (_, i) => ({ ...item(i), data: world.time })))
    const worker = new QueueWorker<number>(consuming, ({ data }) => waits.push(world.time - data), {
      ...options,
      concurrency: 100,
    })
    await producer.sleep(1.5 * hourMs)
    Object.assign(count, noCount())
    waits.length = 0
    await producer.sleep(hourMs)
    const rruAnHour = count.rru
    for (let i = 0; i < messages; i++) {
      await db.queuePush({ ...item(Math.floor(producer.random() * places)), data: world.time })
      await producer.sleep(15_000 + producer.random() * 30_000)
    }
    await worker.stop()
    waits.sort((a, b) => a - b)
    const mean = waits.reduce((sum, one) => sum + one, 0) / waits.length
    return { rruAnHour, mean, p99: waits[Math.floor(waits.length * 0.99)]! }
  })
}
