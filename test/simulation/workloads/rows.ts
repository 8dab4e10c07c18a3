import type { AtomicDbItem, AtomicDbOperation } from '../../../src/interface.ts'
import { lockKey } from '../../../src/model/key-names.ts'
import { consume, type Transaction, transaction } from '../../../src/transactions/index.ts'
import type { RowState } from '../../checkers/rows-model.ts'
import { type Actor, record, type Workload } from './actor.ts'
import type { RunTransaction } from './mixed.ts'

const pk = 'rows'
const queue = 'rows-queue'
// New rows after so many operations, or those of unknown outcome add up.
const generation = 60

/** Three rows that belong together, and what they hold next: every value is new. */
interface Rows {
  /** Of the history. */
  name: string
  skOf(row: string): string
  /** New values for these rows. */
  next(rows: readonly string[]): Record<string, number>
}

const all = ['a', 'b', 'c']
const expired = 1

/**
 * Transactions and messages on rows that others write plainly, by `set`, `update`, `delete`, `transact`, `setAtomic`
 * and with an expiry that is over: whatever a transaction saw and wrote was of one moment.
 */
export function rowsWorkload(run: RunTransaction = transaction): Workload {
  let count = 0
  let written = 0
  return {
    name: 'rows',
    async step(actor) {
      const age = Math.floor(count++ / generation)
      const rows: Rows = {
        name: `${pk}/${age}`,
        skOf: (row) => `${age}-${row}`,
        next: (names) => Object.fromEntries(names.map((row) => [row, ++written])),
      }
      const kind = actor.random.int(12)
      if (kind < 4) await inTransaction(actor, rows, run)
      else if (kind < 6) await byMessage(actor, rows)
      else if (kind < 7) await together(actor, rows)
      // Who holds locks does not notice plain writes: in every other generation there are the ones or the others.
      else if (age % 2 === 1) await plainly(actor, rows)
      else await underLocks(actor, rows)
    },
  }
}

const keyOf = (rows: Rows, row: string) => ({ pk, sk: rows.skOf(row) })
const itemOf = (rows: Rows, row: string, value: number): AtomicDbItem<number> => ({
  ...keyOf(rows, row),
  data: value,
})
const seen = (names: readonly string[], items: readonly (AtomicDbItem<number> | undefined)[]): RowState =>
  Object.fromEntries(names.map((row, i) => [row, items[i]?.data ?? null]))
const output = { output: (state: RowState) => state }

/** Reads some rows, one by one or together, and writes some, which it may not have read. */
async function inTransaction(actor: Actor, rows: Rows, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const reads = random.sample(all, 1 + random.int(3))
  const writes = rows.next(random.sample(all, random.int(3)))
  const send = random.chance(0.3)
  const options = { attempts: 4, ...(mayLeaveLocks(rows) && random.chance(0.5) ? { locks: false } : {}) }
  await record(
    actor,
    'rows',
    rows.name,
    writes,
    () =>
      run(
        db,
        async (tx) => {
          const state = await readBy(tx, rows, reads, random.chance(0.5))
          for (const [row, value] of Object.entries(writes)) tx.set(itemOf(rows, row, value))
          if (send) tx.queuePush({ pk: queue, data: 1 })
          return state
        },
        options,
      ),
    output,
  )
}

/** Where others hold locks, whoever writes moves them. */
const mayLeaveLocks = (rows: Rows): boolean => Number(rows.name.slice(pk.length + 1)) % 2 === 1

async function readBy(
  tx: Transaction,
  rows: Rows,
  names: readonly string[],
  apart: boolean,
): Promise<RowState> {
  const items: (AtomicDbItem<number> | undefined)[] = []
  if (apart) for (const row of names) items.push(await tx.get<number>(keyOf(rows, row)))
  else items.push(...(await tx.getMany<number>(names.map((row) => keyOf(rows, row)))))
  return seen(names, items)
}

/** The same by whoever has pulled a message, which goes with it. */
async function byMessage(actor: Actor, rows: Rows): Promise<void> {
  const { db, random } = actor
  const pulled = await record(actor, 'rows pull', queue, undefined, () =>
    db.queuePull({ pk: queue, ttlSeconds: 5 }),
  )
  if (!pulled?.item) return
  const { item } = pulled
  const reads = random.sample(all, 2)
  const writes = rows.next(random.sample(all, 1 + random.int(2)))
  await record(
    actor,
    'rows',
    rows.name,
    writes,
    () =>
      consume(
        db,
        item,
        async (tx) => {
          const state = await readBy(tx, rows, reads, false)
          for (const [row, value] of Object.entries(writes)) tx.set(itemOf(rows, row, value))
          return state
        },
        { attempts: 4 },
      ),
    output,
  )
}

async function together(actor: Actor, rows: Rows): Promise<void> {
  const read = () => actor.db.getTogether<number>(all.map((row) => keyOf(rows, row)))
  await record(actor, 'rows', rows.name, undefined, async () => seen(all, await read()), output)
}

/** Without a look at anything. */
async function plainly(actor: Actor, rows: Rows): Promise<void> {
  const { db, random } = actor
  const row = random.pick(all)
  const key = keyOf(rows, row)
  const write = rows.next([row])
  const value = write[row]!
  const gone = { [row]: null }
  const plain = { repeatable: true }
  const way = random.int(7)
  if (way < 2)
    await record(actor, 'rows', rows.name, write, () => db.set(itemOf(rows, row, value)), unseen(plain))
  else if (way < 3)
    await record(actor, 'rows', rows.name, write, () => db.update(key, { set: { '': value } }), unseen())
  else if (way < 4) await record(actor, 'rows', rows.name, gone, () => db.delete(key), unseen(plain))
  else if (way < 5)
    await record(
      actor,
      'rows',
      rows.name,
      gone,
      () => db.set({ ...itemOf(rows, row, value), ttl: expired }),
      unseen(plain),
    )
  else if (way < 6) {
    const writes = rows.next(random.sample(all, 2))
    const operations = Object.entries(writes).map(
      ([name, data]): AtomicDbOperation => ({ type: 'set', item: itemOf(rows, name, data) }),
    )
    await record(actor, 'rows', rows.name, writes, () => db.transact(operations), unseen())
  } else {
    const items = Object.entries(write).map(([name, data]) => itemOf(rows, name, data))
    await record(
      actor,
      'rows',
      rows.name,
      write,
      async () => db.setAtomic(items, await db.getLock(lockKey(key))),
      unseen(),
    )
  }
}

const unseen = (options: { repeatable?: boolean } = {}) => ({ ...options, output: () => undefined })

/** Item and lock as of one moment, and a write that rests on both. */
async function underLocks(actor: Actor, rows: Rows): Promise<void> {
  const { db, random } = actor
  const names = random.sample(all, 1 + random.int(2))
  const writes = rows.next(names)
  await record(
    actor,
    'rows',
    rows.name,
    writes,
    async () => {
      const locked = await db.getLocked<number>(names.map((row) => keyOf(rows, row)))
      const items = Object.entries(writes).map(([row, value]) => itemOf(rows, row, value))
      await db.setAtomic(
        items,
        locked.map(({ lock }) => lock),
      )
      return seen(
        names,
        locked.map(({ item }) => item),
      )
    },
    output,
  )
}
