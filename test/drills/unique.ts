import type { AtomicDbQueueItem } from '../../src/interface.ts'
import { shardsOf } from '../../src/model/shards.ts'
import { record } from '../simulation/workloads/actor.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'unique'
const dead = `${pk}#dead`
const [producers, consumers, cancellers] = [4, 4, 2]
const perProducer = 25

interface Body {
  id: number
}

/** What is known for certain of one message, in true time. */
interface Known {
  id: number
  pulled: boolean
  /** Acknowledged or cancelled, and the call has returned: it never comes back. */
  goneAt?: number
  cancelled: number
  acknowledged: boolean
  /** Until when each of those who claimed it held it beyond doubt, whatever the clocks say. */
  held: number[]
}

/**
 * Messages with few ids: of those with one id, at most one is in the queue at any time, and an id is free once its
 * message is gone. What is cancelled nobody holds, and nobody is given later.
 */
export const uniqueAndCancel: Drill = {
  name: 'queue, unique and cancel',
  plan(draw) {
    const shards = draw.pick([undefined, undefined, 3])
    const ids = draw.pick([1, 3, 6])
    const visibility = draw.pick([[5], [2, 5, 10]])
    const all = new Map<string, Known>()
    /** Messages are cancelled by their ids too: then nobody is told which one it was. */
    const byIds = draw.chance(0.4)
    const inTransactions = draw.chance(0.7)
    let opened = 0
    let producing = producers
    let next = 0

    const known = (sk: string, id: number): Known => {
      const one = all.get(sk) ?? { id, pulled: false, cancelled: 0, acknowledged: false, held: [] }
      all.set(sk, one)
      return one
    }

    async function produce(actor: Process): Promise<void> {
      const { db, random } = actor
      for (let left = perProducer; left > 0; left--) {
        const id = next++
        const uniqueId = `u${random.int(ids)}`
        const delay = random.chance(0.2) ? { delaySeconds: 1 + random.int(3) } : {}
        const item = { pk, data: { id }, uniqueId, ...delay }
        const begun = actor.trueNow()
        const push = async () => {
          if (!inTransactions || random.chance(0.5)) return db.queuePush(item, { shards })
          const beside = { type: 'set' as const, item: { pk: 'beside', sk: actor.name, data: id } }
          const operation = { type: 'queuePush' as const, item, ...(shards !== undefined && { shards }) }
          return (await db.transact([beside, operation])).pushed
        }
        const [pushed] = await record(actor, 'push', pk, { id, uniqueId }, push, {
          output: (items) => ({ sk: items[0]!.sk, isDuplicate: items[0]!.isDuplicate }),
        }).then((items) => items ?? [])
        if (pushed) noted(actor, pushed, id, begun)
        await db.runtime.sleep(random.between(0, 600))
      }
      producing--
    }

    function noted(actor: Process, { sk, isDuplicate }: AtomicDbQueueItem, id: number, begun: number): void {
      if (!isDuplicate) {
        known(sk, id)
        return
      }
      const goneAt = all.get(sk)?.goneAt
      if (goneAt !== undefined && goneAt < begun)
        actor.anomaly('id not free', `${sk} was gone ${begun - goneAt} ms before the push of ${id} began`)
    }

    async function consume(actor: Process): Promise<void> {
      const { db, random } = actor
      for (let idle = 0; producing > 0 || idle < 8; ) {
        const ttlSeconds = random.pick(visibility)
        const begun = actor.trueNow()
        const { items } = await db
          .queuePullMany<Body>({ pk, shards, ttlSeconds, limit: 1 + random.int(2) })
          .catch((error) => isTrouble(error) && { items: [] })
        idle = items.length === 0 ? idle + 1 : 0
        if (items.length === 0) await db.runtime.sleep(random.between(100, 1000))
        for (const item of items) await handle(actor, item, begun, ttlSeconds)
      }
    }

    async function handle(
      actor: Process,
      item: AtomicDbQueueItem<Body>,
      begun: number,
      ttlSeconds: number,
    ): Promise<void> {
      const { db, random } = actor
      const one = known(item.sk, item.data.id)
      one.pulled = true
      if (one.goneAt !== undefined && one.goneAt < begun)
        actor.anomaly('came back', `${item.sk} was given out ${begun - one.goneAt} ms after it was gone`)
      const place = one.held.push(begun + ttlSeconds * 1000 - actor.skewMs()) - 1
      if (one.cancelled > 0 && one.goneAt! < one.held[place]!)
        actor.anomaly('cancelled in processing', `${item.sk} was cancelled and given out`)
      await db.runtime.sleep(random.chance(0.2) ? random.between(500, 8000) : random.between(0, 300))
      const way = random.int(10)
      if (way === 0) return
      one.held[place] = Math.min(one.held[place]!, actor.trueNow())
      const doubts = actor.doubts()
      const { sk } = item
      if (way < 3) {
        const delaySeconds = random.int(3)
        await ended(actor, 'release', sk, () => db.queueRelease(item, { delaySeconds }))
      } else if (way < 5) {
        await ended(actor, 'bury', sk, () => db.queueRelease(item, { deadLetter: dead }))
      } else if (await ended(actor, 'ack', sk, () => db.queueAcknowledge(item))) {
        // After a lost reply, another one who held it may have buried it.
        if (actor.doubts() !== doubts) return
        one.acknowledged = true
        one.goneAt ??= actor.trueNow()
        if (one.acknowledged && one.cancelled > 0)
          actor.anomaly('ended twice', `${sk} was cancelled and acknowledged`)
      }
    }

    const ended = async (
      actor: Process,
      op: string,
      sk: string,
      work: () => Promise<void>,
    ): Promise<boolean> => (await record(actor, op, pk, sk, () => work().then(() => true))) === true

    async function cancel(actor: Process): Promise<void> {
      const { db, random } = actor
      while (producing > 0) {
        await db.runtime.sleep(random.between(50, 800))
        if (shards === undefined && random.chance(0.15))
          await db.queueRedrive({ from: dead }).catch(isTrouble)
        if (byIds && random.chance(0.5)) {
          const uniqueId = `u${random.int(ids)}`
          await record(actor, 'cancel', pk, uniqueId, () => db.queueCancel({ pk, uniqueId }))
          continue
        }
        const waiting = [...all].filter(([, one]) => one.goneAt === undefined)
        const [sk] = (waiting.length > 0 && random.pick(waiting.slice(-6))) || []
        if (sk === undefined) continue
        for (const key of shards === undefined ? [pk] : shardsOf(pk, shards))
          if (await record(actor, 'cancel', pk, sk, () => db.queueCancel({ pk: key, sk })))
            noteCancelled(actor, sk)
      }
    }

    function noteCancelled(actor: Process, sk: string): void {
      const one = all.get(sk)!
      one.goneAt ??= actor.trueNow()
      one.cancelled++
      if (one.cancelled > 1) actor.anomaly('cancelled twice', sk)
      if (one.acknowledged) actor.anomaly('ended twice', `${sk} was acknowledged and cancelled`)
      const now = actor.trueNow()
      // It was claimed before it was deleted, whatever came first to be known.
      if (one.held.some((to) => now < to))
        actor.anomaly('cancelled in processing', `${sk} was cancelled while it was held`)
    }

    const messages = async ({ db }: Process) => {
      const limit = 1000
      return (await db.queuePeek<Body>({ pk, shards, limit })).map(({ sk, uniqueId }) => ({
        sk,
        uniqueId: uniqueId!,
      }))
    }

    /** Two of one id that are there now and were there before: shards are read one after the other. */
    async function watch(observer: Process, over: () => boolean): Promise<void> {
      let before = new Set<string>()
      while (!over()) {
        const found = await messages(observer).catch((error) => isTrouble(error) && [])
        const now = found.map(({ sk }) => sk)
        const sure = shards === undefined ? found : found.filter(({ sk }) => before.has(sk))
        const twice = sure.find(({ uniqueId }, i) => sure.findIndex((one) => one.uniqueId === uniqueId) < i)
        if (twice) {
          observer.anomaly('two at once', `${twice.uniqueId}: ${sure.map(({ sk }) => sk).join(', ')}`)
          return
        }
        before = new Set(now)
        await observer.db.runtime.sleep(150)
      }
    }

    async function finish(observer: Process): Promise<void> {
      const { db, anomaly } = observer
      await db.runtime.sleep(30_000)
      const left = new Set((await messages(observer)).map(({ sk }) => sk))
      const letters = new Set((await db.queuePeek({ pk: dead, limit: 1000 })).map(({ sk }) => sk))
      for (const [sk, one] of all) {
        if (one.goneAt !== undefined && left.has(sk)) anomaly('came back', `${sk} is there again`)
        const isEnded = one.pulled || one.goneAt !== undefined || left.has(sk) || letters.has(sk)
        if (!isEnded && !byIds) anomaly('lost', `${sk} was pushed, and is gone`)
      }
      for (let i = 0; i < ids; i++) {
        const uniqueId = `u${i}`
        const push = async () => (await db.queuePush({ pk, data: { id: -1 }, uniqueId }, { shards }))[0]!
        const first = await push()
        if (first.isDuplicate && !left.has(first.sk))
          anomaly('id not free', `${uniqueId} at the end: ${first.sk}`)
        await db.queueAcknowledge({ pk: first.pk, sk: first.sk })
        if ((await push()).isDuplicate) anomaly('id not free', `${uniqueId} after an acknowledgement`)
      }
    }

    return {
      contenders: producers + consumers + cancellers,
      stepMs: draw.pick([0, 0, 1000]),
      freezeMs: draw.pick([0, 3000]),
      lateMs: draw.pick([3000, 20_000]),
      often: draw.pick([undefined, 'lostReply', 'lostRequest', 'slow']),
      mortal: false,
      live(actor) {
        const place = opened++
        if (place < producers) return produce(actor)
        return place < producers + consumers ? consume(actor) : cancel(actor)
      },
      watch,
      finish,
      check: () => [],
    } satisfies Plan
  },
}

/** True for trouble of the backend, which passes; anything else is thrown. */
function isTrouble(error: unknown): true {
  const codes = [
    'BackendError',
    'OutcomeUnknown',
    'Throttled',
    'RaceCondition',
    'StaleReceipt',
    'PartialWrite',
  ]
  if (isCode(error, ...codes)) return true
  throw error
}
