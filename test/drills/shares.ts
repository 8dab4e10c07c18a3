import type { Drill, Process } from './world.ts'

const pk = 'shares'
const consumers = 3
const levels = ['high', 'normal', 'low'] as const
type Priority = (typeof levels)[number]

/** A message that was pushed is found by then: a look at the end every four seconds, of a read that is a second old. */
const noticeMs = 7000
/** Three rounds of sixteen: claims fail where others are faster, and a pull takes several turns. */
const most = 48

interface Message {
  priority: Priority
  /** Since when it is certainly there, and when somebody was given it, simulated ms. */
  since: number
  goneAt: number
}

/** A backlog of high ones: those of lower priority get their share, and a high one does not wait behind others. */
export const shares: Drill = {
  name: 'queue, shares of priorities',
  plan(draw) {
    const messages = new Map<number, Message>()
    const counts = draw.pick([
      { high: 400, normal: 60, low: 8 },
      { high: 10, normal: 400, low: 6 },
      { high: 6, normal: 250, low: 120 },
    ])
    const shards = draw.pick([undefined, undefined, 2])
    let producing: Process | undefined
    let ids = 0

    async function push(actor: Process, priority: Priority, count: number): Promise<void> {
      const { db, history } = actor
      const mine = Array.from({ length: count }, () => ids++)
      for (const id of mine)
        messages.set(id, { priority, since: Number.POSITIVE_INFINITY, goneAt: Number.POSITIVE_INFINITY })
      const items = mine.map((id) => ({ pk, priority, data: id }))
      await db.queuePush(items, { shards }).catch(() => {
        for (const id of mine) messages.delete(id)
      })
      for (const id of mine) {
        const message = messages.get(id)
        if (message) message.since = history.now()
      }
    }

    async function produce(actor: Process): Promise<void> {
      const { db, random } = actor
      const left = { ...counts }
      await push(actor, 'normal', 20)
      for (let any = true; any; ) {
        any = false
        for (const one of levels) {
          const count = Math.min(left[one], one === 'high' ? 25 : 1 + random.int(12))
          left[one] -= count
          if (count > 0) await push(actor, one, count)
          any ||= left[one] > 0
        }
        await db.runtime.sleep(random.between(0, 2500))
      }
    }

    async function consume(actor: Process): Promise<void> {
      const { db, random } = actor
      /** What it was given, of which message is judged whether others waited for longer. */
      const given: { at: number; priority: Priority }[] = []
      for (let idle = 0; idle < 6 || (producing && !producing.isDead()); ) {
        const items = await take(actor, given).catch(() => [])
        idle = items.length > 0 ? 0 : idle + 1
        await db.runtime.sleep(random.between(20, items.length > 0 ? 150 : 1500))
      }
    }

    async function take(actor: Process, given: { at: number; priority: Priority }[]) {
      const { db, random, history } = actor
      const from = history.now()
      const { items } = await db.queuePullMany<number>({
        pk,
        shards,
        limit: 1 + random.int(5),
        ttlSeconds: 120,
        consistent: random.chance(0.7),
      })
      for (const { data } of items) {
        const message = messages.get(data)
        if (!message) continue
        history.complete(history.invoke(actor.name, 'take', pk, data), 'ok')
        message.goneAt = Math.min(message.goneAt, from)
        given.push({ at: from, priority: message.priority })
      }
      if (shards === undefined) await judge(actor, given, from)
      for (const item of items) await db.queueAcknowledge(item).catch(() => {})
      return items
    }

    /** Whether a message has waited while this consumer was given so many of other priorities only. */
    async function judge(actor: Process, given: { at: number; priority: Priority }[], now: number) {
      const lately = given.slice(-most)
      if (lately.length < most) return
      const from = lately[0]!.at
      const has = new Set(lately.map(({ priority }) => priority))
      for (const [id, { priority, since, goneAt }] of messages) {
        if (has.has(priority) || since > from - noticeMs || goneAt < now) continue
        // One that was claimed, by a consumer that has crashed since, waits for its time.
        const row = (await actor.rows(pk)).find(({ data }) => data === id)
        if (row?.n !== 0) continue
        actor.anomaly('starved', `${priority} ${id} waits while ${most} others came`)
        messages.delete(id)
      }
    }

    return {
      contenders: 1 + consumers,
      stepMs: draw.pick([0, 30_000]),
      freezeMs: draw.pick([0, 3000]),
      async live(actor) {
        if (producing) return consume(actor)
        producing = actor
        await produce(actor).finally(() => {
          producing = undefined
        })
      },
      async finish(observer) {
        const { db } = observer
        await db.runtime.sleep(150_000)
        for (let empty = 0; empty < 3; ) {
          const items = await take(observer, [])
          empty = items.length > 0 ? 0 : empty + 1
          if (empty > 0) await db.runtime.sleep(2000)
        }
        for (const [id, { priority, since, goneAt }] of messages)
          if (since < Number.POSITIVE_INFINITY && goneAt === Number.POSITIVE_INFINITY)
            observer.anomaly('lost', `${priority} ${id} never came`)
      },
      check: () => [],
    }
  },
}
