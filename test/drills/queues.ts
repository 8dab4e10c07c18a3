import { StaleReceipt } from '../../src/errors.ts'
import type { AtomicDbQueueItem } from '../../src/interface.ts'
import { shardOf, shardsOf } from '../../src/model/shards.ts'
import type { Random } from '../../src/testing/random.ts'
import { checkMessages } from '../checkers/messages.ts'
import { record } from '../simulation/workloads/actor.ts'
import type { Plan, Process } from './world.ts'

export const queueKinds = [
  'plain',
  'strict',
  'shards',
  'payload',
  'dead letters',
  'deduplication',
  'priorities',
] as const
type Kind = (typeof queueKinds)[number]

const pk = 'q'
const producers = 4
const consumers = 16
const perProducer = 30
/** For strict order clocks may differ by so much, and pushes take so long (docs/queue.md). */
const strictMs = 2000

/** What a run looks like: how long messages are held, and how far clocks, pauses and requests go beyond that. */
function world(draw: Random) {
  const shards = draw.pick([2, 5, 70])
  const visibility = draw.pick([[1], [2, 5, 20], [1, 3, 60]])
  return {
    shards,
    visibility,
    stepMs: draw.pick([0, 1000, 30_000]),
    freezeMs: draw.pick([500, 8000, 25_000]),
    suspendMs: draw.pick([0, 0, 10_000]),
    lateMs: draw.pick([3000, 3000, 25_000]),
    /** Part of the messages is pushed to be given out later. */
    delayed: draw.pick([0, 0, 0.2]),
    maxReceives: draw.pick([1, 3, 15]),
    outageMs: draw.pick([0, 0, 20_000]),
  }
}

const priorities = ['high', 'normal', 'low'] as const

interface Body {
  id: number
  text: string
}

