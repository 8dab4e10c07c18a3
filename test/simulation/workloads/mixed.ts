import { StaleReceipt } from '../../../src/errors.ts'
import { lockKey } from '../../../src/index.ts'
import type { AtomicDbItem, AtomicDbOperation } from '../../../src/interface.ts'
import { consume, transaction } from '../../../src/transactions/index.ts'
import { type Actor, record, type Workload } from './actor.ts'

interface Purse {
  balance: number
}

const each = 100
const purses = ['p0', 'p1', 'p2'].map((sk) => ({ pk: 'purse', sk }))
const wages = ['w0', 'w1'].map((sk) => ({ pk: 'wage', sk }))
const wageQueue = 'wage-queue'
const voucher = { pk: 'voucher', sk: 'v' }
const seats = ['s0', 's1'].map((sk) => ({ pk: 'seat', sk }))

export type RunTransaction = typeof transaction

/** A seat that somebody was told to have. */
interface Seat {
  sk: string
  confirmedAt: number
  until: number
}

/**
 * Transactions among people who know nothing of locks: plain transfers, updates, sets and deletes, messages that
 * carry money, and items that expire while a callback is at work.
 */
export function mixedWorkload(run: RunTransaction = transaction): Workload {
  const taken: Seat[] = []
  return {
    name: 'mixed',
    async step(actor) {
      const kind = actor.random.int(12)
      if (kind < 3) await transfer(actor, run)
      else if (kind < 6) await plainTransfer(actor)
      else if (kind < 7) await total(actor, run)
      else if (kind < 8) await pay(actor, run)
      else if (kind < 9) await receive(actor)
      else if (kind < 10) await redeem(actor, run)
      else if (kind < 11) await issue(actor)
      else await takeSeat(actor, run, taken)
    },
    async finish(actor) {
      await total(actor, run)
      await wagesAddUp(actor)
    },
  }
}

const balanceOf = (item: { data: Purse } | undefined): number => item?.data.balance ?? each

async function transfer(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const [from, to] = random.sample(purses, 2) as [(typeof purses)[0], (typeof purses)[0]]
  const way = random.int(3)
  const locks = random.chance(0.5)
  await record(actor, 'transfer', 'purse', [from.sk, to.sk], () =>
    run(
      db,
      async (tx) => {
        const [a, b] =
          way === 0
            ? await tx.getMany<Purse>([from, to])
            : way === 1
              ? [await tx.get<Purse>(from), await tx.get<Purse>(to)]
              : await fromQuery(() => tx.query<Purse>({ pk: 'purse' }), [from.sk, to.sk])
        const amount = Math.min(balanceOf(a), 1 + random.int(30))
        // One of them by `update`, which must see what was read.
        tx.set({ ...from, data: { balance: balanceOf(a) - amount } })
        if (b && way === 0) await tx.update(to, { add: { balance: amount } })
        else tx.set({ ...to, data: { balance: balanceOf(b) + amount } })
      },
      { attempts: 4, ...(locks ? {} : { locks: false }) },
    ),
  )
}

async function fromQuery(
  query: () => Promise<AtomicDbItem<Purse>[]>,
  names: readonly string[],
): Promise<(AtomicDbItem<Purse> | undefined)[]> {
  const items = await query()
  // Purses are never deleted: while one has not been made yet, nobody may conclude from its absence in a query.
  if (items.length < purses.length) throw new NotYet()
  return names.map((name) => items.find(({ sk }) => sk === name))
}

class NotYet extends StaleReceipt {
  constructor() {
    super('not all purses are there')
  }
}

async function plainTransfer(actor: Actor): Promise<void> {
  const { db, random } = actor
  const [from, to] = random.sample(purses, 2) as [(typeof purses)[0], (typeof purses)[0]]
  const amount = 1 + random.int(20)
  await record(actor, 'plain transfer', 'purse', [from.sk, to.sk], () =>
    db.transact([
      {
        type: 'update',
        key: from,
        changes: { add: { balance: -amount } },
        if: { balance: { gte: amount } },
      },
      { type: 'update', key: to, changes: { add: { balance: amount } }, if: { balance: { exists: true } } },
    ]),
  )
}

/** In two reads: what they saw must be of one moment, or the callback runs again. */
async function total(actor: Actor, run: RunTransaction): Promise<void> {
  const { db } = actor
  const items = await record(
    actor,
    'total',
    'purse',
    undefined,
    () =>
      run(
        db,
        async (tx) => [await tx.get<Purse>(purses[0]!), ...(await tx.getMany<Purse>(purses.slice(1)))],
        { attempts: 4 },
      ),
    { output: (found) => found.map(balanceOf) },
  )
  if (!items) return
  const sum = items.map(balanceOf).reduce((all, one) => all + one, 0)
  if (sum !== each * purses.length)
    actor.anomaly('purse: total', `the purses hold ${sum} and not ${each * purses.length}`)
}

