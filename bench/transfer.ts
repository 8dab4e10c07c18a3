import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { AtomicEngine } from '../src/engine/engine.ts'
import { RaceCondition } from '../src/errors.ts'
import type { AtomicDbInterface } from '../src/interface.ts'
import { SimulatedServer } from '../src/testing/sim/server.ts'
import { Simulation } from '../src/testing/sim/simulation.ts'
import { transaction } from '../src/transactions/index.ts'
import { lockOnlyTransaction } from '../test/proof/planted/lock-only.ts'
import { throughput } from './lib/measure.ts'
import { makeClient } from './lib/sdk.ts'
import { progress } from './lib/terminal.ts'

interface Account {
  balance: number
}

/** Committed a second: compared by values, with and without locks, and as it was once, by locks alone. */
export type Rates = Record<keyof typeof ways, number>

export interface Transfers {
  /** In simulated time, 1 to 5 ms each way: no load of this machine is in it. */
  simulated: Rates
  local: Rates
  /** What is missing from the accounts, or too much. */
  lost: number
}

const accounts = ['a', 'b'].map((sk) => ({ pk: 'transfer', sk }))
const each = 1e9

const ways = {
  values: (db: AtomicDbInterface, client: number) => transfer(db, client, transaction),
  withoutLocks: (db: AtomicDbInterface, client: number) =>
    transfer(db, client, transaction, { locks: false }),
  lockOnly: (db: AtomicDbInterface, client: number) => transfer(db, client, lockOnlyTransaction),
}
const names = Object.keys(ways) as (keyof typeof ways)[]

/** Once, to or fro; whoever gives up after 10 attempts begins anew. */
async function transfer(db: AtomicDbInterface, client: number, run: typeof transaction, options = {}) {
  const [from, to] = client % 2 === 0 ? accounts : accounts.toReversed()
  for (;;) {
    try {
      return await run(
        db,
        async (tx) => {
          const [a, b] = await tx.getMany<Account>([from!, to!])
          tx.set({ ...from!, data: { balance: a!.data.balance - 1 } })
          tx.set({ ...to!, data: { balance: b!.data.balance + 1 } })
        },
        options,
      )
    } catch (error) {
      if (!(error instanceof RaceCondition)) throw error
    }
  }
}

const start = (db: AtomicDbInterface) => db.set(accounts.map((key) => ({ ...key, data: { balance: each } })))

async function lostIn(db: AtomicDbInterface): Promise<number> {
  const items = await db.getMany<Account>(accounts)
  return items.reduce((sum, item) => sum + item!.data.balance - each, 0)
}

/** Money goes to and fro between two hot accounts. */
export async function transfers(
  endpoint: string,
  table: string,
  options: { clients: number; ms: number },
): Promise<Transfers> {
  const client = makeClient(endpoint)
  const db = new AtomicDynamoDB(client, table)
  await start(db)
  const result = { simulated: {}, local: {}, lost: 0 } as Transfers
  for (const name of names) {
    progress(`atomic: transfers, ${name}`)
    result.local[name] = await throughput(options.clients, options.ms, (n) => ways[name](db, n))
    const { rate, lost } = await simulated(ways[name], options.clients, 2 * options.ms)
    result.simulated[name] = rate
    result.lost += Math.abs(lost)
  }
  result.lost += Math.abs(await lostIn(db))
  client.destroy()
  return result
}

async function simulated(way: (typeof ways)['values'], clients: number, ms: number) {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world)
  const join = () => {
    const runtime = world.process()
    return new AtomicEngine(server.connect(runtime), { runtime })
  }
  return world.run(async () => {
    const db = join()
    await start(db)
    let done = 0
    const live = async (n: number) => {
      const own = join()
      while (world.time < ms) {
        await way(own, n)
        if (world.time < ms) done++
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, n) => live(n)))
    return { rate: (done * 1000) / ms, lost: await lostIn(db) }
  })
}
