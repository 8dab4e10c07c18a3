import { AtomicDynamoDB } from '../../src/dynamo/index.ts'
import { QueueWorker } from '../../src/worker/index.ts'
import { withLocal } from './local.ts'
import { costOf, metered } from './meter.ts'
import { numbersOver, scheduledBacklog, steady } from './queue-waiting.ts'
import { makeClient } from './sdk.ts'
import type { Table, Target } from './section.ts'
import { number, progress } from './terminal.ts'

const to2 = (value: number): number => Number(value.toFixed(2))
const minutesAMonth = 730 * 60
/** Of a million RRU, on demand in us-east-1, dollars. */
const millionRru = 0.125
const aMonth = (rru: number): number => (rru * minutesAMonth * millionRru) / 1e6

/** An idle worker beside scheduled messages, simulated. */
export async function scheduledTable(tiny: boolean, targets: Target[]): Promise<Table> {
  const rows: (string | number)[][] = []
  const backlogs = tiny ? [0, 1000] : [0, 10_000, 1_000_000]
  let without = 0
  for (const backlog of backlogs) {
    progress(`queue: a worker beside ${number(backlog)} scheduled messages`)
    const { rru, median, p99 } = await scheduledBacklog(backlog, tiny ? 20 : 300)
    if (backlog === 0) without = rru
    rows.push([backlog, to2(rru), to2(median), to2(p99)])
    if (backlog > 0)
      targets.push(
        {
          what: `idle worker beside ${number(backlog)} scheduled messages: RRU an hour`,
          target: `at most 1.2 times those without them, ${number(without)}`,
          value: `${number(rru)}, ${to2(rru / without)} times`,
          met: rru <= 1.2 * without,
        },
        {
          what: `${number(backlog)} scheduled messages: lateness of those that fall due, p99`,
          target: 'under 3,000 ms',
          value: `${number(p99)} ms`,
          met: p99 < 3000,
        },
      )
  }
  return {
    title:
      'Scheduled messages: what an idle worker reads in an hour, and how late messages of another process come',
    columns: ['due in a month', 'RRU an hour', 'late, median, ms', 'late, p99, ms'],
    rows,
  }
}

/** Messages of other processes at a steady rate, simulated, and a short one on DynamoDB Local. */
export async function steadyTable(tiny: boolean, targets: Target[]): Promise<Table> {
  const rows: (string | number)[][] = []
  const plans = [
    { rate: 20, processes: 1, concurrency: 4, work: 50, mostMs: 100, mostWru: undefined },
    { rate: 250, processes: 16, concurrency: 4, work: 50, mostMs: 50, mostWru: 2.2 },
  ]
  for (const { rate, processes, concurrency, work, mostMs, mostWru } of plans) {
    progress(`queue: ${rate} messages a second, ${processes} processes`)
    const { rru, wru, median } = await steady(rate, processes, concurrency, work, tiny ? 5 : 60)
    rows.push([`${rate} a second, ${processes} processes`, to2(rru), to2(wru), to2(median)])
    const wanted = `at most 1.2 RRU${mostWru ? `, ${mostWru} WRU beside the push` : ''}; median at most ${mostMs} ms`
    targets.push({
      what: `steady ${rate} a second by ${processes}`,
      target: wanted,
      value: `${to2(rru)} RRU, ${to2(wru)} WRU, ${to2(median)} ms`,
      met: rru <= 1.2 && median <= mostMs && wru <= (mostWru ?? 3),
    })
  }
  progress('queue: 20 messages a second on DynamoDB Local')
  const local = await steadyOnLocal(tiny ? 2 : 20)
  rows.push(['20 a second, 1 process, DynamoDB Local', to2(local.rru), to2(local.wru), to2(local.median)])
  return {
    title:
      'Messages of another process at a steady rate, 50 ms of work each: units beside the push, and time to the handler',
    columns: ['rate', 'RRU a message', 'WRU a message', 'median, ms'],
    rows,
  }
}

