import type { AtomicDbItemKey } from '../../../src/interface.ts'
import { lockKey } from '../../../src/model/key-names.ts'
import { transaction } from '../../../src/transactions/index.ts'
import { type Actor, record, type Workload } from './actor.ts'
import type { RunTransaction } from './mixed.ts'

interface Account {
  balance: number
}
interface Doctor {
  onCall: boolean
}

const accounts = ['a0', 'a1', 'a2', 'a3'].map((sk) => ({ pk: 'bank', sk }))
const doctors = ['d0', 'd1'].map((sk) => ({ pk: 'doctor', sk }))
const each = 100

/**
 * Transfers, of which every reader must see the same total (a torn read or a lost update shows), and two doctors of
 * whom one must stay on call (write skew shows): what goes wrong under anything less than serializability.
 */
export function transactionsWorkload(run: RunTransaction = transaction): Workload {
  return {
    name: 'transactions',
    async step(actor) {
      const kind = actor.random.int(10)
      if (kind < 2) await transferInTransaction(actor, run)
      else if (kind < 4) await transferUnderLocks(actor)
      else if (kind < 6) await total(actor, run)
      else if (kind < 9) await takeTurns(actor, run)
      else await onCall(actor)
    },
    async finish(actor) {
      await total(actor, run)
      await onCall(actor)
    },
  }
}

const balanceOf = (item: { data: Account } | undefined): number => item?.data.balance ?? each

const two = (actor: Actor) => actor.random.sample(accounts, 2) as [AtomicDbItemKey, AtomicDbItemKey]

async function transferInTransaction(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const [from, to] = two(actor)
  const apart = random.chance(0.5)
  await record(actor, 'transfer', 'bank', [from.sk, to.sk], () =>
    run(
      db,
      async (tx) => {
        const [a, b] = apart
          ? [await tx.get<Account>(from), await tx.get<Account>(to)]
          : await tx.getMany<Account>([from, to])
        const amount = Math.min(balanceOf(a), 1 + random.int(30))
        tx.set({ ...from, data: { balance: balanceOf(a) - amount } })
        tx.set({ ...to, data: { balance: balanceOf(b) + amount } })
      },
      { attempts: 3 },
    ),
  )
}

async function transferUnderLocks(actor: Actor): Promise<void> {
  const { db, random } = actor
  const [from, to] = two(actor)
  await record(actor, 'transfer', 'bank', [from.sk, to.sk], async () => {
    let locks = []
    let balances: number[]
    if (random.chance(0.5)) {
      const both = await db.getLocked<Account>([from, to])
      locks = both.map(({ lock }) => lock)
      balances = both.map(({ item }) => balanceOf(item))
    } else {
      locks = [await db.getLock(lockKey(from)), await db.getLock(lockKey(to))]
      balances = (await db.getMany<Account>([from, to])).map(balanceOf)
    }
    const amount = Math.min(balances[0]!, 1 + random.int(30))
    await db.setAtomic(
      [
        { ...from, data: { balance: balances[0]! - amount } },
        { ...to, data: { balance: balances[1]! + amount } },
      ],
      locks,
    )
  })
}

/** One moment, in the two ways in which the contract gives it. */
async function total(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const items = await record(
    actor,
    'total',
    'bank',
    undefined,
    async () => {
      if (random.chance(0.3)) return (await db.getLocked<Account>(accounts)).map(({ item }) => item)
      if (random.chance(0.5)) return run(db, (tx) => tx.getMany<Account>(accounts), { attempts: 3 })
      return run(
        db,
        async (tx) => [
          ...(await tx.getMany<Account>(accounts.slice(0, 2))),
          ...(await tx.getMany<Account>(accounts.slice(2))),
        ],
        { attempts: 3 },
      )
    },
    { output: (found) => found.map(balanceOf) },
  )
  if (!items) return
  const sum = items.map(balanceOf).reduce((all, one) => all + one, 0)
  if (sum !== each * accounts.length)
    actor.anomaly('bank: total', `the accounts hold ${sum} and not ${each * accounts.length}`)
}

const isOnCall = (item: { data: Doctor } | undefined): boolean => item?.data.onCall ?? true

/** Each doctor may leave if the other one stays: reads both, writes one. */
async function takeTurns(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const me = random.int(2)
  await record(actor, 'turn', 'doctor', me, () =>
    run(
      db,
      async (tx) => {
        const both = random.chance(0.5)
          ? await tx.getMany<Doctor>(doctors)
          : [await tx.get<Doctor>(doctors[0]!), await tx.get<Doctor>(doctors[1]!)]
        if (!isOnCall(both[me])) tx.set({ ...doctors[me]!, data: { onCall: true } })
        else if (isOnCall(both[1 - me])) tx.set({ ...doctors[me]!, data: { onCall: false } })
      },
      { attempts: 3 },
    ),
  )
}

async function onCall(actor: Actor): Promise<void> {
  const { db } = actor
  const both = await record(actor, 'on call', 'doctor', undefined, () => db.getLocked<Doctor>(doctors), {
    output: (found) => found.map(({ item }) => isOnCall(item)),
  })
  if (both && !both.some(({ item }) => isOnCall(item)))
    actor.anomaly('doctors: write skew', 'nobody is on call')
}
