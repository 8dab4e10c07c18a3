import { LRUCache } from 'lru-cache'
import { AtomicLRUCache } from '../src/lru/index.ts'
import { AtomicMemoryDb } from '../src/memory/index.ts'
import { interleaved, ratio, spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import type { Section } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'
import { makeUser, sortKey } from './lib/user.ts'

/** Hits of the cache against bare lru-cache, coalescing of misses, and the hit ratio under a Zipf load. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const items = 1000
  const rounds = tiny ? 2 : 21
  const sliceMs = tiny ? 2 : 40
  const db = new AtomicMemoryDb()
  const small = (i: number) => ({ name: `n-${i}`, count: i })
  for (let i = 0; i < items; i++) {
    await db.set({ pk: 'small', sk: sortKey(i), data: small(i) })
    await db.set({ pk: 'user', sk: sortKey(i), data: makeUser(i) })
  }
  const tables = []
  const charts = []
  const shares: Record<string, number> = {}
  for (const pk of ['small', 'user']) {
    const bare = new LRUCache<string, object>({ max: items })
    const copying = new AtomicLRUCache(db, { maxItems: items })
    const sharing = new AtomicLRUCache(db, { maxItems: items, copy: false })
    for (let i = 0; i < items; i++) {
      const key = { pk, sk: sortKey(i) }
      bare.set(`${pk}/${key.sk}`, (await db.get(key))!)
      await copying.get(key)
      await sharing.get(key)
    }
    // Keys are made beforehand: in a program they come from elsewhere.
    const keys = Array.from({ length: items }, (_, i) => ({ pk, sk: sortKey(i) }))
    const next = () => {
      let at = 0
      return () => {
        at = (at + 7) % items
        return keys[at]!
      }
    }
    const [a, b, c, d] = [next(), next(), next(), next()]
    const measured = await interleaved(
      [
        {
          name: 'lru-cache, bare: text key, shared object, behind a promise',
          run: async () => {
            const key = a()
            return bare.get(`${key.pk}/${key.sk}`)
          },
        },
        {
          name: 'lru-cache with structuredClone, behind a promise',
          run: async () => {
            const key = b()
            return structuredClone(bare.get(`${key.pk}/${key.sk}`))
          },
        },
        { name: 'lockrow, copies (default)', run: () => copying.get(c()) },
        { name: 'lockrow, copy: false', run: () => sharing.get(d()) },
      ],
      { rounds, sliceMs, clock: 'cpu', label: `lru, ${pk}` },
    )
    const rows = measured.map((of) => {
      const { median, low, high } = ratio(measured[0]!, of)
      shares[`${pk} ${of.name}`] = median
      return [
        of.name,
        Math.round(1e6 / spread(of.rounds).median),
        `${median.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`,
      ]
    })
    const size = pk === 'small' ? 'a small item (two fields)' : 'an item of 350 bytes, nested'
    tables.push({ title: `Hits on ${size}`, columns: ['cache', 'hits a second', 'speed, bare = 1'], rows })
    charts.push({
      kind: 'bars' as const,
      title: `Hits on ${size}`,
      unit: 'speed, bare lru-cache = 1',
      mark: 1,
      bars: measured.map((of) => ({
        name: of.name.split(',')[0] === 'lockrow' ? of.name : of.name.split(':')[0]!,
        value: shares[`${pk} ${of.name}`]!,
      })),
    })
  }
  progress('lru: misses and Zipf')
  const reads = await coalesced()
  const zipf = await zipfRatios(tiny ? 2000 : 200_000)
  const copies = shares['small lockrow, copies (default)']!
  const shared = shares['small lockrow, copy: false']!
  return {
    id: 'lru',
    title: 'The LRU cache',
    settings: { rounds, sliceMs, items },
    targets: [
      {
        what: 'hit on a small item with copies, against bare lru-cache',
        target: 'at least 0.3',
        value: copies.toFixed(2),
        met: copies >= 0.3,
      },
      {
        what: 'the same without copies',
        target: 'at least 0.8',
        value: shared.toFixed(2),
        met: shared >= 0.8,
      },
      {
        what: 'reads for 1,000 concurrent misses of one key',
        target: '1',
        value: String(reads),
        met: reads === 1,
      },
    ],
    tables: [
      ...tables,
      {
        title: 'Hit ratio under a Zipf load (exponent 1, 10,000 keys)',
        columns: ['places in the cache', 'hit ratio', 'best possible: the most popular keys always in'],
        rows: zipf.map(({ places, hits, best }) => [places, hits.toFixed(3), best.toFixed(3)]),
      },
    ],
    charts,
    notes: [
      'Measured in CPU time, which other programs on the machine disturb less.',
      `'Bare' answers with the object itself, without expiry or a check of the key: whoever changes it changes the cache. It stands behind a promise, as every cache of a database does.`,
      `1,000 concurrent misses of one key made ${number(reads)} read.`,
    ],
  }
}

async function coalesced(): Promise<number> {
  let reads = 0
  class Counting extends AtomicMemoryDb {
    override async get<T>(...given: Parameters<AtomicMemoryDb['get']>) {
      reads++
      await new Promise((resolve) => setTimeout(resolve, 5))
      return super.get<T>(...given)
    }
  }
  const db = new Counting()
  await db.set({ pk: 'p', sk: 's', data: 1 })
  const cache = new AtomicLRUCache(db, 10)
  const all = await Promise.all(Array.from({ length: 1000 }, () => cache.get<number>({ pk: 'p', sk: 's' })))
  if (!all.every((item) => item?.data === 1)) throw new Error('a coalesced read brought something else')
  return reads
}

async function zipfRatios(draws: number): Promise<{ places: number; hits: number; best: number }[]> {
  const keys = 10_000
  const weights = Array.from({ length: keys }, (_, i) => 1 / (i + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const cumulative: number[] = []
  for (const weight of weights) cumulative.push((cumulative.at(-1) ?? 0) + weight / total)
  // A generator with a seed: the same load for every size and every run.
  let state = 12345
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const draw = () => {
    const wanted = random()
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (cumulative[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
  const db = new AtomicMemoryDb()
  const results = []
  for (const places of [100, 1000, 5000]) {
    const cache = new AtomicLRUCache(db, places)
    for (let i = 0; i < draws / 4; i++) await cache.get({ pk: 'z', sk: sortKey(draw()) })
    const before = cache.stats
    for (let i = 0; i < draws; i++) await cache.get({ pk: 'z', sk: sortKey(draw()) })
    results.push({ places, hits: (cache.stats.hits - before.hits) / draws, best: cumulative[places - 1]! })
  }
  return results
}
