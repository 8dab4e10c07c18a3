import { StaleReceipt } from '../../../src/errors.ts'
import type { AtomicDbQueueItem } from '../../../src/interface.ts'
import { consume } from '../../../src/transactions/index.ts'
import { type Actor, record, type Workload } from './actor.ts'
import { type Delivery, QueueLedger } from './queue-ledger.ts'

const queues = ['q0', 'q1']
const donePk = 'queue-done'

interface Body {
  id: number
}

/** Producers and consumers, some of which die, dawdle, give back or hold on; the ledger says what may come of it. */
export function queueWorkload(): Workload {
  const ledger = new QueueLedger()
  return {
    name: 'queue',
    async step(actor) {
      if (actor.random.chance(0.4)) await push(actor, ledger)
      else await pull(actor, ledger)
    },
    async finish(actor) {
      await drain(actor, ledger)
    },
  }
}

async function push(actor: Actor, ledger: QueueLedger): Promise<void> {
  const { db, random } = actor
  const pk = random.pick(queues)
  const way = random.int(3)
  const messages = Array.from({ length: 1 + random.int(3) }, () => ledger.announce(actor.name, pk, way !== 1))
  const items = messages.map(({ id }) => ({ pk, data: { id }, ...(way === 1 ? { sk: `own-${id}` } : {}) }))
  const doubts = actor.doubts()
  const done = await record(
    actor,
    'push',
    `queue/${pk}`,
    messages.map(({ id }) => id),
    async () => {
      if (way === 2) await db.transact(items.map((item) => ({ type: 'queuePush', item })))
      else await db.queuePush(items)
      return true
    },
  )
  for (const message of messages) {
    message.confirmed = done === true
    // Sent again after a lost reply, a plain push may bring back what was consumed: the contract says so.
    message.maybeTwice = way === 0 && actor.doubts() !== doubts
  }
}

async function pull(actor: Actor, ledger: QueueLedger): Promise<void> {
  const { db, random } = actor
  const pk = random.pick(queues)
  const ttlSeconds = random.pick(actor.hurried ? [1, 2, 3] : [1, 5, 30])
  const limit = random.chance(0.7) ? 1 : 2 + random.int(4)
  const begun = actor.trueNow()
  const items = await record(
    actor,
    'pull',
    `queue/${pk}`,
    { ttlSeconds, limit },
    async () => {
      if (limit > 1) return (await db.queuePullMany<Body>({ pk, limit, ttlSeconds })).items
      const { item } = await db.queuePull<Body>({ pk, ttlSeconds })
      return item ? [item] : []
    },
    { output: (found) => found.map(({ data, receiveCount }) => [data.id, receiveCount]) },
  )
  const held = (items ?? []).map((item) => ledger.deliver(actor, item, ttlSeconds, begun))
  for (const delivery of held) {
    if (!delivery) continue
    if (random.chance(actor.hurried ? 0.1 : 0.5))
      await db.runtime.sleep(random.between(0, random.chance(actor.hurried ? 0.02 : 0.1) ? 8000 : 300))
    await handle(actor, ledger, delivery)
  }
}

async function handle(actor: Actor, ledger: QueueLedger, delivery: Delivery): Promise<void> {
  const { db, random } = actor
  const { message } = delivery
  const item = delivery.item as AtomicDbQueueItem<Body>
  const name = `queue/${message.pk}`
  /** A receipt that is still current must work. */
  const withReceipt = async (op: string, call: () => Promise<unknown>): Promise<boolean> => {
    const done = await record(actor, op, name, message.id, async () => {
      try {
        await call()
      } catch (error) {
        if (error instanceof StaleReceipt) ledger.refused(actor, delivery)
        throw error
      }
      return true
    })
    return done === true
  }
  const kind = random.int(10)
  if (kind < 5) {
    message.finishing++
    const doubts = actor.doubts()
    const done = await withReceipt('ack', () => db.queueAcknowledge(item))
    // After a lost reply, that the message is gone is all that can be said: perhaps another consumer finished it.
    if (done && actor.doubts() === doubts) ledger.finished(actor, message)
  } else if (kind < 7) {
    message.finishing++
    const key = { pk: donePk, sk: `${message.id}` }
    const effect = () =>
      consume(db, item, async (tx) => {
        const before = await tx.get<number>(key)
        tx.set({ ...key, data: (before?.data ?? 0) + 1 })
      })
    if (await withReceipt('consume', effect)) ledger.finished(actor, message)
  } else if (kind < 8) {
    delivery.givenBack = true
    const delaySeconds = random.int(3)
    await withReceipt('release', () => db.queueRelease(item, { delaySeconds }))
  } else if (kind < 9) {
    const ttlSeconds = random.pick(actor.hurried ? [1, 3] : [1, 10])
    delivery.extending = true
    const begun = actor.trueNow()
    await withReceipt('extend', async () => {
      const extended = await db.queueExtend(item, { ttlSeconds })
      ledger.extended(actor, delivery, extended, begun)
    })
  }
  // Else forgotten: it comes again after its visibility timeout.
}

/** All that is left must come out, in order, and nothing else. */
async function drain(actor: Actor, ledger: QueueLedger): Promise<void> {
  const { db } = actor
  await db.runtime.sleep(actor.hurried ? 5000 : 45_000)
  for (const pk of queues) {
    const left: AtomicDbQueueItem<Body>[] = []
    for (;;) {
      const { item } = await db.queuePull<Body>({ pk, ttlSeconds: 300 })
      if (!item) break
      left.push(item)
      await db.queueAcknowledge(item)
    }
    ledger.drained(actor, pk, left)
    const stats = await db.queueStats(pk)
    if (stats.ready + stats.inFlight + stats.delayed > 0)
      actor.anomaly('queue: stats', `${pk} is empty, but its stats say ${JSON.stringify(stats)}`)
  }
  for (const item of await db.query<number>({ pk: donePk })) {
    const message = ledger.messages[Number(item.sk)]
    if (item.data > 1 && !message?.maybeTwice)
      actor.anomaly('queue: consumed twice', `message ${item.sk} took effect ${item.data} times`)
  }
}
