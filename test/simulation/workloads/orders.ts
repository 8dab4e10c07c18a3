import { OutcomeUnknown } from '../../../src/errors.ts'
import type { AtomicDbInterface } from '../../../src/interface.ts'
import { type AtomicBuilder, atomic } from '../../../src/transactions/index.ts'
import { type Actor, type Outcome, record, type Workload } from './actor.ts'

const pk = 'orders'
const sent = 'orders-sent'
const accounts = ['a0', 'a1', 'a2']
// Well within the ten minutes for which an idempotencyKey is remembered, whatever the clocks show.
const lifeMs = 4 * 60_000

interface Order {
  id: string
  from: string
  to: string
  amount: number
  outcome: Outcome | undefined
}

export type Build = (db: AtomicDbInterface) => Pick<AtomicBuilder, 'update' | 'queuePush' | 'commit'>

/**
 * Orders that move money between accounts, note themselves and send a message, by a builder whose commit is called
 * again after every error: each takes effect once or not at all, as its caller was told.
 */
export function ordersWorkload(build: Build = atomic): Workload {
  const orders: Order[] = []
  return {
    name: 'orders',
    async step(actor) {
      const { random } = actor
      const [from, to] = random.sample(accounts, 2) as [string, string]
      const order: Order = {
        id: `o${orders.length}`,
        from,
        to,
        amount: 1 + random.int(9),
        outcome: undefined,
      }
      orders.push(order)
      await place(actor, order, build)
    },
    async finish(actor) {
      await check(actor, orders)
    },
  }
}

async function place(actor: Actor, order: Order, build: Build): Promise<void> {
  const { db, random } = actor
  const { id, from, to, amount } = order
  const builder = build(db)
  builder.update({ pk, sk: from }, { add: { sum: -amount } })
  builder.update({ pk, sk: to }, { add: { sum: amount } })
  builder.update({ pk, sk: id }, { add: { times: 1 } })
  builder.queuePush({ pk: sent, data: { id } })
  const options = random.chance(0.4) ? { idempotencyKey: `order-${id}` } : {}
  const since = actor.trueNow()
  let isUnknown = false
  for (let turn = 0; turn < 3; turn++) {
    let outcome = 'info' as Outcome
    await record(actor, 'order', `${pk}/${id}`, { from, to, amount }, () => builder.commit(options), {
      ended: (end) => (outcome = end),
    }).catch((error: unknown) => {
      if (!(error instanceof OutcomeUnknown)) throw error
    })
    isUnknown ||= outcome === 'info'
    order.outcome = outcome === 'fail' && isUnknown ? 'info' : outcome
    if (outcome === 'ok' || actor.trueNow() - since > lifeMs) return
  }
}

async function check(actor: Actor, orders: readonly Order[]): Promise<void> {
  const items = await actor.db.query<{ sum?: number; times?: number }>({ pk })
  const stored = new Map(items.map(({ sk, data }) => [sk, data]))
  const messages = new Map<string, number>()
  for (const { data } of await actor.db.query<{ id: string }>({ pk: sent }))
    messages.set(data.id, (messages.get(data.id) ?? 0) + 1)
  const sums = new Map(accounts.map((name) => [name, 0]))
  for (const { id, from, to, amount, outcome } of orders) {
    const times = stored.get(id)?.times ?? 0
    sums.set(from, sums.get(from)! - amount * times)
    sums.set(to, sums.get(to)! + amount * times)
    const fits = times === 0 ? outcome !== 'ok' : times === 1 && outcome !== 'fail'
    if (!fits)
      actor.anomaly('orders: effect', `${id} took effect ${times} times, and its caller heard ${outcome}`)
    if ((messages.get(id) ?? 0) !== times)
      actor.anomaly('orders: atomicity', `${id} took effect ${times} times and sent ${messages.get(id) ?? 0}`)
  }
  for (const [name, sum] of sums)
    if ((stored.get(name)?.sum ?? 0) !== sum)
      actor.anomaly('orders: sum', `${name} holds ${stored.get(name)?.sum ?? 0}, its orders make ${sum}`)
}
