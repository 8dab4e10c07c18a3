import type { AtomicDbQueueItem } from '../../src/interface.ts'
import {
  nextRuns,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  Scheduler,
  schedule,
} from '../../src/schedules/index.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'ticks'
const lastsMs = 90_000

interface Tick {
  name: string
  /** Raised by every change of the schedule. */
  version: number
  at: number
}

/** A time in which a schedule was certainly paused, or gone, or said something newer. True ms. */
interface Known {
  name: string
  from: number
  until: number
  /** Least version of the ticks; `none`: no tick at all. */
  version: number | 'none'
}

/**
 * Many drivers, one schedule of each policy, and an operator who pauses, changes and removes one more: each tick sends
 * its message once, not before its time, and none that a pause, a change or a removal has put an end to.
 */
export const schedules: Drill = {
  name: 'schedules',
  plan(draw) {
    const wrongMs = draw.pick([500, 5000, 20_000])
    const leadMs = draw.pick([0, 2000, 2000, 10_000])
    const fixed = [
      { name: 'all', everyMs: draw.pick([1000, 3000]), missed: 'all' as const, missedLimit: 1000 },
      { name: 'skip', cron: draw.pick(['*/2 * * * * *', '*/7 * * * * *']), missed: 'skip' as const },
      { name: 'one', everyMs: 4000, missed: 'one' as const, graceSeconds: draw.pick([60, 90]) },
      { name: 'hasty', everyMs: 2500, missed: draw.pick(['skip', 'one'] as const), graceSeconds: 3 },
    ]
    const sent = new Map<string, { sk: string; tick: Tick; seenAt: number }>()
    const known: Known[] = []
    const made: string[] = []
    let opened = 0
    let twice = 0

    async function drive(actor: Process): Promise<void> {
      const { db, random, history } = actor
      while (history.now() < lastsMs) {
        const scheduler = new Scheduler(db, { leadMs, lookMs: random.pick([1000, 5000, 15_000]) })
        await db.runtime.sleep(random.between(5000, 40_000))
        await scheduler.stop(random.chance(0.3) ? { graceSeconds: random.pick([0, 0.05, 1]) } : {})
      }
    }

    /** What is not certain is done again. */
    const certainly = async <T>({ db }: Process, act: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await act()
        } catch (error) {
          if (!isTrouble(error)) throw error
          await db.runtime.sleep(500)
        }
      }
    }

    async function operate(actor: Process): Promise<void> {
      const { db, random, history, trueNow } = actor
      for (const one of fixed) {
        await certainly(actor, () => schedule(db, one, messageOf(one.name, 0)))
        made.push(one.name)
      }
      let version = 0
      const changed = async () => {
        const everyMs = random.pick([1000, 2000, 5000])
        version++
        const input = { name: 'changing', everyMs, missed: random.pick(['skip', 'one', 'all'] as const) }
        await certainly(actor, () => schedule(db, input, messageOf('changing', version)))
      }
      await changed()
      while (history.now() < lastsMs) {
        // What it sends changes, when it comes does not.
        const one = random.pick(fixed)
        await certainly(actor, () => schedule(db, one, messageOf(one.name, ++version)))
        const pause = random.chance(0.5)
        if (random.chance(0.5)) {
          await changed()
          known.push({ name: 'changing', from: trueNow(), until: Number.POSITIVE_INFINITY, version })
        } else {
          await certainly(actor, () => (pause ? pauseSchedule : removeSchedule)(db, 'changing'))
          const from = trueNow()
          await db.runtime.sleep(random.between(500, 60_000))
          known.push({ name: 'changing', from, until: trueNow(), version: 'none' })
          if (pause) await certainly(actor, () => resumeSchedule(db, 'changing'))
          else await changed()
        }
        await db.runtime.sleep(random.between(500, 15_000))
      }
    }

    const note = (observer: Process, { sk, data }: AtomicDbQueueItem<Tick>): void => {
      const { name, at } = data
      const seenAt = observer.trueNow()
      const { history } = observer
      history.complete(history.invoke(observer.name, 'tick', name, at), 'ok')
      if (seenAt < at - 1)
        observer.anomaly('too early', `${name}: the tick at ${at} came ${at - seenAt} ms early`)
      const id = `${name} ${at}`
      const before = sent.get(id)
      if (before && before.sk !== sk) {
        twice++
        observer.anomaly('twice', `${id}, versions ${before.tick.version} and ${data.version}`)
      }
      if (!before) sent.set(id, { sk, tick: data, seenAt })
    }

    const take = async (observer: Process): Promise<number> => {
      const { db } = observer
      const { items } = await db
        .queuePullMany<Tick>({ pk, limit: 10, ttlSeconds: 60 })
        .catch((error) => isTrouble(error) && { items: [] })
      for (const item of items) {
        note(observer, item)
        await db.queueAcknowledge(item).catch(isTrouble)
      }
      return items.length
    }

    async function finish(observer: Process): Promise<void> {
      const { db } = observer
      // What clocks that are ahead have sent ahead, and what was claimed by requests without a reply.
      await db.runtime.sleep(4 * wrongMs + leadMs + 61_000)
      for (let empty = 0; empty < 3; ) {
        if ((await take(observer)) > 0) empty = 0
        else {
          empty++
          await db.runtime.sleep(1100)
        }
      }
      for (const name of made) await complete(observer, name)
      judgeKnown(observer)
    }

    /** Every tick up to the last one, but for where a clock ahead of the grace may leave some out. */
    async function complete(observer: Process, name: string): Promise<void> {
      const { db } = observer
      const item = await db.get<{ lastAt?: number; fired: number }>({ pk: 'lockrow#schedules', sk: name })
      const ticks = [...sent.values()].filter(({ tick }) => tick.name === name).map(({ tick }) => tick.at)
      if (item === undefined) return observer.anomaly('lost', `the schedule ${name} is gone`)
      const { lastAt, fired } = item.data
      if (fired !== ticks.length && twice === 0)
        observer.anomaly('lost', `${name}: ${fired} ticks have sent messages, ${ticks.length} came`)
      const current = { ...item.data, name, pk: item.pk } as never
      const first = Math.min(...ticks)
      if (name === 'hasty' || ticks.length === 0 || lastAt === undefined) return
      const expected = [first, ...nextRuns(current, 10_000, first).filter((tick) => tick <= lastAt)]
      const missing = expected.filter((tick) => !sent.has(`${name} ${tick}`))
      if (missing.length > 0) observer.anomaly('left out', `${name}: ${missing.length}, first ${missing[0]}`)
      const odd = ticks.filter((tick) => !expected.includes(tick))
      if (odd.length > 0) observer.anomaly('no tick', `${name} has none at ${odd[0]}`)
    }

    /** A driver sends ahead by its lead, and by as much as its clock is ahead; clocks of operators are wrong too. */
    function judgeKnown(observer: Process): void {
      const margin = observer.skewMs() + leadMs
      for (const { name, from, until, version } of known)
        for (const { tick } of sent.values()) {
          if (tick.name !== name || tick.at <= from + margin || tick.at >= until - observer.skewMs()) continue
          if (version === 'none')
            observer.anomaly('in spite of', `a tick at ${tick.at}, paused from ${from} to ${until}`)
          else if (tick.version < version)
            observer.anomaly(
              'in spite of',
              `version ${tick.version} at ${tick.at}, changed to ${version} at ${from}`,
            )
        }
    }

    return {
      contenders: draw.pick([3, 6]),
      offsetMs: wrongMs,
      stepMs: draw.pick([0, wrongMs]),
      freezeMs: draw.pick([0, 5000]),
      suspendMs: draw.pick([0, 5000]),
      lateMs: draw.pick([3000, 20_000]),
      often: draw.pick([undefined, 'lostReply', 'slow']),
      async live(actor) {
        // The operator is the first one, and is not replaced when it dies.
        await (opened++ === 0 ? operate(actor) : drive(actor))
      },
      async watch(observer, over) {
        while (!over()) {
          await take(observer)
          await observer.process.sleep(200)
        }
      },
      finish,
      check: () => [],
    } satisfies Plan
  },
}

const messageOf = (name: string, version: number) => ({ pk, data: { name, version }, tickField: 'at' })

/** True for trouble of the backend, which passes; anything else is thrown. */
function isTrouble(error: unknown): true {
  const codes = ['BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition', 'StaleReceipt']
  if (isCode(error, ...codes, 'ConditionFailed')) return true
  throw error
}
