import { collection } from '../../../src/collections/make-collection.ts'
import { migrate } from '../../../src/collections/migration/migrate.ts'
import { typed } from '../../../src/collections/standard-schema.ts'
import type { AtomicDbInterface } from '../../../src/interface.ts'
import {
  type AnswerOf,
  type ArgumentsOf,
  type ContractMethod,
  ForwardingDb,
} from '../../../src/model/forwarding-db.ts'
import { Random } from '../../../src/testing/random.ts'

/** A migration of many items beside writers of both versions, killed again and again; and what is there afterwards. */
export interface MigrationRun {
  items: number
  writers: number
  kills: number
  seed: number
  /** A database of its own for each program, all on one table and one clock. */
  open(): AtomicDbInterface
  /** Lets so much time pass, ms. */
  advance(ms: number): void
  log?(line: string): void
}

export interface MigrationReport {
  items: number
  kills: number
  writes: number
  refused: number
  problems: number
  /** Entries and items that disagree, as `verify` has it. */
  wrong: number
  /** Items that were there all the time, and are not any more. */
  lost: number
  seconds: number
}

interface User {
  id: string
  email: string
  team: string
  n: number
  domain?: string
}

const domainOf = (email: string): string => email.split('@')[1]!

function programs(db: AtomicDbInterface) {
  const team = { key: 'team', sort: 'n' } as const
  return {
    old: collection(db, 'users', { schema: typed<User>(), key: 'id', indexes: { team } }),
    young: collection(db, 'users', {
      schema: typed<User>(),
      key: 'id',
      version: 2,
      upgrades: { 2: (user: User) => ({ ...user, domain: domainOf(user.email) }) },
      indexes: { team: { ...team, retired: true }, domain: { key: 'domain', sort: 'n', since: 2 } },
      unique: { email: { key: 'email', since: 2 } },
    }),
  }
}

/** Nothing that it asks for is answered any more once it is killed: what it has sent may still happen. */
class Mortal extends ForwardingDb {
  isKilled = false
  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    if (this.isKilled) return new Promise(() => {}) as AnswerOf<M>
    // The twin answers at once: without a turn for them, the writers would wait until it is over.
    const answer = new Promise(setImmediate).then(() => super.forward(method, args) as Promise<unknown>)
    return answer.then((value) => (this.isKilled ? new Promise(() => {}) : value)) as AnswerOf<M>
  }
}

const userOf = (i: number | string): User => ({
  id: `u${i}`,
  email: `${i}@d${Number(i) % 1000}`,
  team: `t${Number(i) % 500}`,
  n: 0,
})

export async function runMigration(options: MigrationRun): Promise<MigrationReport> {
  const { items, writers, kills, seed, open, advance, log = () => {} } = options
  const random = new Random(seed)
  const started = performance.now()
  const report: MigrationReport = {
    items,
    kills: 0,
    writes: 0,
    refused: 0,
    problems: 0,
    wrong: 0,
    lost: 0,
    seconds: 0,
  }
  await fill(open(), items)
  log(`${items} items in ${Math.round((performance.now() - started) / 1000)} s`)
  const gone = new Set<string>()
  let oldEnded = false
  let over = false
  const live = Array.from({ length: writers }, (_, w) => write(w))

  async function write(w: number): Promise<void> {
    const { old, young } = programs(open())
    const own = random.fork()
    for (let turn = 0; !over && !(w % 2 === 0 && oldEnded); turn++) {
      const users = w % 2 === 0 ? old : young
      const id = `u${own.int(items)}`
      const made = userOf(items + turn * writers + w)
      const user = w % 2 === 0 ? made : { ...made, domain: domainOf(made.email) }
      const work =
        own.int(10) === 0
          ? users.insert(user)
          : own.int(30) === 0
            ? users.delete(id).then(() => gone.add(id))
            : users.update(id, own.int(2) === 0 ? { add: { n: 1 } } : { set: { team: `t${own.int(500)}` } })
      report.writes++
      await work.catch((error: { code?: string }) => {
        if (error.code !== 'NewerVersion' && error.code !== 'NotUnique' && error.code !== 'RaceCondition')
          throw error
        // Who knows whether it is there.
        gone.add(id)
        report.refused++
      })
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  const rate = { wruPerSecond: Number.POSITIVE_INFINITY }
  const share = Math.max(1, Math.floor((1.6 * items) / (kills + 1)))
  for (let looked = 0, state = ''; state !== 'complete'; ) {
    const db = new Mortal(open())
    const killed = resolvable()
    const until = report.kills < kills ? looked + random.between(0.5, 1) * share : Number.POSITIVE_INFINITY
    const progress = ({ looked: now }: { looked: number }) => {
      looked += 200
      if (looked < until || db.isKilled || now === 0) return
      db.isKilled = true
      killed.resolve(undefined)
    }
    const run = migrate(programs(db).young, { ...rate, onProgress: progress })
    const result = await Promise.race([run, killed.promise])
    if (!result) {
      report.kills++
      continue
    }
    report.problems += result.problems.length
    state = result.state
    log(
      `${state}: ${result.written} written by this one, ${report.kills} killed so far, ${report.writes} writes beside it`,
    )
    if (state === 'blocked') break
    if (state !== 'waiting') continue
    oldEnded = true
    await Promise.all(live.filter((_, w) => w % 2 === 0))
    advance(3_600_000)
  }
  over = true
  await Promise.all(live)
  const { young } = programs(open())
  const verified = await young.verify()
  report.wrong = verified.problems.length
  for (const { kind, index, key } of verified.problems.slice(0, 5))
    log(`${kind} ${index} ${key.pk} ${key.sk}`)
  report.lost = await lost(young, items, gone)
  report.seconds = (performance.now() - started) / 1000
  return report
}

async function fill(db: AtomicDbInterface, items: number): Promise<void> {
  const { old } = programs(db)
  let next = 0
  const worker = async () => {
    while (next < items) await old.insert(userOf(next++))
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}

async function lost(
  users: ReturnType<typeof programs>['young'],
  items: number,
  gone: ReadonlySet<string>,
): Promise<number> {
  let missing = 0
  for (let from = 0; from < items; from += 100) {
    const ids = Array.from({ length: Math.min(100, items - from) }, (_, i) => `u${from + i}`)
    const found = await users.getMany(ids)
    missing += found.filter((user, i) => !user && !gone.has(ids[i]!)).length
  }
  return missing
}

function resolvable(): { promise: Promise<undefined>; resolve: (value: undefined) => void } {
  let resolve: (value: undefined) => void = () => {}
  const promise = new Promise<undefined>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
