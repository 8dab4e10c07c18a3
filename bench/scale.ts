import { AtomicEngine } from '../src/engine/engine.ts'
import type { AtomicDbInterface } from '../src/interface.ts'
import { SimulatedServer } from '../src/testing/sim/server.ts'
import { Simulation } from '../src/testing/sim/simulation.ts'
import { transaction } from '../src/transactions/index.ts'
import { limited, readsPerSecond, writesPerSecond } from './lib/limited.ts'
import type { BenchOptions } from './lib/options.ts'
import type { Section } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'

interface Feature {
  name: string
  /** Successes a second that the units of one partition key allow. */
  paper: number
  limit: string
  prepare?: (db: AtomicDbInterface) => Promise<unknown>
  work: (db: AtomicDbInterface, client: number) => Promise<number>
}

const pk = 'one'
const one = async (work: Promise<unknown>) => {
  await work
  return 1
}
const features: Feature[] = [
  { name: 'get, strong', paper: 3000, limit: '1 RRU', work: (db, n) => one(db.get({ pk, sk: `i${n}` })) },
  {
    name: 'get, consistent: false',
    paper: 6000,
    limit: '0.5 RRU',
    work: (db, n) => one(db.get({ pk, sk: `i${n}` }, { consistent: false })),
  },
  {
    name: 'update of one hot row',
    paper: 1000,
    limit: '1 WRU',
    prepare: (db) => db.set({ pk, sk: 'hot', data: { n: 0 } }),
    work: (db) => one(db.update({ pk, sk: 'hot' }, { add: { n: 1 } })),
  },
  {
    name: 'getLock + setAtomic, a lock per client, one partition key',
    paper: 250,
    limit: '4 WRU',
    work: async (db, n) => {
      const lock = await db.getLock({ pk, sk: `i${n}#lock` })
      await db.setAtomic({ pk, sk: `i${n}`, data: n }, lock)
      return 1
    },
  },
  {
    name: 'getLock + setAtomic, one lock for all',
    paper: 250,
    limit: '4 WRU, and the failed attempts',
    work: async (db, n) => {
      const lock = await db.getLock({ pk, sk: 'all#lock' })
      return db.setAtomic({ pk, sk: `i${n}`, data: n }, lock).then(
        () => 1,
        () => 0,
      )
    },
  },
  {
    name: 'transaction(): read 1, write 1, rows of its own',
    paper: 250,
    limit: '4 WRU',
    work: (db, n) =>
      one(
        transaction(db, async (tx) => {
          await tx.get({ pk, sk: `i${n}` })
          tx.set({ pk, sk: `i${n}`, data: n })
        }),
      ),
  },
  {
    name: 'queue: push, pull, acknowledge on one queue',
    paper: 333,
    limit: '3 WRU',
    work: async (db) => {
      await db.queuePush({ pk: 'queue', data: 1 })
      const { item } = await db.queuePull({ pk: 'queue' })
      if (!item) return 0
      await db.queueAcknowledge(item)
      return 1
    },
  },
]

/** The figures of docs/scale.md against the engine on a simulated table that takes just the documented limits. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const clients = tiny ? 8 : 64
  const seconds = tiny ? 0.3 : 5
  const rows: (string | number)[][] = []
  let above = 0
  for (const feature of features) {
    progress(`scale: ${feature.name}`)
    const rate = await simulated(feature, clients, seconds)
    // The clock starts with empty hands: a request in flight at the end is the error of the measurement.
    if (rate > feature.paper * (tiny ? 1.5 : 1.05)) above++
    rows.push([
      feature.name,
      feature.limit,
      feature.paper,
      Math.round(rate),
      `${Math.round((100 * rate) / feature.paper)} %`,
    ])
  }
  return {
    id: 'scale',
    title: 'What one partition key takes: on paper, and simulated',
    settings: {
      clients,
      'simulated seconds': seconds,
      latency: '1 to 5 ms each way',
      seed: 1,
      limits: `${number(writesPerSecond)} WRU and ${number(readsPerSecond)} RRU a second`,
    },
    targets: [
      {
        what: 'features that take more than the paper says',
        target: '0',
        value: String(above),
        met: above === 0,
      },
    ],
    tables: [
      {
        title: 'Successes a second, small rows',
        columns: ['feature', 'limited by', 'on paper', `simulated, ${clients} clients`, 'of the paper'],
        rows,
      },
    ],
    charts: [],
    notes: [
      'The real engine in simulated time, on a table whose partition keys take the documented units and no more; throttling is taken as waiting. Conflicts between transactions in flight, which the service adds, are not part of it.',
    ],
  }
}

async function simulated(feature: Feature, clients: number, seconds: number): Promise<number> {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world)
  const free = new Map<string, number>()
  const open = () => {
    const process = world.process()
    return new AtomicEngine(limited(server.connect(process), process, free), { runtime: process })
  }
  let done = 0
  await world.run(async () => {
    await feature.prepare?.(open())
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        const db = open()
        while (world.time < seconds * 1000) {
          const success = await feature.work(db, client)
          if (world.time <= seconds * 1000) done += success
        }
      }),
    )
  })
  return done / seconds
}
