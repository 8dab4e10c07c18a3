import type { AtomicDbQueueItem } from '../../src/interface.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'moved'
const dead = `${pk}#dead`
const total = 60
const producers = 2
/** What producers and consumers agree on at first, and what everybody uses later. */
const [before, after] = [5, 2]
const maxReceives = 3

interface Body {
  id: number
}

interface Delivery {
  sk: string
  count: number
  /** Whether its holder has tried to acknowledge it. */
  acknowledged: boolean
}

/**
 * One id is one message, whatever groups and shards it is pushed with; messages that fail become dead letters; later
 * there are fewer shards, and all dead letters are sent there.
 */
const otherShards: Drill = {
  name: 'queue, other shards',
  plan(draw) {
    const delivered = new Map<number, Delivery[]>()
    const certain = new Set<number>()
    let ids = 0
    let opened = 0
    let done = 0

    async function produce(actor: Process): Promise<void> {
      const { db, random } = actor
      while (ids < total) {
        const id = ids++
        const isOnce = random.chance(0.6)
        // A producer that is not sure pushes again, perhaps with another group.
        for (let times = isOnce ? 2 : 1; times > 0; times--) {
          const group = `g${random.int(8)}`
          const once = isOnce ? { deduplicationId: `d${id}` } : {}
          const item = { pk, data: { id }, group, ...once }
          const failed = await db
            .queuePush(item, { shards: before, deduplicationWindowSeconds: 3600 })
            .then(() => false, isTrouble)
          if (!failed) certain.add(id)
        }
        await db.runtime.sleep(random.between(0, 400))
      }
      done++
    }

    const note = (actor: Process, { sk, data, receiveCount }: AtomicDbQueueItem<Body>): Delivery => {
      received(actor, data.id, receiveCount)
      const known = delivered.get(data.id) ?? []
      delivered.set(data.id, known)
      const same = known.filter((one) => one.sk === sk)
      if (same.length < known.length) actor.anomaly('pushed twice', `message ${data.id}`)
      // A first request that arrives after the message is gone, acknowledged or buried, brings it back: not promised.
      const mayBeGone = same.some((one) => one.acknowledged || one.count === maxReceives)
      if (!mayBeGone && same.some((one) => one.count === receiveCount))
        actor.anomaly('overwritten', `message ${data.id} was received for the ${receiveCount}th time again`)
      const delivery = { sk, count: receiveCount, acknowledged: false }
      known.push(delivery)
      return delivery
    }

    async function consume(actor: Process): Promise<void> {
      const { db, random } = actor
      for (let idle = 0; done < producers || idle < 8; ) {
        const ttlSeconds = random.pick([1, 2, 5])
        const options = { pk, shards: before, maxReceives, limit: 1 + random.int(4), ttlSeconds }
        const { items } = await db
          .queuePullMany<Body>(options)
          .catch((error) => isTrouble(error) && { items: [] })
        idle = items.length === 0 ? idle + 1 : 0
        await db.runtime.sleep(items.length === 0 ? random.between(200, 1500) : random.between(0, 100))
        for (const [item, delivery] of items.map((item) => [item, note(actor, item)] as const)) {
          await db.runtime.sleep(random.chance(0.1) ? random.between(1000, 6000) : random.between(0, 300))
          if (random.chance(0.5)) continue
          delivery.acknowledged = true
          await db.queueAcknowledge(item).catch(isTrouble)
        }
      }
    }

    /** What is not finished comes out with the old shards, or as a dead letter with the new ones. */
    async function finish(observer: Process): Promise<void> {
      const { db } = observer
      await db.runtime.sleep(10_000)
      const drain = async (shards: number) => {
        for (let empty = 0; empty < 3; ) {
          const { items } = await db.queuePullMany<Body>({ pk, shards, limit: 10 })
          empty = items.length === 0 ? empty + 1 : 0
          if (items.length === 0) await db.runtime.sleep(1100)
          for (const item of items) {
            if (!delivered.has(item.data.id)) delivered.set(item.data.id, [])
            await db.queueAcknowledge(item)
          }
        }
      }
      await drain(before)
      const letters = await db.queuePeek<Body>({ pk: dead, limit: 1000 })
      for (const { data } of letters) delivered.delete(data.id)
      await db.queueRedrive({ from: dead, shards: after })
      await drain(after)
      for (const { data } of letters)
        if (!delivered.has(data.id)) observer.anomaly('lost', `dead letter ${data.id} came to no shard`)
      for (const id of certain)
        if (!delivered.has(id)) observer.anomaly('lost', `message ${id} was pushed, and is gone`)
    }

    return {
      contenders: producers + 4,
      stepMs: 0,
      freezeMs: draw.pick([0, 5000]),
      often: draw.pick([undefined, 'lostReply', 'slow']),
      mortal: false,
      live: (actor) => (opened++ < producers ? produce(actor) : consume(actor)),
      finish,
      check: () => [],
    } satisfies Plan
  },
}

/** Two queues are the dead letters of each other, and nobody can handle what is in them. */
const circle: Drill = {
  name: 'queue, dead letters in a circle',
  plan() {
    const queues = ['a', 'b']
    const counts = new Map<number, number>()
    let opened = 0
    return {
      contenders: 4,
      stepMs: 0,
      freezeMs: 0,
      async live(actor) {
        const { db, random } = actor
        const place = opened++
        const mine = queues[place % 2]!
        const deadLetter = queues[(place + 1) % 2]!
        if (place < 2)
          for (const id of [place, place + 2]) await db.queuePush({ pk: mine, data: { id } }).catch(isTrouble)
        for (let looks = 0; looks < 60; looks++) {
          const options = { pk: mine, deadLetter, maxReceives: 1, ttlSeconds: 1 }
          const { items } = await db
            .queuePullMany<Body>({ ...options, limit: 1 })
            .catch((error) => isTrouble(error) && { items: [] })
          for (const item of items) {
            const count = (counts.get(item.data.id) ?? 0) + 1
            received(actor, item.data.id, count)
            counts.set(item.data.id, count)
            if (count === 20) actor.anomaly('in circles', `message ${item.data.id} was received 20 times`)
          }
          await db.runtime.sleep(random.between(500, 1500))
        }
      },
      check: () => [],
    }
  },
}

const received = ({ history, name }: Process, id: number, count: number): void =>
  history.complete(history.invoke(name, 'received', pk, { id, count }), 'ok')

/** True for trouble of the backend, which passes; anything else is thrown. */
function isTrouble(error: unknown): true {
  const codes = ['BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition', 'StaleReceipt']
  if (isCode(error, ...codes, 'PartialWrite', 'ConditionFailed')) return true
  throw error
}

export const moveDrills: readonly Drill[] = [otherShards, circle]
