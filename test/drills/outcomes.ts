import type { AtomicDbQueueItem } from '../../src/interface.ts'
import type { Random } from '../../src/testing/random.ts'
import {
  deadLetter,
  exactlyOnce,
  type QueueHandler,
  QueueWorker,
  type QueueWorkerEvent,
  queueLambda,
  retryAt,
  snooze,
} from '../../src/worker/index.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'jobs'
const total = 36
const maxReceives = 4
/** A signal may be late by one look at the clocks after a pause. */
const noticeMs = 1100

/** What the handler of a message wants, by its number and how often it has wanted something already. */
type Wish = 'done' | 'snooze' | 'retry' | 'dead' | 'throw'
const wishes: readonly Wish[][] = [
  ['done'],
  ['snooze', 'snooze', 'snooze', 'snooze', 'snooze', 'done'],
  ['retry', 'retry', 'done'],
  ['dead'],
  ['throw'],
  ['throw', 'snooze', 'done'],
]
const wishOf = (id: number, turn: number): Wish => {
  const mine = wishes[id % wishes.length]!
  return mine[Math.min(turn, mine.length - 1)]!
}

/** Nothing goes wrong but the handlers: then every count is certain. */
const quiet = { calm: true, offsetMs: 0, stepMs: 0, freezeMs: 0, suspendMs: 0, lateMs: 0, mortal: false }

const troubled = (draw: Random): typeof quiet => ({
  calm: false,
  offsetMs: draw.pick([0, 0, 400]),
  stepMs: draw.pick([0, 0, 0, 20_000]),
  freezeMs: draw.pick([0, 20_000, 100_000]),
  suspendMs: draw.pick([0, 0, 10_000]),
  lateMs: draw.pick([3000, 20_000]),
  mortal: draw.chance(0.3),
})

