import type { AtomicDbOperation } from '../../../src/interface.ts'
import { lockKey } from '../../../src/model/key-names.ts'
import { transaction } from '../../../src/transactions/index.ts'
import type { MicroOp } from '../../checkers/serializability.ts'
import { type Actor, record, type Workload } from './actor.ts'
import type { RunTransaction } from './mixed.ts'

const pk = 'list'
// New lists after so many transactions, or what is read grows for ever.
const generation = 80

/** Transactions that read and append to lists: from what they saw the checker infers their order. */
export function listsWorkload(run: RunTransaction = transaction): Workload {
  let count = 0
  return {
    name: 'lists',
    async step(actor) {
      const { random } = actor
      const age = Math.floor(count / generation)
      const keys = [0, 1, 2].map((i) => `${age}-${i}`)
      const wanted = random
        .sample(keys, 1 + random.int(3))
        .map((key): MicroOp => (random.chance(0.5) ? ['append', key, ++count] : ['r', key, []]))
      // Who holds locks does not notice plain writes: in every other generation there are the ones or the others.
      const plain = age % 2 === 1
      if (random.chance(0.6)) await optimistic(actor, wanted, run, plain && random.chance(0.5))
      else if (plain) await plainly(actor, keys, () => ++count)
      else await underLocks(actor, wanted)
    },
  }
}

const output = { output: (seen: MicroOp[]) => seen }

async function optimistic(
  actor: Actor,
  wanted: readonly MicroOp[],
  run: RunTransaction,
  withoutLocks: boolean,
): Promise<void> {
  const { db } = actor
  await record(
    actor,
    'txn',
    pk,
    wanted,
    () =>
      run(
        db,
        async (tx) => {
          const seen: MicroOp[] = []
          for (const [op, sk, value] of wanted) {
            const list = (await tx.get<number[]>({ pk, sk }))?.data ?? []
            if (op === 'append') tx.set({ pk, sk, data: [...list, value] })
            // What an append rests on was read as well.
            seen.push(['r', sk, list])
            if (op === 'append') seen.push([op, sk, value])
          }
          return seen
        },
        { attempts: 4, ...(withoutLocks ? { locks: false } : {}) },
      ),
    output,
  )
}

/** One append without any lock: what `update` promises, or a transaction of several. */
async function plainly(actor: Actor, keys: readonly string[], next: () => number): Promise<void> {
  const { db, random } = actor
  const wanted = random.sample(keys, 1 + random.int(2)).map((sk): MicroOp => ['append', sk, next()])
  const appends = wanted.map(
    ([, sk, value]): Extract<AtomicDbOperation, { type: 'update' }> => ({
      type: 'update',
      key: { pk, sk },
      changes: { append: [[[], [value]]] },
    }),
  )
  const [first] = appends
  await record(
    actor,
    'txn',
    pk,
    wanted,
    async () => {
      if (appends.length > 1) await db.transact(appends)
      else await db.update(first!.key, first!.changes, { exactlyOnce: random.chance(0.5) })
      return wanted as MicroOp[]
    },
    output,
  )
}

async function underLocks(actor: Actor, wanted: readonly MicroOp[]): Promise<void> {
  const { db } = actor
  await record(
    actor,
    'txn',
    pk,
    wanted,
    async () => {
      const locks = []
      for (const [, sk] of wanted) locks.push(await db.getLock(lockKey({ pk, sk })))
      const seen: MicroOp[] = []
      const operations: AtomicDbOperation[] = []
      for (const [i, [op, sk, value]] of wanted.entries()) {
        if (op === 'append') {
          operations.push({ type: 'bump', lock: locks[i]! })
          operations.push({ type: 'update', key: { pk, sk }, changes: { append: [[[], [value]]] } })
          seen.push([op, sk, value])
        } else {
          operations.push({ type: 'check', lock: locks[i]! })
          seen.push(['r', sk, (await db.get<number[]>({ pk, sk }))?.data ?? []])
        }
      }
      await db.transact(operations)
      return seen
    },
    output,
  )
}
