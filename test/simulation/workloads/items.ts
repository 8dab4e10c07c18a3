import type { Changes, FieldChanges } from '../../../src/contract/changes.ts'
import { absent, type Condition, exists } from '../../../src/contract/conditions.ts'
import { ConditionFailed, PartialWrite, RaceCondition } from '../../../src/errors.ts'
import type { AtomicDbItem } from '../../../src/interface.ts'
import type { Random } from '../../../src/testing/random.ts'
import { transaction } from '../../../src/transactions/index.ts'
import { applyUpdate, type Item, type ItemUpdate, meets } from '../../checkers/item-model.ts'
import { type Actor, addTwins, record, type Workload } from './actor.ts'
import type { RunTransaction } from './mixed.ts'

const pk = 'item'
const keys = ['i0', 'i1', 'i2']
/** The field `last` of whatever is written is new each time. */
let written = 0

const shown = (item: AtomicDbItem | undefined): Item | null => (item ? (item.data as Item) : null)

/** Reads, writes and conditional updates of a few items, each of which must behave like a single copy. */
export function itemsWorkload(run: RunTransaction = transaction): Workload {
  written = 0
  return { name: 'items', step: (actor) => step(actor, run) }
}

async function step(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const sk = random.pick(keys)
  const key = { pk, sk }
  const name = `${pk}/${sk}`
  const kind = random.int(28)
  if (kind < 4) await record(actor, 'get', name, undefined, () => db.get(key), { output: shown })
  else if (kind < 5) await readAll(actor, () => db.getMany(keys.map((one) => ({ pk, sk: one }))))
  else if (kind < 6) await readAll(actor, () => db.query({ pk }))
  else if (kind < 7) await peek(actor, sk)
  else if (kind < 9) {
    const data = fresh(random)
    await record(actor, 'set', name, data, () => db.set({ ...key, data }), { repeatable: true })
  } else if (kind < 10) {
    await record(actor, 'delete', name, undefined, () => db.delete(key), { repeatable: true })
  } else if (kind < 11) await transactAll(actor)
  else if (kind < 14) await peek(actor, sk)
  else if (kind < 16) await setSeveral(actor)
  else if (kind < 24) await conditional(actor, sk)
  else await conditionalInTransaction(actor, sk, run)
}

const fresh = (random: Random): Item => ({ n: random.int(5), last: `s${++written}` })

/** An eventually consistent read may be old, but what it shows was written some time. */
async function peek(actor: Actor, sk: string): Promise<void> {
  const { db, random } = actor
  const way = random.int(3)
  const options = { consistent: false }
  const item = await record(actor, 'peek', `peek/${sk}`, undefined, async () => {
    if (way === 0) return db.get<Item>({ pk, sk }, options)
    if (way === 1) return (await db.getMany<Item>([{ pk, sk }], options))[0]
    return (await db.query<Item>({ pk, ...options })).find((one) => one.sk === sk)
  })
  const last = item?.data.last
  if (last !== undefined && !(Number(String(last).slice(1)) <= written))
    actor.anomaly('unwritten', `${pk}/${sk} shows ${last}, which nobody wrote`)
}

/** One read of several items is several reads: each as of some moment between the call and its reply. */
async function readAll(actor: Actor, read: () => Promise<(AtomicDbItem | undefined)[]>): Promise<void> {
  const { history, name } = actor
  const ids = keys.map((sk) => history.invoke(name, 'get', `${pk}/${sk}`))
  const items = await read().catch(() => undefined)
  keys.forEach((sk, i) => {
    if (items) history.complete(ids[i]!, 'ok', shown(items.find((item) => item?.sk === sk)))
    else history.complete(ids[i]!, 'fail')
  })
}