/** Producers and consumers of one queue, with one of its options. */
export function queuePlan(kind: Kind, draw: Random): Plan {
  const { shards, visibility, delayed, maxReceives, ...faults } = world(draw)
  const producing = new Set<Process>()
  let begun = 0
  let ids = 0

  const options = {
    ...(kind === 'shards' && { shards }),
    ...(kind === 'strict' && { strict: true }),
    ...(kind === 'dead letters' && { maxReceives }),
  }

  /** Each shard, and each priority, is a queue of its own as far as order goes. */
  const keyOf = ({ pk, priority = 'normal' }: { pk: string; priority?: string | undefined }): string =>
    kind === 'priorities' ? `${pk} ${priority}` : pk
  const keys = {
    shards: shardsOf(pk, shards),
    priorities: priorities.map((priority) => keyOf({ pk, priority })),
  }
  const allKeys = kind === 'shards' || kind === 'priorities' ? keys[kind] : [pk]

  async function produce(actor: Process): Promise<void> {
    const { db, random } = actor
    const group = kind === 'shards' || kind === 'strict' ? actor.name : undefined
    for (let left = perProducer; left > 0; ) {
      const count = Math.min(left, 1 + random.int(4))
      left -= count
      const priority = random.pick(priorities)
      const key = kind === 'shards' ? shardOf(pk, shards, group!) : keyOf({ pk, priority })
      const mine = Array.from({ length: kind === 'deduplication' ? 1 : count }, () => ids++)
      const text = kind === 'payload' && random.chance(0.5) ? 'x'.repeat(500) : ''
      const items = mine.map((id) => ({
        pk,
        data: { id, text },
        group,
        ...(kind === 'deduplication' && { deduplicationId: `d${id}` }),
        ...(kind === 'priorities' && { priority }),
        ...(random.chance(delayed) && { delaySeconds: 1 + random.int(4) }),
      }))
      const isDelayed = items.some((item) => 'delaySeconds' in item)
      const doubts = actor.doubts()
      const push = () =>
        db.queuePush(items, {
          shards: kind === 'shards' ? shards : undefined,
          payloadThreshold: kind === 'payload' ? 200 : undefined,
          exactlyOnce: kind === 'strict',
        })
      const exact = kind === 'strict' || kind === 'deduplication'
      await record(
        actor,
        'push',
        key,
        // A delayed one gives up its place.
        { ids: mine, group, owned: isDelayed },
        async () => {
          const pushed = await push()
          // A producer that is not sure pushes again: with an id that is no second message. What becomes of that push
          // says nothing of the first one.
          if (kind === 'deduplication' && random.chance(0.5)) await push().catch(() => {})
          return pushed.map(({ enqueuedAt }) => enqueuedAt)
        },
        { output: (keyTimes) => ({ keyTimes, twice: !exact && actor.doubts() !== doubts }) },
      )
      await db.runtime.sleep(random.between(0, 300))
    }
    producing.delete(actor)
  }

  const isProducing = () => [...producing].some((actor) => !actor.isDead())

  async function consume(actor: Process): Promise<void> {
    const { db, random } = actor
    // Until all is settled; what was never confirmed or is dead nobody waits for.
    for (let idle = 0; isProducing() || idle < 12; ) {
      const ttlSeconds = random.pick(visibility)
      const limit = random.chance(0.5) ? 1 : 1 + random.int(6)
      const items = await pull(actor, { ttlSeconds, limit })
      idle = items.length === 0 ? idle + 1 : 0
      if (items.length === 0) await db.runtime.sleep(random.between(100, 2000))
      for (const item of items) await handle(actor, item)
    }
  }

  async function pull(actor: Process, { ttlSeconds, limit }: { ttlSeconds: number; limit: number }) {
    const { history, db } = actor
    const opened = allKeys.map((key) => ({
      key,
      id: history.invoke(actor.name, 'pull', key, { ttl: ttlSeconds * 1000 }),
    }))
    let items: AtomicDbQueueItem<Body>[] = []
    try {
      items = (await db.queuePullMany<Body>({ pk, limit, ttlSeconds, ...options })).items
    } catch {
      for (const { id } of opened) history.complete(id, 'info')
      return []
    }
    for (const { key, id } of opened)
      history.complete(
        id,
        'ok',
        items
          .filter((item) => keyOf(item) === key)
          .map((item) => ({ id: item.data.id, receipt: item.receipt, count: item.receiveCount })),
      )
    for (const item of items)
      if (kind === 'payload' && item.payloadKey !== undefined && item.data.text.length !== 500)
        actor.anomaly('payload', `message ${item.data.id} lacks its payload`)
    return items
  }

  async function handle(actor: Process, item: AtomicDbQueueItem<Body>): Promise<void> {
    const { db, random } = actor
    const held = { id: item.data.id, receipt: item.receipt }
    const act = (op: string, input: object, call: () => Promise<unknown>) => {
      const doubts = actor.doubts()
      return record(actor, op, keyOf(item), { ...held, ...input }, call, {
        output: () => (actor.doubts() === doubts ? undefined : { doubt: true }),
      }).catch((error) => {
        if (!(error instanceof StaleReceipt)) throw error
      })
    }
    await db.runtime.sleep(random.chance(0.1) ? random.between(1000, 25_000) : random.between(0, 150))
    const way = random.int(20)
    if (way === 0) return
    if (way < 3) {
      const delaySeconds = random.int(3)
      const uncounted = random.chance(0.3)
      await act('release', { uncounted }, () => db.queueRelease(item, { delaySeconds, uncounted }))
      return
    }
    if (way === 3 && kind === 'dead letters') {
      const deadLetter = `${pk}#dead`
      await act('release', {}, () => db.queueRelease(item, { deadLetter }))
      return
    }
    if (way < 6) {
      const ttlSeconds = random.pick([1, 10])
      await act('extend', { ttl: ttlSeconds * 1000 }, () => db.queueExtend(item, { ttlSeconds }))
      await db.runtime.sleep(random.between(0, 1500))
    }
    await act('ack', {}, () => db.queueAcknowledge(item))
  }

  return {
    contenders: producers + consumers,
    ...faults,
    // Of the processes, the first are producers; those that replace crashed ones consume.
    async live(actor) {
      if (begun++ >= producers) return consume(actor)
      producing.add(actor)
      await produce(actor).finally(() => producing.delete(actor))
    },
    async finish(observer) {
      const { db } = observer
      await db.runtime.sleep(130_000)
      /** What a pull by way of one key has shown of others. */
      const others = new Map<string, number[]>()
      for (const key of allKeys) {
        const drain = async () => {
          for (;;) {
            const { item } = await db.queuePull<Body>({ pk: kind === 'shards' ? key : pk })
            if (!item) return others.get(key) ?? []
            // A defect can leave a message without its data.
            others.set(keyOf(item), [...(others.get(keyOf(item)) ?? []), item.data?.id ?? -1])
            await db.queueAcknowledge(item)
          }
        }
        const dead = async () =>
          (await db.queuePeek<Body>({ pk: `${pk}#dead`, limit: 1000 })).map(({ data }) => data.id)
        await record(observer, 'drain', key, undefined, drain, { output: (left) => left })
        await record(observer, 'dead', key, undefined, dead, { output: (left) => left })
      }
    },
    check: (operations, skewMs) => {
      // Where clocks are further apart, strict consumers do not agree about which delay is over.
      const exceptOwned = skewMs > strictMs + 50
      const options = { skewMs, strict: kind === 'strict', lateMs: strictMs, exceptOwned }
      return checkMessages(operations, options).anomalies
    },
  }
}