async function pay(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  const from = random.pick(wages)
  await record(actor, 'pay', 'wage', from.sk, () =>
    run(
      db,
      async (tx) => {
        const item = await tx.get<Purse>(from)
        const amount = Math.min(balanceOf(item), 1 + random.int(20))
        tx.set({ ...from, data: { balance: balanceOf(item) - amount } })
        tx.queuePush({ pk: wageQueue, data: { amount } })
      },
      { attempts: 4 },
    ),
  )
  // Somebody who only moves money, and looks at nothing.
  if (random.chance(0.5))
    await record(actor, 'raise', 'wage', undefined, () =>
      db.transact(
        wages.map(
          (key, i): AtomicDbOperation => ({
            type: 'update',
            key,
            changes: { add: { balance: i === 0 ? 1 : -1 } },
            if: { balance: { exists: true } },
          }),
        ),
      ),
    )
}

async function receive(actor: Actor): Promise<void> {
  const { db, random } = actor
  const to = random.pick(wages)
  await record(actor, 'receive', 'wage', to.sk, async () => {
    const { item } = await db.queuePull<{ amount: number }>({ pk: wageQueue, ttlSeconds: 5 })
    if (!item) return
    await consume(
      db,
      item,
      async (tx, message) => {
        const wage = await tx.get<Purse>(to)
        tx.set({ ...to, data: { balance: balanceOf(wage) + message.data.amount } })
      },
      { attempts: 4 },
    )
  })
}

async function wagesAddUp(actor: Actor): Promise<void> {
  const items = await actor.db.getMany<Purse>(wages)
  const sent = await actor.db.queuePeek<{ amount: number }>({ pk: wageQueue, limit: 1000 })
  const dead = await actor.db.queuePeek<{ amount: number }>({ pk: `${wageQueue}#dead`, limit: 1000 })
  const sum =
    items.map(balanceOf).reduce((all, one) => all + one, 0) +
    [...sent, ...dead].reduce((all, { data }) => all + data.amount, 0)
  if (sum !== each * wages.length)
    actor.anomaly('wage: total', `wages and messages hold ${sum} and not ${each * wages.length}`)
}

interface Voucher {
  id: number
  used?: boolean
}

/** A voucher that was seen unused and alive must be both when it is used up. */
async function redeem(actor: Actor, run: RunTransaction): Promise<void> {
  const { db, random } = actor
  let end = 0
  const used = await record(actor, 'redeem', 'voucher', undefined, () =>
    run(
      db,
      async (tx) => {
        const item = await tx.get<Voucher>(voucher)
        if (random.chance(0.3)) await db.runtime.sleep(actor.hurried ? 5 : random.between(0, 2500))
        end = db.runtime.now()
        if (!item || item.data.used) return undefined
        if (random.chance(0.5)) tx.set({ ...item, data: { ...item.data, used: true } })
        else tx.set({ pk: 'voucher', sk: `by-${actor.name}`, data: { id: item.data.id } })
        return item
      },
      { attempts: 4 },
    ),
  )
  if (used?.ttl !== undefined && used.ttl * 1000 <= end)
    actor.anomaly('voucher: expired', `a voucher was used ${end - used.ttl * 1000} ms after it expired`)
}

let issued = 0

async function issue(actor: Actor): Promise<void> {
  const { db, random } = actor
  const ttl = Math.floor(db.runtime.now() / 1000) + random.pick([1, 2, 10])
  const item = { ...voucher, data: { id: ++issued }, ttl }
  const way = random.int(3)
  await record(actor, 'issue', 'voucher', ttl, async () => {
    if (way === 0) await db.set(item)
    else if (way === 1) await db.setAtomic(item, await db.getLock(lockKey(voucher)))
    else await db.delete(voucher)
  })
}

/** An expired seat is free: whoever takes it has it alone for its time. */
async function takeSeat(actor: Actor, run: RunTransaction, taken: Seat[]): Promise<void> {
  const { db, random } = actor
  const seat = random.pick(seats)
  const begunAt = actor.trueNow()
  const until = await record(actor, 'seat', `seat/${seat.sk}`, undefined, () =>
    run(
      db,
      async (tx) => {
        if (await tx.get(seat)) return undefined
        const ttl = Math.floor(db.runtime.now() / 1000) + random.pick([1, 2, 5])
        tx.set({ ...seat, data: actor.name, ttl })
        return ttl
      },
      { attempts: 4 },
    ),
  )
  if (until === undefined) return
  const now = actor.trueNow()
  for (const other of taken)
    if (other.sk === seat.sk && other.confirmedAt <= begunAt && other.until * 1000 - actor.skewMs() > now)
      actor.anomaly('seat: taken twice', `${seat.sk} was taken while it was taken until ${other.until}`)
  taken.push({ sk: seat.sk, confirmedAt: now, until })
  if (taken.length > 50) taken.shift()
}
