import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicSqliteDb, type SqliteDatabase, type SqliteDriver } from '../src/sqlite/index.ts'
import { spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { optional, peer, required, versionOf } from './lib/peers.ts'
import type { Section, Target } from './lib/section.ts'
import { progress } from './lib/terminal.ts'
import { makeUser, sortKey } from './lib/user.ts'

interface Sizes {
  rounds: number
  items: number
  gets: number
  messages: number
}

type Durability = 'full' | 'normal'
const durabilities: Durability[] = ['full', 'normal']
const batch = 100

/** How often a second, in the mean of `count` calls. */
async function rate(count: number, work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (count * 1000) / (performance.now() - start)
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

/** Other stores follow: each next to what it is built on, and next to the best queues there. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const sizes: Sizes = tiny
    ? { rounds: 1, items: 200, gets: 200, messages: 100 }
    : { rounds: 9, items: 20_000, gets: 10_000, messages: 2_000 }
  const notes: string[] = []
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-bench-'))
  try {
    const driver = await optional('better-sqlite3', notes, () => {
      const Database = required<SqliteDriver>('better-sqlite3')
      new Database(':memory:').close()
      return Database
    })
    const parts = driver ? await sqlite(folder, driver, sizes, notes) : { rows: [], targets: [] }
    return sectionOf(parts, sizes, notes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Parts {
  rows: (string | number)[][]
  targets: Target[]
}

function sectionOf({ rows, targets }: Parts, sizes: Sizes, notes: string[]): Section {
  return {
    id: 'backends',
    title: 'Backends on other stores',
    settings: { ...sizes, 'better-sqlite3': versionOf('better-sqlite3'), plainjob: versionOf('plainjob') },
    targets,
    tables: [
      {
        title: 'SQLite, a file in WAL mode, one process',
        columns: ['what', 'synchronous', 'who', 'a second', 'lowest', 'highest'],
        rows: rows.length > 0 ? rows : [['not measured', '-', '-', '-', '-', '-']],
      },
    ],
    charts: [],
    notes: [
      'Rounds take turns, so that what else the machine does meets all alike. Ratios are the medians of the rounds.',
      'Gets walk over all items in an order that no cache likes; sets write new rows, in batches of 1,000.',
      `Messages are pushed in batches of ${batch}, pulled and acknowledged in batches of 10 and of ${batch}; plainjob adds in batches of ${batch}, takes and ends jobs one by one, as its workers do.`,
      ...notes,
    ],
  }
}

/** Rates of several contenders, round by round. */
class Rounds {
  readonly #rates = new Map<string, number[]>()

  add(name: string, perSecond: number): void {
    this.#rates.set(name, [...(this.#rates.get(name) ?? []), perSecond])
  }

  rows(what: string, durability: string): (string | number)[][] {
    return [...this.#rates].map(([name, rates]) => {
      const sorted = [...rates].sort((a, b) => a - b)
      return [what, durability, name, ...[spread(rates).median, sorted[0]!, sorted.at(-1)!].map(Math.round)]
    })
  }

  ratio(a: string, b: string): number {
    const [ours, theirs] = [this.#rates.get(a) ?? [], this.#rates.get(b) ?? []]
    return spread(ours.map((one, i) => one / theirs[i]!)).median
  }

  median = (name: string): number => spread(this.#rates.get(name)!).median
}

const ours = 'lockrow'
const bare = 'better-sqlite3 with JSON'

async function sqlite(folder: string, driver: SqliteDriver, sizes: Sizes, notes: string[]): Promise<Parts> {
  const parts: Parts = { rows: [], targets: [] }
  const target = (what: string, least: number, value: number) =>
    parts.targets.push({
      what,
      target: `at least ${least}`,
      value: value.toPrecision(4),
      met: value >= least,
    })
  let files = 0
  const path = () => join(folder, `${files++}.db`)

  const gets = await getRounds(path, driver, sizes)
  parts.rows.push(...gets.rows('get', '-'))
  target('SQLite: gets against bare better-sqlite3 with JSON', 0.7, gets.ratio(ours, bare))

  for (const durability of durabilities) {
    progress(`backends: sets, ${durability}`)
    const sets = await setRounds(path, driver, sizes, durability)
    parts.rows.push(...sets.rows('set, batches of 1,000', durability))
    target(`SQLite: sets a second, batched, synchronous ${durability}`, 20_000, sets.median(ours))
    progress(`backends: queue, ${durability}`)
    const queues = await queueRounds(path, driver, sizes, durability, notes)
    parts.rows.push(...queues.rows('message, push to acknowledge', durability))
    if (versionOf('plainjob') !== 'not installed')
      for (const size of [10, batch])
        target(
          `SQLite: messages in batches of ${size} against plainjob, synchronous ${durability}`,
          3,
          queues.ratio(`${ours}, ${size} at a time`, 'plainjob'),
        )
  }
  return parts
}

function bareTable(path: string, driver: SqliteDriver): SqliteDatabase {
  const database = new driver(path)
  database.exec('PRAGMA journal_mode = wal')
  database.exec('CREATE TABLE t (pk TEXT, sk TEXT, v TEXT, PRIMARY KEY (pk, sk)) WITHOUT ROWID')
  return database
}

async function getRounds(
  path: () => string,
  driver: SqliteDriver,
  { rounds, items, gets }: Sizes,
): Promise<Rounds> {
  const result = new Rounds()
  const db = new AtomicSqliteDb(path(), { driver, synchronous: 'normal' })
  await db.set(range(0, items).map((i) => ({ pk: 'p', sk: sortKey(i), data: makeUser(i) })))
  const table = bareTable(path(), driver)
  const insert = table.prepare('INSERT INTO t VALUES (?, ?, ?)')
  table.exec('BEGIN')
  for (const i of range(0, items)) insert.run('p', sortKey(i), JSON.stringify(makeUser(i)))
  table.exec('COMMIT')
  const select = table.prepare('SELECT v FROM t WHERE pk = ? AND sk = ?')
  let at = 0
  const next = () => {
    at = (at + 7919) % items
    return sortKey(at)
  }
  // The first rounds are for the compiler.
  for (let round = -2; round < rounds; round++) {
    progress(`backends: get, round ${round + 1}`)
    const theirs = await rate(gets, () => {
      for (let i = 0; i < gets; i++) JSON.parse((select.get('p', next()) as { v: string }).v)
    })
    const mine = await rate(gets, async () => {
      for (let i = 0; i < gets; i++) await db.get({ pk: 'p', sk: next() })
    })
    if (round < 0) continue
    result.add(bare, theirs)
    result.add(ours, mine)
  }
  await db.close()
  table.close()
  return result
}

async function setRounds(
  path: () => string,
  driver: SqliteDriver,
  { rounds, items }: Sizes,
  synchronous: Durability,
): Promise<Rounds> {
  const result = new Rounds()
  const group = Math.min(1000, items)
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    const db = new AtomicSqliteDb(path(), { driver, synchronous })
    const mine = await rate(items, async () => {
      for (let at = 0; at < items; at += group)
        await db.set(range(at, group).map((i) => ({ pk: 'p', sk: sortKey(i), data: makeUser(i) })))
    })
    result.add(ours, mine)
    await db.close()
  }
  return result
}

interface Plainjob {
  better(database: SqliteDatabase): object
  defineQueue(options: object): {
    addMany(type: string, data: readonly unknown[]): unknown
    getAndMarkJobAsProcessing(type: string): { id: number } | undefined
    getJobById(id: number): { data: string }
    markJobAsDone(id: number): unknown
    close(): void
  }
}

async function queueRounds(
  path: () => string,
  driver: SqliteDriver,
  { rounds, messages }: Sizes,
  synchronous: Durability,
  notes: string[],
): Promise<Rounds> {
  const result = new Rounds()
  const plainjob = await optional('plainjob', notes, () => peer<Plainjob>('plainjob'))
  for (let round = -1; round < Math.min(rounds, 5); round++) {
    for (const size of [10, batch]) {
      const mine = await lockrowQueue(new AtomicSqliteDb(path(), { driver, synchronous }), messages, size)
      if (round >= 0) result.add(`${ours}, ${size} at a time`, mine)
    }
    if (!plainjob) continue
    const theirs = await plainQueue(plainjob, new driver(path()), messages, synchronous)
    if (round >= 0) result.add('plainjob', theirs)
  }
  return result
}

const jobOf = (i: number) => ({ id: i, to: `user${i}@example.com`, subject: 'hello' })

async function lockrowQueue(db: AtomicSqliteDb, messages: number, size: number): Promise<number> {
  const pk = 'jobs'
  await db.get({ pk, sk: 'opened' })
  const perSecond = await rate(messages, async () => {
    for (let at = 0; at < messages; at += batch)
      await db.queuePush(range(at, batch).map((i) => ({ pk, data: jobOf(i) })))
    for (let left = messages; left > 0; ) {
      const { items } = await db.queuePullMany({ pk, limit: size })
      await Promise.all(items.map((item) => db.queueAcknowledge(item)))
      left -= items.length
    }
  })
  await db.close()
  return perSecond
}

async function plainQueue(
  { better, defineQueue }: Plainjob,
  database: SqliteDatabase,
  messages: number,
  synchronous: Durability,
): Promise<number> {
  const silent = { error() {}, warn() {}, info() {}, debug() {} }
  const queue = defineQueue({ connection: better(database), logger: silent })
  // It has set 'normal' itself.
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  const perSecond = await rate(messages, () => {
    for (let at = 0; at < messages; at += batch) queue.addMany('job', range(at, batch).map(jobOf))
    for (
      let job = queue.getAndMarkJobAsProcessing('job');
      job;
      job = queue.getAndMarkJobAsProcessing('job')
    ) {
      JSON.parse(queue.getJobById(job.id).data)
      queue.markJobAsDone(job.id)
    }
  })
  queue.close()
  return perSecond
}
