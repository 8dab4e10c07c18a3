import type { AtomicDbItem } from '../../../src/interface.ts'
import { lockKey } from '../../../src/model/key-names.ts'
import { atomic } from '../../../src/transactions/index.ts'
import { type Actor, record, type Workload } from './actor.ts'
import { type Entry, RangeLedger } from './range-ledger.ts'

const pk = 'range'

/**
 * One partition to which all append, each entry once, which they read in every way that goes over a range, and of
 * which they delete parts: what was there all the time is seen, what was never there or is deleted is not.
 */
export function rangesWorkload(): Workload {
  const ledger = new RangeLedger()
  return {
    name: 'ranges',
    async step(actor) {
      const kind = actor.random.int(12)
      if (kind < 5) await append(actor, ledger)
      else if (kind < 6) await lockOne(actor, ledger)
      else if (kind < 11) await scan(actor, ledger)
      else await remove(actor, ledger)
    },
    async finish(actor) {
      for (const way of ways) await scan(actor, ledger, way)
    },
  }
}

/** By its token once, whatever is lost. */
async function append(actor: Actor, ledger: RangeLedger): Promise<void> {
  const { db, random } = actor
  const entries = Array.from({ length: 1 + random.int(3) }, () => ledger.announce())
  const items = entries.map(({ sk }) => ({ pk, sk, data: sk }))
  await record(
    actor,
    'append',
    pk,
    entries.map(({ sk }) => sk),
    async () => {
      const builder = atomic(db).setIfAbsent(items)
      await builder.commit()
    },
    { ended: (outcome) => ledger.appended(entries, outcome) },
  )
}

/** Lock rows among the items, which no read of a range shows. */
async function lockOne(actor: Actor, ledger: RangeLedger): Promise<void> {
  const entry = ledger.pick(actor.random)
  if (entry) await record(actor, 'lock', pk, entry.sk, () => actor.db.getLock(lockKey({ pk, sk: entry.sk })))
}

const ways = ['query', 'stream', 'page', 'count'] as const
type Way = (typeof ways)[number]

async function scan(actor: Actor, ledger: RangeLedger, way?: Way): Promise<void> {
  const { db, random } = actor
  const by = way ?? random.pick(ways)
  const reverse = random.chance(0.3)
  const from = random.chance(0.3) ? ledger.pick(random)?.sk : undefined
  const range = { pk, consistent: true, ...(from === undefined ? {} : { from }) }
  const since = ledger.now()
  if (by === 'count') {
    const count = await record(actor, 'count', pk, from, () => db.count(range), { output: (n) => n })
    if (count !== undefined) report(actor, by, ledger.judgeCount(count, from, since))
    return
  }
  const items = await record(actor, by, pk, { from, reverse }, () => read(actor, by, { ...range, reverse }), {
    output: (found) => found.map(({ sk }) => sk),
  })
  if (items) report(actor, by, ledger.judge(items, { from, reverse, since }))
}

interface Scan {
  pk: string
  reverse: boolean
}

async function read({ db, random }: Actor, way: Way, query: Scan): Promise<AtomicDbItem[]> {
  if (way === 'query') return db.query(query)
  const items: AtomicDbItem[] = []
  if (way === 'stream') {
    for await (const item of db.stream(query)) items.push(item)
    return items
  }
  const limit = 1 + random.int(6)
  let cursor: string | undefined
  do {
    const page = await db.page({ ...query, limit, cursor })
    if (page.items.length > limit) throw new Error(`a page of ${limit} has ${page.items.length} items`)
    items.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return items
}

async function remove(actor: Actor, ledger: RangeLedger): Promise<void> {
  const { db, random } = actor
  const to: Entry | undefined = random.chance(0.8) ? ledger.pick(random) : undefined
  const deletion = ledger.deletes(to?.sk)
  const most = ledger.possible()
  const result = await record(
    actor,
    'delete range',
    pk,
    to?.sk,
    () => db.deleteRange(to ? { pk, to: to.sk } : { pk }),
    { output: ({ deleted }) => deleted, ended: (outcome) => ledger.deleted(deletion, outcome === 'ok') },
  )
  // What was lost and sent again is counted once.
  if (result && result.deleted > Math.max(most, ledger.possible()))
    actor.anomaly('range: deleted', `${result.deleted} were deleted of at most ${most}`)
}

function report(actor: Actor, way: Way, wrong: readonly string[]): void {
  for (const what of wrong) actor.anomaly(`range: ${what.split(':')[0]}`, `${way}: ${what}`)
}
