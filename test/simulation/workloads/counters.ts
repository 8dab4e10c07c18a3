import type { AtomicDbItem } from '../../../src/interface.ts'
import { lockKey } from '../../../src/model/key-names.ts'
import { transaction } from '../../../src/transactions/index.ts'
import { type Actor, record, type Workload } from './actor.ts'

interface Count {
  n: number
}

const value = (item: AtomicDbItem<Count> | undefined): number => item?.data.n ?? 0

/**
 * Counters, each kept in another way: by `update` (`free`, and `stock`, which never falls below 0), and by reading
 * and writing under a lock (`locked`). None may lose or double an addition.
 */
export function countersWorkload(): Workload {
  return {
    name: 'counters',
    async step(actor) {
      const { random } = actor
      const kind = random.int(12)
      if (kind < 2) await read(actor, random.pick(['free', 'stock', 'locked']))
      else if (kind < 4) await add(actor, 'free', random.pick([1, 2, 3]))
      else if (kind < 8) await add(actor, 'stock', random.pick([5, -1, -2, -3]))
      else await underLock(actor)
    },
    async finish(actor) {
      for (const sk of ['free', 'stock', 'locked']) await read(actor, sk)
    },
  }
}

const pk = 'counter'

async function read(actor: Actor, sk: string): Promise<void> {
  await record(actor, 'read', `${pk}/${sk}`, undefined, () => actor.db.get<Count>({ pk, sk }), {
    output: value,
  })
}

async function add(actor: Actor, sk: string, amount: number): Promise<void> {
  const { db, random } = actor
  const key = { pk, sk }
  const changes = { add: { n: amount } }
  const condition = amount < 0 ? { if: { n: { gte: -amount } } } : {}
  const kind = random.int(10)
  if (kind < 3) {
    const options = kind < 1 ? { idempotencyKey: `add-${random.int(2 ** 48)}` } : {}
    await record(actor, 'add', `${pk}/${sk}`, amount, () =>
      db.transact([{ type: 'update', key, changes, ...condition }], options),
    )
    return
  }
  const exactlyOnce = kind < 5
  await record(
    actor,
    'add',
    `${pk}/${sk}`,
    amount,
    () => db.update<Count>(key, changes, { ...condition, exactlyOnce }),
    {
      output: ({ applied, item }, certain) => {
        if (!applied) return false
        return exactlyOnce || !certain ? undefined : value(item)
      },
    },
  )
}

/** The same addition in each of the ways in which the contract lets one do it safely. */
async function underLock(actor: Actor): Promise<void> {
  const { db, random } = actor
  const key = { pk, sk: 'locked' }
  const ways = [
    async () => {
      const lock = await db.getLock(lockKey(key))
      const next = value(await db.get<Count>(key)) + 1
      await db.setAtomic({ ...key, data: { n: next } }, lock)
      return next
    },
    async () => {
      const [both] = await db.getLocked<Count>([key])
      const next = value(both!.item) + 1
      await db.setAtomic({ ...key, data: { n: next } }, both!.lock)
      return next
    },
    async () => {
      const lock = await db.getLock(lockKey(key))
      const next = value(await db.get<Count>(key)) + 1
      await db.transact([
        { type: 'bump', lock },
        { type: 'update', key, changes: { set: { n: next } } },
      ])
      return next
    },
    () =>
      transaction(
        db,
        async (tx) => {
          const next = value(await tx.get<Count>(key)) + 1
          tx.set({ ...key, data: { n: next } })
          return next
        },
        { attempts: 3 },
      ),
  ]
  await record(actor, 'add', `${pk}/${key.sk}`, 1, random.pick(ways), { output: (next) => next })
}
