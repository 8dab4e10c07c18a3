import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { AtomicMemoryDb } from '../src/memory/index.ts'
import { withLocal } from './lib/local.ts'
import { costOf, metered } from './lib/meter.ts'
import type { BenchOptions } from './lib/options.ts'
import { idleWorker, type Waiting } from './lib/queue-idle.ts'
import { numbersTable, scheduledTable, steadyTable } from './lib/queue-tables.ts'
import { type Contended, contend, costInFlight, shardedRate } from './lib/queue-world.ts'
import { makeClient } from './lib/sdk.ts'
import type { Section, Table, Target } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'

const to2 = (value: number): number => Number(value.toFixed(2))

/** The queue: units per message, contention, shards, memory. All but memory and DynamoDB Local in simulated time. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const targets: Target[] = []
  const tables = [
    await costs(tiny ? [0, 100] : [0, 100, 10_000], targets),
    await contention(tiny, targets),
    await shards(tiny),
    await waiting(tiny, targets),
    await scheduledTable(tiny, targets),
    await steadyTable(tiny, targets),
    await numbersTable(tiny, targets),
    await memory(tiny ? 20_000 : 10_000_000, targets),
  ]
  return {
    id: 'queue',
    title: 'The queue: units, contention, shards, waiting, numbers, memory',
    settings: { latency: '3 to 7 ms a request, seeded', consumers: 64 },
    tables,
    charts: [
      {
        kind: 'bars',
        title: 'Messages a second, 64 consumers, 50 ms of work each',
        unit: 'a second',
        bars: tables[1]!.rows
          .filter((row) => row[1] === 50)
          .map((row) => ({ name: String(row[0]), value: Number(row[2]) })),
      },
    ],
    targets,
    notes: [
      'By their published code, at 1.2 KB a message: DynamoMQ 12 WRU and up to 37 RRU, the AWS priority-queue sample 12 WRU and about 48 RRU.',
      'The head-claimer reads 64 rows and claims the first free one; it reads again when the claim fails. That is kinder than a filter expression over a whole partition.',
      'With 50 ms of work and three round trips of 5 ms one after another, 64 consumers that call queuePull cannot do more than 64 / 65 ms = 985 messages a second; only a worker that claims ahead overlaps them.',
      'Displacement: mean distance of a message from its place in the exact order, when it was given out.',
    ],
  }
}

async function costs(held: readonly number[], targets: Target[]): Promise<Table> {
  const rows: (string | number)[][] = []
  for (const inFlight of held) {
    progress(`queue: cost with ${inFlight} in flight`)
    const { wru, rru } = await costInFlight(inFlight)
    const local = await costOnLocal(inFlight)
    rows.push([inFlight, to2(wru), to2(rru), to2(local.wru), to2(local.rru), to2(local.requests)])
    for (const [where, cost] of Object.entries({ simulated: { wru, rru }, 'DynamoDB Local': local }))
      targets.push({
        what: `units per message, ${number(inFlight)} in flight, ${where}`,
        target: '3 WRU, about 1 RRU',
        value: `${to2(cost.wru)} WRU, ${to2(cost.rru)} RRU`,
        met: cost.wru <= 3 && cost.rru < 2,
      })
  }
  return {
    title: 'Push, pull and acknowledge one message of 0.9 KB: 100 pulls by one client',
    columns: ['in flight', 'WRU', 'RRU', 'WRU, Local', 'RRU, Local', 'requests, Local'],
    rows,
  }
}

async function costOnLocal(held: number): Promise<{ wru: number; rru: number; requests: number }> {
  return withLocal(async (endpoint, table) => {
    const client = makeClient(endpoint)
    const meter = metered(client)
    const db = new AtomicDynamoDB(client, table)
    const message = { pk: 'q', data: 'x'.repeat(800) }
    await db.queuePush(Array.from({ length: held }, () => message))
    for (let left = held; left > 0; left -= 100)
      await db.queuePullMany({ pk: 'q', limit: Math.min(100, left), ttlSeconds: 40_000 })
    const cost = await costOf(meter, async () => {
      await db.queuePush(Array.from({ length: 100 }, () => message))
      for (let i = 0; i < 100; i++) await db.queueAcknowledge((await db.queuePull({ pk: 'q' })).item!)
    })
    client.destroy()
    return { wru: cost.wru / 100, rru: cost.rru / 100, requests: cost.requests / 100 }
  })
}

const ways = ['head', 'pull', 'pull many', 'workers', 'workers, prefetch'] as const

async function contention(tiny: boolean, targets: Target[]): Promise<Table> {
  const rows: (string | number)[][] = []
  const add = async (way: (typeof ways)[number], consumers: number, work: number) => {
    progress(`queue: ${consumers} consumers, ${way}, ${work} ms of work`)
    const seeds = tiny ? [1] : [1, 2, 3]
    const runs: Contended[] = []
    for (const seed of seeds)
      runs.push(await contend({ seed, consumers, work, way, messages: tiny ? 300 : 4000 }))
    const worst = (name: keyof Contended) => Math.max(...runs.map((run) => run[name]))
    const mean = (name: keyof Contended) => runs.reduce((sum, run) => sum + run[name], 0) / runs.length
    const name = consumers === 1 ? `${way}, one consumer` : way
    rows.push([
      name,
      work,
      Math.round(mean('perSecond')),
      to2(worst('failed')),
      to2(worst('displaced')),
      to2(mean('rru')),
      to2(mean('wru')),
    ])
    return { perSecond: mean('perSecond'), failed: worst('failed'), displaced: worst('displaced') }
  }
  for (const work of [0, 50]) {
    const head = await add('head', 64, work)
    const pull = await add('pull', 64, work)
    const many = await add('pull many', 64, work)
    const workers = await add('workers', 64, work)
    const ahead = await add('workers, prefetch', 64, work)
    const about = `64 consumers, ${work} ms of work`
    const check = (what: string, target: string, value: number, met: boolean) =>
      targets.push({ what: `${about}: ${what}`, target, value: number(value), met })
    const ratio = pull.perSecond / head.perSecond
    check('throughput over the head-claimer, queuePull', 'at least 5', ratio, ratio >= 5)
    const best = ahead.perSecond / head.perSecond
    check('throughput over the head-claimer, QueueWorker with prefetch', 'at least 5', best, best >= 5)
    const most = work === 0 ? 3 : 1
    check('failed claims, queuePull', `at most ${most}`, pull.failed, pull.failed <= most)
    check('displacement, queuePull', 'at most 48', pull.displaced, pull.displaced <= 48)
    check('failed claims, queuePullMany', 'at most 0.5', many.failed, many.failed <= 0.5)
    check('failed claims, QueueWorker', 'at most 0.5', workers.failed, workers.failed <= 0.5)
    check('failed claims, QueueWorker with prefetch', 'at most 0.5', ahead.failed, ahead.failed <= 0.5)
  }
  const alone = await add('pull', 1, 0)
  targets.push({
    what: 'one consumer: failed claims and displacement',
    target: '0 and 0',
    value: `${alone.failed} and ${alone.displaced}`,
    met: alone.failed === 0 && alone.displaced === 0,
  })
  return {
    title:
      'Contention: messages a second, and per message failed claims, displacement (worst of the seeds), units to pull and acknowledge',
    columns: ['way', 'work, ms', 'a second', 'failed claims', 'displacement', 'RRU', 'WRU'],
    rows,
  }
}

async function shards(tiny: boolean): Promise<Table> {
  const rows: (string | number)[][] = []
  const plans = tiny
    ? [[4, 4]]
    : [
        [1, 1],
        [4, 4],
        [16, 16],
        [16, 8],
        [16, 1],
        [64, 4],
      ]
  for (const [all, hot] of plans as [number, number][]) {
    progress(`queue: ${all} shards, ${hot} of them in use`)
    const found = await shardedRate({
      shards: all,
      hot,
      consumers: tiny ? 8 : 12 * hot,
      // Shards that are found empty at first are looked at again after a second.
      seconds: tiny ? 2 : 4,
    })
    rows.push([all, hot, 333 * hot, Math.round(found.perSecond), to2(found.rru), to2(found.leastShare)])
  }
  return {
    title: 'Shards on a table whose partition keys take 1,000 WRU and 3,000 RRU a second',
    columns: [
      'shards',
      'in use',
      'a second, on paper',
      'simulated',
      'RRU a message',
      'least shard over the mean',
    ],
    rows,
  }
}

async function waiting(tiny: boolean, targets: Target[]): Promise<Table> {
  const rows: (string | number)[][] = []
  const plans: [string, number, Waiting['options']][] = [
    ['one queue', 1, { pk: 'q' }],
    ['64 shards', 64, { pk: 'q', shards: 64 }],
    ['4,000 shards', 4000, { pk: 'q', shards: 4000 }],
    ['10,000 queues of a family', 10_000, { family: 'q/' }],
  ]
  for (const [what, places, options] of tiny ? plans.slice(0, 2) : plans) {
    progress(`queue: an idle worker of ${what}`)
    const { rruAnHour, mean, p99 } = await idleWorker({ options, places, messages: tiny ? 20 : 200 })
    rows.push([what, to2(rruAnHour), to2(mean), to2(p99)])
    targets.push(
      {
        what: `idle worker, ${what}: RRU an hour, an hour after its last message`,
        target: 'at most 480',
        value: number(rruAnHour),
        met: rruAnHour <= 480,
      },
      {
        what: `idle worker, ${what}: wake-up by another process, mean and p99`,
        target: 'at most 2,000 and 5,000 ms',
        value: `${to2(mean)} and ${to2(p99)} ms`,
        met: mean <= 2000 && p99 <= 5000,
      },
    )
  }
  return {
    title: 'An idle worker: what an hour of waiting costs, and how soon it takes what another process pushes',
    columns: ['what it waits for', 'RRU an hour', 'mean, ms', 'p99, ms'],
    rows,
  }
}

async function memory(total: number, targets: Target[]): Promise<Table> {
  const db = new AtomicMemoryDb()
  const step = total / 10
  const rows: (string | number)[][] = []
  const heap = () => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed / 1e6
  }
  const first = heap()
  let last = first
  const begun = performance.now()
  for (let done = 0; done < total; ) {
    progress(`queue: ${number(done)} of ${number(total)} messages through the twin`)
    for (const end = done + step; done < end; done += 100) {
      await db.queuePush(Array.from({ length: 100 }, (_, data) => ({ pk: 'q', data })))
      const { items } = await db.queuePullMany({ pk: 'q', limit: 100 })
      for (const item of items) await db.queueAcknowledge(item)
    }
    last = heap()
    rows.push([done, Math.round(last - first), Math.round((done * 1000) / (performance.now() - begun))])
  }
  targets.push({
    what: `memory of the twin after ${number(total)} messages, acknowledged`,
    target: 'does not grow',
    value: `${number(last - first)} MB more`,
    met: last - first < 50,
  })
  return {
    title: 'Messages pushed, pulled and acknowledged in the twin',
    columns: ['messages', 'MB more than before', 'messages a second'],
    rows,
  }
}