/** All or nothing; each part is recorded by itself. */
async function transactAll(actor: Actor): Promise<void> {
  const { db, history, name, random } = actor
  const some = random.sample(keys, 1 + random.int(3)).map((sk) => ({ sk, data: fresh(random) }))
  const ids = some.map(({ sk, data }) => history.invoke(name, 'set', `${pk}/${sk}`, data))
  let outcome: 'ok' | 'fail' | 'info' = 'ok'
  try {
    await db.transact(some.map(({ sk, data }) => ({ type: 'set', item: { pk, sk, data } })))
  } catch (error) {
    outcome = error instanceof RaceCondition || error instanceof ConditionFailed ? 'fail' : 'info'
  }
  for (const id of ids) history.complete(id, outcome)
}

/** Not all or nothing: what `PartialWrite` does not list was written. */
async function setSeveral(actor: Actor): Promise<void> {
  const { db, history, name, random } = actor
  const some = random.sample(keys, 2 + random.int(2)).map((sk) => ({ sk, data: fresh(random) }))
  const doubts = actor.doubts()
  const ids = some.map(({ sk, data }) => history.invoke(name, 'set', `${pk}/${sk}`, data))
  const error = await db.set(some.map(({ sk, data }) => ({ pk, sk, data }))).catch((e: unknown) => e)
  ids.forEach((id, i) => {
    addTwins(actor, id, actor.doubts() - doubts)
    const listed = error instanceof PartialWrite && error.keys.some(({ sk }) => sk === some[i]!.sk)
    const unknown = listed || (error !== undefined && !(error instanceof PartialWrite))
    history.complete(id, unknown ? 'info' : 'ok')
  })
}

/** The same as a conditional update, by a callback that reads, decides and writes. */
async function conditionalInTransaction(actor: Actor, sk: string, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const change = randomUpdate(random)
  const way = random.int(3)
  await record(
    actor,
    'update',
    `${pk}/${sk}`,
    change,
    () =>
      run(
        db,
        async (tx) => {
          const [found] = way === 0 ? [await tx.get<Item>({ pk, sk })] : await tx.getMany<Item>([{ pk, sk }])
          if (!meets(shown(found), change.if)) return { applied: false, item: shown(found) }
          const after = applyUpdate(shown(found), change)
          tx.set({ pk, sk, data: after })
          return { applied: true, item: after }
        },
        { attempts: 4, ...(random.chance(0.5) ? { locks: false } : {}) },
      ),
    { output: (result) => result },
  )
}

async function conditional(actor: Actor, sk: string): Promise<void> {
  const { db, random } = actor
  const change = randomUpdate(random)
  const condition =
    change.if === 'exists' ? exists : change.if === 'absent' ? absent : (change.if as Condition | undefined)
  const changes: FieldChanges = {}
  if (change.set) changes.set = change.set
  if (change.add) changes.add = change.add
  if (change.remove) changes.remove = change.remove
  const exactlyOnce = random.chance(0.25)
  await record(
    actor,
    'update',
    `${pk}/${sk}`,
    change,
    () =>
      db.update<Item>({ pk, sk }, changes as Changes<Item>, {
        ...(condition ? { if: condition as Condition<Item> } : {}),
        exactlyOnce,
      }),
    {
      // What is returned after a doubt, or read after a transaction, may show later writes.
      output: ({ applied, item }, certain) =>
        applied && (exactlyOnce || !certain) ? { applied } : { applied, item: shown(item) },
    },
  )
}

function randomUpdate(random: Random): ItemUpdate {
  const change: ItemUpdate = {}
  const condition = random.int(5)
  if (condition === 0) change.if = 'exists'
  else if (condition === 1) change.if = random.chance(0.3) ? 'absent' : { n: { gte: 2 } }
  else if (condition === 2) change.if = { n: { lt: 4 } }
  if (random.chance(0.6)) change.add = { n: random.pick([1, 2, -1]) }
  if (!change.add || random.chance(0.5)) change.set = { last: `u${++written}` }
  if (random.chance(0.1)) change.remove = ['gone']
  return change
}
