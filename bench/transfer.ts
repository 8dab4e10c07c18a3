import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { AtomicEngine } from '../src/engine/engine.ts'
import { RaceCondition } from '../src/errors.ts'
import type { AtomicDbInterface } from '../src/interface.ts'
import { SimulatedServer } from '../src/testing/sim/server.ts'
import { Simulation } from '../src/testing/sim/simulation.ts'
import { transaction } from '../src/transactions/index.ts'
import { lockOnlyTransaction } from '../test/simulation/planted/lock-only.ts'
import { type Answered, noneAgain, untilAnswered } from './lib/answered.ts'
import { type Spread, spread, throughput } from './lib/measure.ts'
import { makeClient } from './lib/sdk.ts'
import { progress } from './lib/terminal.ts'

interface Account {
  balance: number
}

type Name = keyof typeof ways
/** Committed a second, of one round. */
type Round = Record<Name, number>

export interface Transfers {
  /** Compared by values, with and without locks, and as it was once, by locks alone: committed a second. */
  local: Record<Name, Spread>
  /** In simulated time, 1 to 5 ms each way: no load of this machine is in it. */
  simulated: Record<Name, Spread>
  /** Round by round: by values, how many times as many as by locks alone. */
  times: { local: Spread; simulated: Spread }
  /** What is missing from the accounts, or too much, over all rounds. */
  lost: number
  again: Answered
}

export interface TransferOptions {
  clients: number
  rounds: number
  /** Of one way in one round on DynamoDB Local, ms. */
  sliceMs: number
  /** Of one way in one round in simulated time, ms. */
  simulatedMs: number
}

const accounts = ['a', 'b'].map((sk) => ({ pk: 'transfer', sk }))
const each = 1e9

const ways = {
  values: (db: AtomicDbInterface, client: number) => transfer(db, client, transaction),
  withoutLocks: (db: AtomicDbInterface, client: number) =>
    transfer(db, client, transaction, { locks: false }),
  lockOnly: (db: AtomicDbInterface, client: number) => transfer(db, client, lockOnlyTransaction),
}
const names = Object.keys(ways) as Name[]

/** Once, to or fro; whoever gives up after 10 attempts begins anew, at most so often. */
const mostBegun = 1000

async function transfer(db: AtomicDbInterface, client: number, run: typeof transaction, options = {}) {
  const [from, to] = client % 2 === 0 ? accounts : accounts.toReversed()
  for (let begun = 1; ; begun++) {
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
      if (!(error instanceof RaceCondition) || begun >= mostBegun) throw error
    }
  }
}

const start = (db: AtomicDbInterface) => db.set(accounts.map((key) => ({ ...key, data: { balance: each } })))

async function lostIn(db: AtomicDbInterface): Promise<number> {
  const items = await db.getMany<Account>(accounts)
  return Math.abs(items.reduce((sum, item) => sum + item!.data.balance - each, 0))
}

/** Money goes to and fro between two hot accounts. In each round every way has its turn, in another order. */
export async function transfers(
  endpoint: string,
  table: string,
  options: TransferOptions,
): Promise<Transfers> {
  const client = makeClient(endpoint)
  const db = new AtomicDynamoDB(client, table)
  const again = noneAgain()
  const onLocal = (name: Name, ms: number) =>
    throughput(options.clients, ms, (n) => untilAnswered(again, () => ways[name](db, n)))
  await start(db)
  for (const name of names) await onLocal(name, options.sliceMs / 2)
  const local: Round[] = []
  const simulated: Round[] = []
  let lost = 0
  for (let round = 0; round < options.rounds; round++) {
    progress(`atomic: transfers, round ${round + 1} of ${options.rounds}`)
    const here = {} as Round
    const there = {} as Round
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length]!
      here[name] = await onLocal(name, options.sliceMs)
      const run = await inSimulation(ways[name], { ...options, seed: round + 1 })
      there[name] = run.rate
      lost += run.lost
    }
    local.push(here)
    simulated.push(there)
  }
  lost += await lostIn(db)
  client.destroy()
  return {
    local: spreads(local),
    simulated: spreads(simulated),
    times: { local: timesAsMany(local), simulated: timesAsMany(simulated) },
    lost,
    again,
  }
}

const spreads = (rounds: readonly Round[]): Record<Name, Spread> =>
  Object.fromEntries(names.map((name) => [name, spread(rounds.map((round) => round[name]))])) as Record<
    Name,
    Spread
  >

const timesAsMany = (rounds: readonly Round[]): Spread =>
  spread(rounds.map(({ values, lockOnly }) => values / lockOnly))

async function inSimulation(
  way: (typeof ways)[Name],
  { clients, simulatedMs, seed }: TransferOptions & { seed: number },
): Promise<{ rate: number; lost: number }> {
  const world = new Simulation({ seed })
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
      while (world.time < simulatedMs) {
        await way(own, n)
        if (world.time < simulatedMs) done++
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, n) => live(n)))
    return { rate: (done * 1000) / simulatedMs, lost: await lostIn(db) }
  })
}