async function steadyOnLocal(seconds: number): Promise<{ rru: number; wru: number; median: number }> {
  return withLocal(async (endpoint, table) => {
    const [client, others] = [makeClient(endpoint), makeClient(endpoint)]
    const meter = metered(client)
    const db = new AtomicDynamoDB(client, table)
    // Another runtime: its pushes wake nobody here.
    const { runtime } = db
    const producer = new AtomicDynamoDB(others, table, {
      runtime: {
        now: () => runtime.now(),
        monotonic: () => runtime.monotonic(),
        random: () => runtime.random(),
        sleep: (...args) => runtime.sleep(...args),
      },
    })
    const waits: number[] = []
    const cost = await costOf(meter, async () => {
      const worker = new QueueWorker<number>(
        db,
        async ({ data }) => {
          waits.push(Date.now() - data)
          await runtime.sleep(50)
        },
        { pk: 'steady', concurrency: 4 },
      )
      for (let i = 0; i < seconds * 20; i++) {
        await producer.queuePush({ pk: 'steady', data: Date.now() })
        await runtime.sleep(50)
      }
      await runtime.sleep(1000)
      await worker.stop()
    })
    client.destroy()
    others.destroy()
    waits.sort((a, b) => a - b)
    const count = waits.length
    return { rru: cost.rru / count, wru: cost.wru / count, median: waits[Math.floor(count / 2)] ?? 0 }
  })
}

/** What the numbers of a queue cost over a large backlog, simulated and on DynamoDB Local. */
export async function numbersTable(tiny: boolean, targets: Target[]): Promise<Table> {
  const rows: (string | number)[][] = []
  for (const [backlog, dead] of tiny
    ? [[2000, 200] as const]
    : [[0, 0] as const, [1_000_000, 0] as const, [1_000_000, 10_000] as const]) {
    progress(`queue: its numbers over ${number(backlog)} messages`)
    const { strong, eventual, ready, isExact } = await numbersOver(backlog, dead)
    const age = isExact ? 'exact' : 'at least'
    rows.push([
      `${number(backlog)}, ${number(dead)} dead, ${number(dead)} due later`,
      to2(strong),
      to2(aMonth(strong)),
      to2(aMonth(eventual)),
      ready,
      age,
    ])
    if (backlog > 0)
      targets.push({
        what: `numbers once a minute over ${number(backlog)} messages, ${number(dead)} dead and ${number(dead)} due later`,
        target: 'under $1 a month',
        value: `${to2(strong)} RRU a reading, $${to2(aMonth(strong))}; eventual $${to2(aMonth(eventual))}`,
        met: aMonth(strong) < 1,
      })
  }
  const local = await numbersOnLocal(tiny ? 500 : 20_000)
  rows.push([
    `${number(local.backlog)} on DynamoDB Local`,
    to2(local.rru),
    to2(aMonth(local.rru)),
    '',
    local.ready,
    local.age,
  ])
  return {
    title:
      'The numbers of a queue over messages of 0.85 KB: RRU of one reading, and dollars a month for one a minute',
    columns: ['backlog', 'RRU a reading', '$ a month', '$ a month, eventual', 'ready, at least', 'oldest'],
    rows,
  }
}

async function numbersOnLocal(backlog: number) {
  return withLocal(async (endpoint, table) => {
    const client = makeClient(endpoint)
    const meter = metered(client)
    const db = new AtomicDynamoDB(client, table)
    const data = 'x'.repeat(800)
    for (let left = backlog; left > 0; left -= 500)
      await db.queuePush(Array.from({ length: Math.min(500, left) }, () => ({ pk: 'numbers', data })))
    let found = { ready: 0, oldestIsExact: false }
    const { rru } = await costOf(meter, async () => {
      found = await db.queueStats('numbers')
    })
    client.destroy()
    return { backlog, rru, ready: found.ready, age: found.oldestIsExact ? 'exact' : 'at least' }
  })
}
