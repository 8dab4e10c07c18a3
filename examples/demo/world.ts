import { type AtomicDbInterface, AtomicMemoryDb } from 'lockrow'
import { AtomicEngine, type Runtime } from 'lockrow/backend'
import { Random, SimulatedServer, Simulation } from 'lockrow/testing'
import type { Table } from './by-hand.ts'
import { type Dice, diceOf, faultRates } from './dice.ts'
import { retriedTable } from './retried-table.ts'

/** One process of the shop: what it works with, and when it is killed, if ever. */
export interface Process {
  runtime: Runtime
  db: AtomicDbInterface
  table: Table
  killed: Promise<'killed'>
}

/** Where a shop runs: its processes, and the database as it is, without faults. */
export interface World {
  start(): Process
  readonly dice: Dice
  /** Times and waits of the customers. */
  readonly runtime: Runtime
  readonly truth: AtomicDbInterface
  run<T>(main: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A process is killed after this time, on average, ms. */
const lifeMs = 1500

/** The twin behind a simulated network: time is simulated, and the seed decides everything that happens. */
export function twinWorld(seed: string): World {
  const world = new Simulation({ seed })
  const random = new Random(`${seed}: kills`)
  const server = new SimulatedServer(world, { rates: faultRates })
  const runtime = world.process()
  return {
    runtime,
    dice: diceOf(new Random(`${seed}: queue service`)),
    truth: new AtomicEngine(server.storage, { runtime }),
    start() {
      const process = world.process()
      const storage = server.connect(process)
      const killed = new Promise<'killed'>((resolve) => {
        world.schedule(random.between(0.5, 1.5) * lifeMs, () => {
          process.crash()
          resolve('killed')
        })
      })
      return {
        runtime: process,
        db: new AtomicEngine(storage, { runtime: process }),
        table: retriedTable(storage, process),
        killed,
      }
    },
    run: (main) => world.run(main),
    close: async () => {},
  }
}

/** The twin as it is, in real time and without faults, for tests. */
export function calmWorld(): World {
  const db = new AtomicMemoryDb()
  const never = new Promise<'killed'>(() => {})
  return {
    runtime: db.runtime,
    dice: { latencyMs: () => 0, fault: () => undefined },
    truth: db,
    start: () => ({
      runtime: db.runtime,
      db,
      table: {
        get: (key) => db.get(key),
        put: async (item) => {
          await db.set(item)
        },
      },
      killed: never,
    }),
    run: (main) => main(),
    close: async () => {},
  }
}
