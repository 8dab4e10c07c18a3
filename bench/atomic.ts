import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { lockKey } from '../src/engine/keys.ts'
import { OutcomeUnknown, RaceCondition } from '../src/errors.ts'
import { decrement } from '../src/recipes/index.ts'
import { injectFaults } from '../src/testing/faults/index.ts'
import { withLocal } from './lib/local.ts'
import { spread, throughput } from './lib/measure.ts'
import { costOf, metered } from './lib/meter.ts'
import type { Section } from './lib/results.ts'
import { makeClient, sdkVersion } from './lib/sdk.ts'
import { number, progress } from './lib/terminal.ts'
import type { BenchOptions } from './run.ts'
import { transfers } from './transfer.ts'

interface Stock {
  stock: number
}

/** One hot item, and the shoe shop with lost replies. Requests and units are in `bench:units`. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  return withLocal(async (endpoint, table) => {
    const hot = await hotItem(endpoint, table, tiny)
    const shop = await shoeShop(endpoint, table, tiny)
    const moved = await transfers(endpoint, table, {
      clients: hotClients(tiny),
      ms: tiny ? 150 : 10_000,
    })
    const speed = spread(hot.map((round) => round.update.rate / round.lock.rate))
    const failed = hot.reduce((sum, round) => sum + round.update.failed, 0)
    const best = (kind: 'update' | 'lock') => spread(hot.map((round) => round[kind].rate)).median
    const per = (kind: 'update' | 'lock', what: 'requests' | 'wru' | 'rru') =>
      spread(hot.map((round) => round[kind][what])).median
    return {
      id: 'atomic',
      title: 'Atomic operations: one hot item, and the shoe shop',
      settings: { '@aws-sdk': sdkVersion, clients: hotClients(tiny), rounds: hot.length, ...shop.settings },
      targets: [
        {
          what: 'hot item: update with a condition against lock and retry',
          target: 'at least 5 times',
          value: speed.median.toFixed(1),
          met: speed.median >= 5,
        },
        {
          what: 'hot item: failed attempts of update',
          target: '0',
          value: String(failed),
          met: failed === 0,
        },
        {
          what: 'transfers between two hot accounts: validation by values against by locks alone (simulated time)',
          target: 'at least once',
          value: (moved.simulated.values / moved.simulated.lockOnly).toFixed(2),
          met: moved.simulated.values >= moved.simulated.lockOnly,
        },
        {
          what: 'transfers: money lost or made',
          target: '0',
          value: String(moved.lost),
          met: moved.lost === 0,
        },
        {
          what: 'shoes: pairs sold',
          target: String(shop.pairs),
          value: String(shop.sold),
          met: shop.sold === shop.pairs && shop.left === 0,
        },
        {
          what: 'shoes: buyers with a false answer (of those answered)',
          target: '0',
          value: String(shop.wrong),
          met: shop.wrong === 0,
        },
      ],
      tables: [
        {
          title: `One hot item, ${hotClients(tiny)} clients, DynamoDB Local`,
          columns: [
            'way',
            'applied a second',
            'requests each',
            'WRU each',
            'RRU each',
            'failed attempts each',
          ],
          rows: [
            [
              'update with a condition',
              Math.round(best('update')),
              per('update', 'requests'),
              per('update', 'wru'),
              per('update', 'rru'),
              spread(hot.map(({ update }) => update.failedEach)).median,
            ],
            [
              'getLock, get, setAtomic, retried',
              Math.round(best('lock')),
              per('lock', 'requests'),
              per('lock', 'wru'),
              per('lock', 'rru'),
              spread(hot.map(({ lock }) => lock.failedEach)).median,
            ],
          ],
        },
        {
          title: `Transfers between two hot accounts, ${hotClients(tiny)} clients`,
          columns: ['way', 'committed a simulated second', 'a second on DynamoDB Local'],
          rows: [
            ['transaction', Math.round(moved.simulated.values), Math.round(moved.local.values)],
            [
              'transaction, locks: false',
              Math.round(moved.simulated.withoutLocks),
              Math.round(moved.local.withoutLocks),
            ],
            [
              'as before: getLocked, locks checked',
              Math.round(moved.simulated.lockOnly),
              Math.round(moved.local.lockOnly),
            ],
          ],
        },
        {
          title: `${shop.pairs} pairs, ${number(shop.buyers)} buyers, ${shop.clients} clients; ${(shop.rate * 100).toFixed(0)} % of the replies dropped after the server applied`,
          columns: ['', ''],
          rows: [
            ['told that they bought a pair', shop.sold],
            ['left in the table', shop.left],
            ['told that there is none left', shop.refused],
            ['asked again after OutcomeUnknown or no answer', shop.again],
            ['answers that the table contradicts', shop.wrong],
            ['replies dropped', shop.dropped],
          ],
        },
      ],
      charts: [
        {
          kind: 'bars',
          title: `One hot item, ${hotClients(tiny)} clients`,
          unit: 'applied a second',
          bars: [
            { name: 'lockrow: update with a condition', value: best('update') },
            { name: 'lockrow: lock and retry', value: best('lock') },
          ],
        },
      ],
      notes: [
        `Each buyer's purchase is one update that takes a pair and writes the buyer's name below 'buyers', guarded by stock >= 1 and the name's absence: whoever gets no certain answer asks again, and finds their own name. The table is compared with every answer at the end.`,
        'DynamoDB Local runs one write at a time: the ratio says what the failed attempts and extra requests of the lock loop cost, not how far a hot item scales on the service (about 1,000 WRU a second).',
      ],
    }
  })
}

const hotClients = (tiny: boolean): number => (tiny ? 8 : 64)

interface Way {
  rate: number
  requests: number
  wru: number
  rru: number
  failed: number
  failedEach: number
}

async function hotItem(
  endpoint: string,
  table: string,
  tiny: boolean,
): Promise<{ update: Way; lock: Way }[]> {
  const client = makeClient(endpoint)
  const meter = metered(client)
  const db = new AtomicDynamoDB(client, table)
  const clients = hotClients(tiny)
  const key = { pk: 'hot', sk: 'item' }
  await db.set({ ...key, data: { stock: 1e12 } })
  await db.getLock(lockKey(key))
  const update = async () => {
    const { applied } = await db.update(key, { add: { stock: -1 } }, { if: { stock: { gte: 1 } } })
    if (!applied) throw new Error('not applied')
  }
  const byLock = async () => {
    for (;;) {
      const lock = await db.getLock(lockKey(key))
      const item = await db.get<Stock>(key)
      try {
        await db.setAtomic({ ...key, data: { stock: item!.data.stock - 1 } }, lock)
        return
      } catch (error) {
        if (!(error instanceof RaceCondition)) throw error
      }
    }
  }
  const rounds = []
  const ms = tiny ? 150 : 2500
  await throughput(clients, ms / 2, update)
  for (let round = 0; round < (tiny ? 1 : 6); round++) {
    progress(`atomic: hot item, round ${round + 1}`)
    const way = async (work: () => Promise<unknown>): Promise<Way> => {
      let rate = 0
      const cost = await costOf(meter, async () => {
        rate = await throughput(clients, ms, work)
      })
      const done = (rate * ms) / 1000
      return {
        rate,
        requests: cost.requests / done,
        wru: cost.wru / done,
        rru: cost.rru / done,
        failed: cost.failed,
        failedEach: cost.failed / done,
      }
    }
    const first = round % 2 === 0
    const a = await way(first ? update : byLock)
    const b = await way(first ? byLock : update)
    rounds.push(first ? { update: a, lock: b } : { update: b, lock: a })
  }
  client.destroy()
  return rounds
}

async function shoeShop(endpoint: string, table: string, tiny: boolean) {
  const pairs = tiny ? 10 : 100
  const buyers = tiny ? 100 : 5000
  const clients = tiny ? 8 : 64
  const rate = 0.1
  const client = makeClient(endpoint)
  const certain = new AtomicDynamoDB(makeClient(endpoint), table)
  const key = { pk: 'shop', sk: 'sneaker' }
  await certain.set({ ...key, data: { stock: pairs, buyers: {} } })
  const faults = injectFaults(client, { seed: 7, rates: { dropReply: rate }, log: () => {} })
  const db = new AtomicDynamoDB(client, table)
  const answers = new Map<string, boolean>()
  let again = 0
  let next = 0
  const buy = async (buyer: string): Promise<boolean> => {
    for (;;) {
      try {
        const { applied, item } = await db.update<{ stock: number; buyers: Record<string, unknown> }>(
          key,
          { add: { stock: -1 }, set: { [`buyers.${buyer}`]: true } },
          { if: { stock: { gte: 1 }, [`buyers.${buyer}`]: { exists: false } } },
        )
        return applied || item?.data.buyers[buyer] === true
      } catch (error) {
        if (!(error instanceof OutcomeUnknown) && (error as Error).name !== 'BackendError') throw error
        again++
      }
    }
  }
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < buyers) {
        const buyer = `b${next++}`
        if (next % 100 === 0) progress(`atomic: buyer ${next} of ${buyers}`)
        answers.set(buyer, await buy(buyer))
      }
    }),
  )
  const dropped = faults.counts.dropReply
  const end = await certain.get<Stock & { buyers: Record<string, unknown> }>(key)
  const told = [...answers.values()].filter(Boolean).length
  const wrong = [...answers].filter(
    ([buyer, bought]) => bought !== Object.hasOwn(end!.data.buyers, buyer),
  ).length
  // The recipe, by its own write id alone: the sum of the answers must be what is gone.
  await certain.set({ pk: 'shop', sk: 'plain', data: { stock: pairs } })
  let sold = 0
  let unknown = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let i = 0; i < pairs / 10; i++) {
        try {
          if ((await decrement(db, { pk: 'shop', sk: 'plain' }, 'stock', 1, { exactlyOnce: true })).applied)
            sold++
        } catch (error) {
          if (!(error instanceof OutcomeUnknown)) throw error
          unknown++
        }
      }
    }),
  )
  const plain = await certain.get<Stock>({ pk: 'shop', sk: 'plain' })
  const gone = pairs - plain!.data.stock
  client.destroy()
  return {
    pairs,
    buyers,
    clients,
    rate,
    sold: told,
    left: end!.data.stock,
    refused: answers.size - told,
    again,
    wrong: wrong + (sold <= gone && gone <= sold + unknown ? 0 : 1),
    dropped,
    settings: { buyers, 'replies dropped': rate, seed: faults.seed },
  }
}