function plan(draw: Random): Plan {
  const faults = draw.chance(0.3) ? quiet : troubled(draw)
  const limits = {
    concurrency: draw.pick([undefined, 1, 3]),
    groupConcurrency: draw.pick([undefined, undefined, 1, 2]),
    rate: draw.pick([undefined, undefined, { limit: 10, windowMs: 1000, burst: 2 }]),
  }
  const writes = draw.chance(0.5)
  const isSteady = faults.freezeMs === 0 && faults.suspendMs === 0
  const skewMs = 2 * Math.max(faults.offsetMs, faults.stepMs) + 50
  /** Permits are judged where clocks differ by less than their tolerance. */
  const judged = faults.stepMs === 0
  const turns = new Map<number, number>()
  const begun = new Map<number, number>()
  /** How often its handler was told to give up, as at the end of an invocation: that counts as received. */
  const cut = new Map<number, number>()
  /** When the handler asked for a later time, and the earliest moment that this gives, simulated ms. */
  const asked = new Map<number, { at: number; seconds: number }>()
  const notBefore = new Map<number, number>()
  const finished = new Set<number>()
  const buried = new Set<number>()
  const starts: number[] = []
  const inside = new Set<{ actor: Process; signal: AbortSignal; group: string; since: number }>()

  const acts = ({ actor, signal }: { actor: Process; signal: AbortSignal }) =>
    !signal.aborted && !actor.isDead() && actor.history.now() > actor.process.frozenUntil + noticeMs

  function enter(actor: Process, item: AtomicDbQueueItem<number>, signal: AbortSignal): () => void {
    const entry = { actor, signal, group: item.group ?? '', since: actor.history.now() }
    inside.add(entry)
    const now = [...inside].filter(acts)
    const { concurrency = total, groupConcurrency = total } = limits
    const ofGroup = now.filter(({ group }) => group === entry.group).length
    if (judged && now.length > concurrency)
      actor.anomaly('too many at once', `${now.length} of ${concurrency}, message ${item.data}`)
    if (judged && ofGroup > groupConcurrency)
      actor.anomaly('too many of a group', `${ofGroup} of ${groupConcurrency}, message ${item.data}`)
    return () => inside.delete(entry)
  }

  async function handle(
    actor: Process,
    item: AtomicDbQueueItem<number>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const id = item.data
    const now = actor.history.now()
    const early = (notBefore.get(id) ?? 0) - now
    if (early > skewMs) actor.anomaly('too early', `message ${id} by ${Math.round(early)} ms`)
    if (buried.has(id) && faults.calm) actor.anomaly('dead and begun', `message ${id}`)
    notBefore.delete(id)
    starts.push(now)
    actor.history.complete(actor.history.invoke(actor.name, 'handle', item.sk, id), 'ok')
    begun.set(id, (begun.get(id) ?? 0) + 1)
    const leave = enter(actor, item, signal)
    try {
      await actor.db.runtime.sleep(actor.random.between(0, 400), { signal })
      const turn = turns.get(id) ?? 0
      turns.set(id, turn + 1)
      const wish = wishOf(id, turn)
      const seconds = actor.random.int(20) + 1
      if (wish === 'snooze' || wish === 'retry') asked.set(id, { at: actor.history.now(), seconds })
      else asked.delete(id)
      if (wish === 'throw') throw new Error('downstream')
      const outcome =
        wish === 'snooze'
          ? snooze({ seconds }, 'early')
          : wish === 'retry'
            ? retryAt(actor.db.runtime.now() + seconds * 1000, 'later')
            : wish === 'dead'
              ? deadLetter('never')
              : undefined
      if (outcome && actor.random.chance(0.5)) throw outcome
      return outcome
    } finally {
      if (signal.aborted) cut.set(id, (cut.get(id) ?? 0) + 1)
      leave()
    }
  }

  const handlerOf = (actor: Process): QueueHandler<number> =>
    writes
      ? exactlyOnce<number>(actor.db, async (tx, item, { signal }) => {
          tx.set({ pk: 'did', sk: `${item.data}#${actor.name}#${turns.get(item.data) ?? 0}` })
          return handle(actor, item, signal)
        })
      : (item, { signal }) => handle(actor, item, signal)

  const onEvent =
    (actor: Process) =>
    (event: QueueWorkerEvent): void => {
      if (!('item' in event)) return
      const id = event.item.data as number
      if (event.type === 'done') finished.add(id)
      if (event.type === 'done' && wishOf(id, Number.POSITIVE_INFINITY) !== 'done')
        actor.anomaly('done against its will', `message ${id}`)
      if (event.type === 'dead') {
        buried.add(id)
        if (faults.calm && id % wishes.length === 3 && event.reason !== 'never')
          actor.anomaly('wrong reason', `message ${id}: ${event.reason}`)
      }
      if (event.type === 'retry' && event.item.receiveCount >= maxReceives)
        actor.anomaly('not buried at once', `message ${id} after ${event.item.receiveCount} receives`)
      const wanted = asked.get(id)
      if ((event.type === 'retry' || event.type === 'snoozed') && wanted && faults.calm)
        notBefore.set(id, wanted.at + wanted.seconds * 1000)
      if (event.type === 'snoozed' && event.reason !== 'early') actor.anomaly('wrong reason', event.reason)
    }

  const isOver = () => new Set([...finished, ...buried]).size >= total

  async function work(actor: Process): Promise<void> {
    const { db, random } = actor
    const settings = () => ({
      pk,
      limits,
      maxReceives,
      concurrency: random.pick([1, 4]),
      visibilitySeconds: random.pick([5, 30]),
      backoff: { baseSeconds: 2, maxSeconds: 8 },
      onEvent: onEvent(actor),
    })
    while (!isOver()) {
      if (random.chance(0.3)) {
        const ms = random.pick([3000, 10_000])
        const since = actor.history.now()
        const left = () => ms - (actor.history.now() - since)
        await queueLambda<number>(
          db,
          handlerOf(actor),
          settings(),
        )({}, { getRemainingTimeInMillis: left }).catch(() => {})
        await db.runtime.sleep(random.between(100, 1000))
        continue
      }
      const worker = new QueueWorker<number>(db, handlerOf(actor), {
        ...settings(),
        prefetch: random.pick([0, 0, 2]),
      })
      const until = db.runtime.monotonic() + random.between(5000, 60_000)
      while (!isOver() && db.runtime.monotonic() < until) await db.runtime.sleep(500)
      await worker.stop({ graceSeconds: 5 })
    }
  }

  let opened = 0
  return {
    contenders: 3,
    ...faults,
    async live(actor) {
      if (opened++ === 0) {
        const items = Array.from({ length: total }, (_, data) => ({ pk, data, group: `g${data % 4}` }))
        const producer = actor.spawn()
        for (const item of items)
          while (
            await producer.db.queuePush(item, { exactlyOnce: true }).then(
              () => false,
              () => true,
            )
          )
            await producer.db.runtime.sleep(500)
      }
      await work(actor)
    },
    // Whoever buries a message, or acknowledges it, can crash before it tells.
    async watch({ db, process }, over) {
      while (!over()) {
        await process.sleep(5000)
        const seen = [...begun.keys()]
        const left = new Set<number>()
        try {
          for (const { data } of await db.queuePeek<number>({ pk, limit: 1000 })) left.add(data)
          for (const { data } of await db.queuePeek<number>({ pk: `${pk}#dead`, limit: 1000 })) {
            left.add(data)
            buried.add(data)
          }
        } catch {
          continue
        }
        for (const id of seen) if (!left.has(id)) finished.add(id)
      }
    },
    async finish(observer) {
      const dead = await observer.db.queuePeek<number>({ pk: `${pk}#dead`, limit: 1000 })
      const did = await observer.db.query({ pk: 'did' })
      const written = (id: number) => did.filter(({ sk }) => sk.startsWith(`${id}#`)).length
      const deadIds = new Set(dead.map(({ data }) => data))
      for (let id = 0; id < total; id++) {
        const neverDone = wishOf(id, Number.POSITIVE_INFINITY) !== 'done'
        if (neverDone && !deadIds.has(id)) observer.anomaly('lost', `message ${id} is no dead letter`)
        if (!writes) continue
        const times = deadIds.has(id) ? 0 : 1
        if (written(id) !== times)
          observer.anomaly('wrong effect', `message ${id} took effect ${written(id)} times, not ${times}`)
      }
      if (!faults.calm) return
      for (const { data, deadLetter: letter } of dead) {
        const kind = data % wishes.length
        const expected = kind === 3 ? 1 + (cut.get(data) ?? 0) : kind === 4 ? maxReceives : Number.NaN
        if (letter!.receives !== expected || begun.get(data) !== expected)
          observer.anomaly('counted wrong', `message ${data}: ${letter!.receives}, begun ${begun.get(data)}`)
      }
      if (limits.rate && isSteady) {
        const times = starts.toSorted((a, b) => a - b)
        const { limit, burst, windowMs } = limits.rate
        for (let i = 0; i + limit + burst < times.length; i++)
          if (times[i + limit + burst]! - times[i]! < windowMs * 0.9)
            observer.anomaly(
              'too fast',
              `${limit + burst + 1} began within ${times[i + limit + burst]! - times[i]!} ms`,
            )
      }
    },
    check: () => [],
  }
}

export const outcomeDrill: Drill = { name: 'queue, outcomes and limits', plan }
