import { hotItem } from './hot-item.ts'
import type { Answered } from './lib/answered.ts'
import { withLocal } from './lib/local.ts'
import { type Spread, spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { sdkVersion } from './lib/sdk.ts'
import type { Section } from './lib/section.ts'
import { number } from './lib/terminal.ts'
import { shoeShop } from './shoe-shop.ts'
import { transfers } from './transfer.ts'

/** One hot item, and the shoe shop with lost replies. Requests and units are in `bench:units`. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  return withLocal(async (endpoint, table) => {
    const clients = tiny ? 8 : 64
    const { rounds: hot, again: hotAgain } = await hotItem(endpoint, table, { clients, tiny })
    const shop = await shoeShop(endpoint, table, tiny)
    const moved = await transfers(endpoint, table, {
      clients,
      rounds: tiny ? 1 : 6,
      sliceMs: tiny ? 150 : 3000,
      simulatedMs: tiny ? 300 : 10_000,
    })
    const speed = spread(hot.map((round) => round.update.rate / round.lock.rate))
    const failed = hot.reduce((sum, round) => sum + round.update.failed, 0)
    const best = (kind: 'update' | 'lock') => spread(hot.map((round) => round[kind].rate)).median
    const per = (kind: 'update' | 'lock', what: 'requests' | 'wru' | 'rru') =>
      spread(hot.map((round) => round[kind][what])).median
    return {
      id: 'atomic',
      title: 'Atomic operations: one hot item, and the shoe shop',
      settings: { '@aws-sdk': sdkVersion, clients, rounds: hot.length, ...shop.settings },
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
        ...(['simulated', 'local'] as const).map((where) => ({
          what: `transfers between two hot accounts: validation by values against by locks alone, ${places[where]}`,
          target: 'at least once',
          value: shown(moved.times[where], 2),
          met: moved.times[where].median >= 1,
        })),
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
          title: `One hot item, ${clients} clients, DynamoDB Local`,
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
          title: `Transfers between two hot accounts, ${clients} clients: committed a second, median [quartiles] of ${tiny ? 1 : 6} rounds in turn`,
          columns: ['way', places.simulated, places.local],
          rows: (
            [
              ['transaction', 'values'],
              ['transaction, locks: false', 'withoutLocks'],
              ['as before: getLocked, locks checked', 'lockOnly'],
            ] as const
          ).map(([name, way]) => [name, shown(moved.simulated[way]), shown(moved.local[way])]),
        },
        {
          title: 'Calls made again, on connections that broke or because nobody knew the outcome',
          columns: ['', 'outcome unknown', 'no answer after all tries'],
          rows: (
            [
              ['one hot item', hotAgain],
              ['shoe shop (replies are dropped on purpose)', shop.again],
              ['transfers', moved.again],
            ] as [string, Answered][]
          ).map(([name, { unknown, unanswered }]) => [name, unknown, unanswered]),
        },
        {
          title: `${shop.pairs} pairs, ${number(shop.buyers)} buyers, ${shop.clients} clients; ${(shop.rate * 100).toFixed(0)} % of the replies dropped after the server applied`,
          columns: ['', ''],
          rows: [
            ['told that they bought a pair', shop.sold],
            ['left in the table', shop.left],
            ['told that there is none left', shop.refused],
            ['asked again after OutcomeUnknown or no answer', shop.again.unknown + shop.again.unanswered],
            ['answers that the table contradicts', shop.wrong],
            ['replies dropped', shop.dropped],
          ],
        },
      ],
      charts: [
        {
          kind: 'bars',
          title: `One hot item, ${clients} clients`,
          unit: 'applied a second',
          bars: [
            { name: 'lockrow: update with a condition', value: best('update') },
            { name: 'lockrow: lock and retry', value: best('lock') },
          ],
        },
      ],
      notes: [
        `Each buyer's purchase is one update that takes a pair and writes the buyer's name below 'buyers', guarded by stock >= 1 and the name's absence: whoever gets no certain answer asks again, and finds their own name. The table is compared with every answer at the end.`,
        'As before: the lock of each row read is checked, and its values are not (a plain write in between is lost). The ways take turns within a round, each round in another order, so that whatever else the machine does hits all alike; the simulated server knows no other load.',
        'DynamoDB Local runs one write at a time: the ratio says what the failed attempts and extra requests of the lock loop cost, not how far a hot item scales on the service (about 1,000 WRU a second).',
      ],
    }
  })
}

const places = { simulated: 'in simulated time (1 to 5 ms each way)', local: 'on DynamoDB Local' } as const

const shown = ({ median, low, high }: Spread, digits = 0): string =>
  `${median.toFixed(digits)} [${low.toFixed(digits)} to ${high.toFixed(digits)}]`
