import { AtomicMemoryDb } from '../src/memory/index.ts'
import { interleaved, type Measured, ratio, spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { versionOf } from './lib/peers.ts'
import type { Section } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'
import { bytesPerItem } from './twin-memory.ts'
import { type Store, stores } from './twin-stores.ts'

const kinds = ['get', 'set', 'query', 'setAtomic'] as const
type Kind = (typeof kinds)[number]
const titles: Record<Kind, string> = {
  get: 'get',
  set: 'set',
  query: 'query of 100 by prefix',
  setAtomic: 'setAtomic (item and lock)',
}

/** The twin and other stores in memory, as the number of items grows. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const sizes = tiny ? [1000, 2000] : [1000, 100_000, 1_000_000]
  const rounds = tiny ? 2 : 5
  const sliceMs = tiny ? 2 : 30
  const notes: string[] = []
  const measured = new Map<string, Measured>()
  const names = new Set<string>()
  for (const size of sizes) {
    const open: Store[] = []
    for (const { name, maxItems, make } of stores) {
      if (size > maxItems) {
        notes.push(`${name} is left out at ${number(size)} items: filling it takes too long.`)
        continue
      }
      progress(`twin: filling ${name} with ${number(size)} items`)
      try {
        const store = await make(size)
        open.push({ ...store, name })
        names.add(name)
      } catch (error) {
        notes.push(
          `${name} could not run here: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`,
        )
      }
    }
    for (const kind of kinds) {
      const contenders = open.flatMap((store) => {
        const run = store[kind]
        return run ? [{ name: store.name, run }] : []
      })
      const label = `twin, ${kind} at ${number(size)}`
      for (const result of await interleaved(contenders, { rounds, sliceMs, clock: 'cpu', label }))
        measured.set(`${kind} ${size} ${result.name}`, result)
    }
    for (const store of open) await store.close?.()
    global.gc?.()
  }
  const pulls = await queuePulls(tiny)
  progress('twin: memory per item')
  const memory = await bytesPerItem(tiny ? 20_000 : 200_000)
  const at = (kind: Kind, size: number, name = 'lockrow twin') => measured.get(`${kind} ${size} ${name}`)
  const median = (of: Measured | undefined) => (of ? spread(of.rounds).median : undefined)
  const [least, most] = [sizes[0]!, sizes.at(-1)!]
  const growth = median(at('query', most))! / median(at('query', least))!
  const gets = 1e6 / median(at('get', least))!
  const sets = 1e6 / median(at('set', least))!
  const behind = kinds.flatMap((kind) =>
    sizes.flatMap((size) =>
      stores
        .filter(({ comparable }) => comparable)
        .filter(({ name }) => {
          const other = at(kind, size, name)
          return other && name !== 'lockrow twin' && ratio(at(kind, size)!, other).median > 1
        })
        .map(({ name }) => `${titles[kind]} of ${name} at ${number(size)}`),
    ),
  )
  return {
    id: 'twin',
    title: 'The twin: stores in memory at a growing number of items',
    settings: {
      rounds,
      sliceMs,
      item: 'about 350 bytes, one partition per 1,000 items and one of all',
      ...Object.fromEntries(
        ['@deno/kv', 'keyv', 'unstorage', 'better-sqlite3'].map((name) => [name, versionOf(name)]),
      ),
    },
    targets: [
      {
        what: `query of 100 at ${number(most)} items against ${number(least)}`,
        target: 'at most 2',
        value: growth.toFixed(2),
        met: growth <= 2,
      },
      {
        what: 'gets a second on one core',
        target: '1,000,000 as order of magnitude',
        value: number(Math.round(gets)),
        met: gets >= 1e6,
      },
      {
        what: 'sets a second on one core',
        target: '300,000 as order of magnitude',
        value: number(Math.round(sets)),
        met: sets >= 3e5,
      },
      {
        what: 'bytes of overhead per item',
        target: 'at most 250',
        value: String(Math.round(memory.overhead)),
        met: memory.overhead <= 250,
      },
      {
        what: 'ahead of every store that does comparable work',
        target: 'all',
        value: behind.length === 0 ? 'all' : `not: ${behind.join('; ')}`,
        met: behind.length === 0,
      },
      {
        what: 'queue pull with 10,000 in flight against the seed taken at its word',
        target: 'ahead',
        value: `${pulls.ratio.toFixed(3)} of its time`,
        met: pulls.ratio < 1,
      },
    ],
    tables: [
      ...sizes.map((size) => ({
        title: `At ${number(size)} items: operations a second (and time relative to the twin [quartiles])`,
        columns: ['store', ...kinds.map((kind) => titles[kind])],
        rows: [...names].map((name) => [
          name,
          ...kinds.map((kind) => {
            const of = at(kind, size, name)
            if (!of) return '-'
            const { median: times, low, high } = ratio(of, at(kind, size)!)
            return `${number(Math.round(1e6 / median(of)!))} (${number(times)} [${number(low)}, ${number(high)}])`
          }),
        ]),
      })),
      {
        title: 'Queue pull (and release) with 10,000 messages in flight before it',
        columns: ['store', 'microseconds per pull'],
        rows: pulls.measured.map((of) => [of.name, spread(of.rounds).median]),
      },
      {
        title: 'Memory per item (bytes, heap after collection)',
        columns: ['', 'bytes'],
        rows: [
          ['a bare array of the same rows', Math.round(memory.bare)],
          ['a Map by key of the same rows', Math.round(memory.map)],
          ['the twin', Math.round(memory.twin)],
          ['overhead of the twin over the bare rows', Math.round(memory.overhead)],
        ],
      },
    ],
    charts: kinds.map((kind) => ({
      kind: 'lines' as const,
      title: titles[kind],
      unit: 'microseconds per operation, both axes logarithmic',
      xs: sizes,
      xLabel: 'items',
      lines: [...names].map((name) => ({ name, ys: sizes.map((size) => median(at(kind, size, name))) })),
    })),
    notes: [
      'Measured in CPU time, which other programs on the machine disturb less; threads of native modules count.',
      'Work differs: the twin checks, copies on the way in and out, keeps UTF-8 order, expires, and enforces the size limits of DynamoDB. keyv (a Map, values by reference, no order) and unstorage (values by reference, no expiry) copy nothing and are no comparable work; their query is a scan of all keys, where there is one.',
      ...notes,
    ],
  }
}

async function queuePulls(tiny: boolean): Promise<{ measured: Measured[]; ratio: number }> {
  const inFlight = tiny ? 100 : 10_000
  const db = new AtomicMemoryDb()
  const { NaiveMemory } = await import('./lib/naive.ts')
  const naive = new NaiveMemory()
  const messages = Array.from({ length: inFlight + 10 }, (_, i) => ({
    pk: 'q',
    sk: String(i).padStart(8, '0'),
    data: { i },
  }))
  for (let i = 0; i < messages.length; i += 1000) await db.queuePush(messages.slice(i, i + 1000))
  await naive.set(messages)
  for (let left = inFlight; left > 0; )
    left -= (await db.queuePullMany({ pk: 'q', limit: Math.min(left, 500) })).items.length
  await naive.set(
    messages
      .slice(0, inFlight)
      .map((message) => ({ ...message, isProcessing: true, processingTimeout: Date.now() + 1e7 })),
  )
  const measured = await interleaved(
    [
      {
        name: 'lockrow twin',
        run: async () => {
          const { item } = await db.queuePull({ pk: 'q' })
          await db.queueRelease(item!)
        },
      },
      {
        name: 'the seed taken at its word',
        run: async () => {
          const item = await naive.queuePull('q')
          await naive.set([item!])
          await naive.set([{ ...item!, isProcessing: false } as never])
        },
      },
    ],
    { rounds: tiny ? 2 : 7, sliceMs: tiny ? 2 : 60, clock: 'cpu', label: 'twin, queue pull' },
  )
  return { measured, ratio: ratio(measured[0]!, measured[1]!).median }
}
