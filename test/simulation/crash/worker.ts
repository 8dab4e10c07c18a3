/** A process that moves money about until it is killed. Run by bank.ts. */

import { AtomicDynamoDB } from '../../../src/dynamo/index.ts'
import { AtomicDbError, atomic, consume, lockKey, transaction } from '../../../src/index.ts'
import { Random } from '../../../src/testing/random.ts'
import { localClient } from '../local/run.ts'
import { type Account, accounts, queue, type Transfer } from './bank.ts'

const [endpoint, table, seed] = process.argv.slice(2)
const db = new AtomicDynamoDB(localClient(endpoint!), table!)
const random = new Random(seed!)

const two = () => random.sample(accounts, 2) as [(typeof accounts)[number], (typeof accounts)[number]]

async function inTransaction(): Promise<void> {
  const [from, to] = two()
  await transaction(db, async (tx) => {
    const [a, b] = await tx.getMany<Account>([from, to])
    const amount = Math.min(a!.data.balance, 1 + random.int(20))
    tx.set({ ...from, data: { balance: a!.data.balance - amount } })
    tx.set({ ...to, data: { balance: b!.data.balance + amount } })
  })
}

async function underLocks(): Promise<void> {
  const [from, to] = two()
  const [a, b] = await db.getLocked<Account>([from, to])
  const amount = Math.min(a!.item!.data.balance, 1 + random.int(20))
  await db.setAtomic(
    [
      { ...from, data: { balance: a!.item!.data.balance - amount } },
      { ...to, data: { balance: b!.item!.data.balance + amount } },
    ],
    [a!.lock, b!.lock],
  )
}

async function send(): Promise<void> {
  const [from, to] = two()
  const lock = await db.getLock(lockKey(from))
  const balance = (await db.get<Account>(from))!.data.balance
  const amount = Math.min(balance, 1 + random.int(20))
  if (amount === 0) return
  await atomic(db)
    .bump(lock)
    .set({ ...from, data: { balance: balance - amount } })
    .queuePush({ pk: queue, data: { to: to.sk, amount } satisfies Transfer })
    .commit()
}

async function receive(): Promise<void> {
  const { item } = await db.queuePull<Transfer>({ pk: queue, ttlSeconds: 1 })
  if (!item) return
  await consume(db, item, async (tx, { data }) => {
    const key = { pk: 'account', sk: data.to }
    const account = await tx.get<Account>(key)
    tx.set({ ...key, data: { balance: account!.data.balance + data.amount } })
  })
}

process.on('disconnect', () => process.exit())
for (let done = 0; ; done++) {
  try {
    await random.pick([inTransaction, underLocks, send, receive])()
  } catch (error) {
    // Races and lost messages are what this is about; the total must be right all the same.
    if (!(error instanceof AtomicDbError)) throw error
  }
  if (done % 10 === 0) process.send?.(10)
}
