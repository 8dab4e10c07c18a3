import type { AtomicDbQueueItemInput } from '../../src/interface.ts'
import { shardsOf } from '../../src/model/shards.ts'
import type { Random } from '../../src/testing/random.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Plan, Process } from './world.ts'

const minuteMs = 60_000
const producers = 4
const consumers = 3
const perProducer = 12
/** Many, so that the last message of some comes long before the others end. */
const shards = 12

/** The places of a drill: shards of a queue, or queues of a family. */
interface Places {
  /** All partitions in which messages can lie. */
  partitions: readonly string[]
  pull: { pk: string; shards: number } | { family: string }
  dead: string
  work: string
  item(random: Random): AtomicDbQueueItemInput<number>
  options: { shards?: number }
}

const ofShards: Places = {
  partitions: shardsOf('jobs', shards),
  pull: { pk: 'jobs', shards },
  dead: 'jobs#dead',
  work: 'jobs#work',
  item: () => ({ pk: 'jobs' }),
  options: { shards },
}

const ofFamily: Places = {
  // As many as shards, for the same reason.
  partitions: [...'abcdefghijkl'].map((name) => `mails/${name}`),
  pull: { family: 'mails/' },
  dead: 'mails/#dead',
  work: 'mails/#work',
  item: (random) => ({ pk: `mails/${random.pick([...'abcdefghijkl'])}`, family: 'mails/' }),
  options: {},
}

/** True for what may happen to a call here. */
function isTrouble(error: unknown): true {
  const codes = [
    'StaleReceipt',
    'Throttled',
    'BackendError',
    'OutcomeUnknown',
    'PartialWrite',
    'RaceCondition',
  ]
  if (!isCode(error, ...codes)) throw error
  return true
}

/**
 * Messages now and then, so that pointers are collected in between: pushes that arrive minutes late, writes that leave
 * long after they were asked for, clocks that are stepped, reads that lag by minutes. In the end every message was seen,
 * or is found by way of the pointers alone; and a place that stays empty loses its pointer.
 */
function plan(places: Places, draw: Random): Plan {
  const seen = new Set<number>()
  const certain = new Set<number>()
  const producing = new Set<Process>()
  let begun = 0
  let ids = 0

  async function push(actor: Process): Promise<void> {
    const { db, random } = actor
    const id = ids++
    const item = { ...places.item(random), data: id }
    const inTransaction = () => {
      const pk = places.options.shards ? random.pick(places.partitions) : item.pk
      return db.transact([{ type: 'queuePush', item: { ...item, pk } }])
    }
    const way = random.int(5)
    const sent =
      way === 0
        ? inTransaction()
        : db.queuePush(way === 1 ? { ...item, deduplicationId: `d${id}` } : [item], {
            ...places.options,
            exactlyOnce: way === 2,
          })
    const failed = await sent.then(() => false, isTrouble)
    if (!failed) certain.add(id)
  }

  async function produce(actor: Process): Promise<void> {
    const { db, random } = actor
    for (let left = perProducer; left > 0; left--) {
      await push(actor)
      const pause = random.pick([2_000, 90_000, 15 * minuteMs, 30 * minuteMs])
      await db.runtime.sleep(random.between(0, pause))
    }
    producing.delete(actor)
  }

  const isProducing = () => [...producing].some((actor) => !actor.isDead())

  async function consume(actor: Process): Promise<void> {
    const { db, random } = actor
    while (isProducing()) {
      await take(actor, random.chance(0.5)).catch(isTrouble)
      if (random.chance(0.003))
        await db.queueRedrive({ from: places.dead, ...places.options }).catch(isTrouble)
      await db.runtime.sleep(random.between(1000, 25_000))
    }
  }

  async function take(actor: Process, consistent: boolean, isCareful = false): Promise<number> {
    const { db, random, history, name } = actor
    const ttlSeconds = !isCareful && random.chance(0.25) ? 2400 : 20
    const { items } = await db.queuePullMany<number>({ ...places.pull, consistent, limit: 5, ttlSeconds })
    for (const item of items) {
      // Held for as long as it was pulled for, and forgotten.
      if (!isCareful && random.chance(0.2)) continue
      if (!isCareful && random.chance(0.15))
        await db.queueRelease(item, { deadLetter: places.dead }).catch(isTrouble)
      else {
        seen.add(item.data)
        history.complete(history.invoke(name, 'take', item.pk, { id: item.data }), 'ok')
        await db.queueAcknowledge(item).catch(isTrouble)
      }
    }
    return items.length
  }

  /** Pulls by way of the pointers until nothing is left, also of what is in flight. */
  async function drain(observer: Process): Promise<void> {
    const { db } = observer
    for (let empty = 0; empty < 4; await db.runtime.sleep(10_000)) {
      await db.queueRedrive({ from: places.dead, ...places.options })
      empty = (await take(observer, true, true)) > 0 ? 0 : empty + 1
    }
  }

  /** A process that goes on looks from time to time. */
  async function work(observer: Process, minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 2) {
      await take(observer, false, true)
      await observer.db.runtime.sleep(2 * minuteMs)
    }
  }

  async function finish(observer: Process): Promise<void> {
    // What is held comes back; meanwhile other pointers are collected.
    await work(observer, 110)
    await drain(observer)
    for (const pk of places.partitions)
      for (const { data } of await observer.rows(pk))
        observer.anomaly('forgotten', `message ${data} lies in ${pk}, and no pointer says so`)
    for (const id of certain) if (!seen.has(id)) observer.anomaly('lost', `message ${id} was never seen`)
    await work(observer, 120)
    // One by a clock that was set forward again and again holds for longer.
    const ended = observer.trueNow() - 30 * minuteMs
    for (const { sk, until } of await observer.rows(places.work))
      if (Number(until) < ended)
        observer.anomaly('never collected', `the pointer ${sk} of a place that is empty`)
  }

  return {
    contenders: producers + consumers,
    offsetMs: 30_000,
    stepMs: draw.pick([0, 120_000, 60 * minuteMs]),
    freezeMs: draw.pick([0, 30_000]),
    suspendMs: draw.pick([0, 60_000]),
    lateMs: 285_000,
    // Longer than a pointer holds: what an old read shows to be empty may have been pushed to since.
    lagMs: draw.pick(places === ofFamily ? [1000, 20 * minuteMs, 90 * minuteMs] : [1000, 20 * minuteMs]),
    stallMs: draw.pick([0, 25 * minuteMs]),
    often: draw.pick([undefined, 'lateRequest', 'staleRead']),
    stallRate: draw.pick([0.1, 0.25]),
    // Suspensions make a stall several times as long.
    mostMs: 5 * 24 * 60 * minuteMs,
    async live(actor) {
      if (begun++ >= producers) return consume(actor)
      producing.add(actor)
      await produce(actor).finally(() => producing.delete(actor))
    },
    finish,
    check: () => [],
  }
}

export const pointerDrills: readonly Drill[] = [
  { name: 'queue, pointers of shards', plan: (draw) => plan(ofShards, draw) },
  { name: 'queue, pointers of a family', plan: (draw) => plan(ofFamily, draw) },
]
