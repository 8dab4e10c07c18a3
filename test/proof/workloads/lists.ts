import { lockKey } from '../../../src/engine/keys.ts'
import type { AtomicDbOperation } from '../../../src/interface.ts'
import { transaction } from '../../../src/transactions/index.ts'
import type { MicroOp } from '../serializability.ts'
import { type Actor, record, type Workload } from './actor.ts'

const pk = 'list'
// New lists after so many transactions, or what is read grows for ever.
const generation = 80

/** Transactions that read and append to lists: from what they saw the checker infers their order. */
export function listsWorkload(): Workload {
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
      if (random.chance(0.6)) await optimistic(actor, wanted)
      else await underLocks(actor, wanted)
    },
  }
}

const output = { output: (seen: MicroOp[]) => seen }

async function optimistic(actor: Actor, wanted: readonly MicroOp[]): Promise<void> {
  const { db } = actor
  await record(
    actor,
    'txn',
    pk,
    wanted,
    () =>
      transaction(
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
        { attempts: 4 },
      ),
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
