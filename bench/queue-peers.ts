import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { withLocal } from './lib/local.ts'
import { spread } from './lib/measure.ts'
import { costOf, metered } from './lib/meter.ts'
import type { BenchOptions } from './lib/options.ts'
import { peer, versionOf } from './lib/peers.ts'
import { makeClient } from './lib/sdk.ts'
import type { Section } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'
import { contenders as mutexes } from './mutex-peers.ts'

interface Drained {
  name: string
  perSecond: number
  requests?: number
  wru?: number
  rru?: number
  /** Jain's index over what each consumer got: 1 is all alike. */
  fairness: number
}

/** R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC TR-301, 1984. */
export const jain = (shares: readonly number[]): number => {
  const sum = shares.reduce((total, share) => total + share, 0)
  return sum === 0 ? 1 : sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0))
}

/** Queue and mutex next to others: same DynamoDB Local; BullMQ on a Redis, if there is one. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const consumers = tiny ? [1, 4] : [1, 8, 64]
  const contending = tiny ? [1, 4] : [1, 8, 32]
  const messages = tiny ? 20 : 600
  const rounds = tiny ? 1 : 3
  const ms = tiny ? 200 : 2000
  const notes: string[] = []
  const queueRows: (string | number)[][] = []
  const mutexRows: (string | number)[][] = []
  await withLocal(async (endpoint, table) => {
    for (const n of consumers) {
      const drained: Drained[] = []
      for (let round = 0; round < rounds; round++) {
        progress(`queue-peers: ${n} consumers, round ${round + 1}`)
        drained.push(await lockrow(endpoint, table, n, messages))
        const bull = await bullmq(n, messages, notes)
        if (bull) drained.push(bull)
      }
      for (const name of new Set(drained.map((one) => one.name))) {
        const own = drained.filter((one) => one.name === name)
        const median = (what: 'perSecond' | 'requests' | 'wru' | 'rru' | 'fairness') =>
          own[0]![what] === undefined
            ? '-'
            : Number(spread(own.map((one) => one[what]!)).median.toPrecision(3))
        queueRows.push([
          n,
          name,
          median('perSecond'),
          median('requests'),
          median('wru'),
          median('rru'),
          median('fairness'),
        ])
      }
    }
    for (const n of contending) {
      for (const { name, run } of await mutexes(endpoint, table, notes)) {
        progress(`queue-peers: mutex, ${n} contenders, ${name}`)
        const result = await run(n, ms)
        mutexRows.push([
          n,
          name,
          Number(result.perSecond.toPrecision(3)),
          result.violations,
          Number(result.requests.toPrecision(3)),
          Number(result.wru.toPrecision(3)),
          Number(result.rru.toPrecision(3)),
          Number(jain(result.shares).toPrecision(3)),
        ])
      }
    }
  })
  const distinct = [...new Set(notes)]
  const names = [...new Set(queueRows.map(([, name]) => String(name)))]
  return {
    id: 'queue-peers',
    title: 'Queue and mutex next to others',
    settings: {
      messages,
      rounds,
      'mutex ms': ms,
      '@verrou/core': versionOf('@verrou/core'),
      'dynamodb-lock-client': versionOf('dynamodb-lock-client'),
      bullmq: versionOf('bullmq'),
      ioredis: versionOf('ioredis'),
    },
    targets: [],
    tables: [
      {
        title: 'Draining a queue',
        columns: [
          'consumers',
          'queue',
          'messages a second',
          'requests each',
          'WRU each',
          'RRU each',
          'fairness (Jain)',
        ],
        rows: queueRows,
      },
      {
        title: 'A mutex, held for no time, taken again at once',
        columns: [
          'contenders',
          'mutex',
          'acquisitions a second',
          'two inside at once',
          'requests each',
          'WRU each',
          'RRU each',
          'fairness (Jain)',
        ],
        rows: mutexRows,
      },
    ],
    charts: [
      {
        kind: 'lines',
        title: 'Draining a queue',
        unit: 'messages a second, both axes logarithmic',
        xs: consumers,
        xLabel: 'consumers',
        lines: names.map((name) => ({
          name,
          ys: consumers.map(
            (n) => queueRows.find(([c, q]) => c === n && q === name)?.[2] as number | undefined,
          ),
        })),
      },
    ],
    notes: [
      'BullMQ is another class of system: Redis keeps the queue in memory and answers in microseconds, writes to disk a second later by default, and cannot commit together with rows in DynamoDB. It is here for orientation.',
      'Each mutex waits in a way of its own between tries, which decides acquisitions a second and fairness; each as it is by default, verrou at 20 ms.',
      `Messages a second on ${number(messages)} messages, pulled one by one and acknowledged; pushes are not counted.`,
      ...distinct,
    ],
  }
}

async function lockrow(
  endpoint: string,
  table: string,
  consumers: number,
  messages: number,
): Promise<Drained> {
  const client = makeClient(endpoint)
  const meter = metered(client)
  const db = new AtomicDynamoDB(client, table)
  const pk = `drain-${Math.random()}`
  await db.queuePush(Array.from({ length: messages }, (_, i) => ({ pk, data: { i } })))
  const shares = new Array<number>(consumers).fill(0)
  let left = messages
  const start = performance.now()
  const cost = await costOf(meter, () =>
    Promise.all(
      shares.map(async (_, consumer) => {
        while (left > 0) {
          const { item } = await db.queuePull({ pk })
          if (!item) continue
          await db.queueAcknowledge(item)
          shares[consumer]!++
          left--
        }
      }),
    ),
  )
  const perSecond = (messages * 1000) / (performance.now() - start)
  client.destroy()
  return {
    name: 'lockrow, DynamoDB Local',
    perSecond,
    requests: cost.requests / messages,
    wru: cost.wru / messages,
    rru: cost.rru / messages,
    fairness: jain(shares),
  }
}

interface Bull {
  Queue: new (
    name: string,
    options: object,
  ) => {
    addBulk(jobs: object[]): Promise<unknown>
    obliterate(o: object): Promise<void>
    close(): Promise<void>
  }
  Worker: new (
    name: string,
    work: () => Promise<unknown>,
    options: object,
  ) => { close(force?: boolean): Promise<void>; waitUntilReady(): Promise<unknown> }
}

async function bullmq(consumers: number, messages: number, notes: string[]): Promise<Drained | undefined> {
  const url = process.env.REDIS_URL
  if (!url) {
    notes.push('BullMQ: not measured, REDIS_URL names no Redis.')
    return undefined
  }
  const { Queue, Worker } = await peer<Bull>('bullmq')
  const connection = { url, maxRetriesPerRequest: null }
  const name = `bench-${Math.random().toString(36).slice(2)}`
  const queue = new Queue(name, { connection })
  await queue.addBulk(Array.from({ length: messages }, (_, i) => ({ name: 'job', data: { i } })))
  const shares = new Array<number>(consumers).fill(0)
  let left = messages
  const start = performance.now()
  const workers: InstanceType<Bull['Worker']>[] = []
  await new Promise<void>((resolve) => {
    for (let i = 0; i < consumers; i++) {
      const work = async () => {
        shares[i]!++
        left--
        if (left === 0) resolve()
      }
      workers.push(new Worker(name, work, { connection, concurrency: 1 }))
    }
  })
  const perSecond = (messages * 1000) / (performance.now() - start)
  await Promise.all(workers.map((worker) => worker.close(true)))
  await queue.obliterate({ force: true })
  await queue.close()
  return { name: 'BullMQ, Redis (another class of system)', perSecond, fairness: jain(shares) }
}
