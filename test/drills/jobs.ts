import { isDeepStrictEqual } from 'node:util'
import type { AtomicDbItemKey, AtomicDbQueueItem } from '../../src/interface.ts'
import { JobFailed, type JobStatus, Jobs } from '../../src/jobs/index.ts'
import { deadLetter, retryAt } from '../../src/worker/index.ts'
import { QueueOutcome } from '../../src/worker/outcomes.ts'
import { record } from '../simulation/workloads/actor.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'jobs'
const dead = `${pk}#dead`
const [producers, consumers, cancellers] = [2, 4, 2]
const perProducer = 15

interface Result {
  id: number
  /** Which hand-out returned it. */
  by: number
}

/** What is known for certain of one job, in true time. */
interface Known {
  key: AtomicDbItemKey
  cancelledAt?: number
  doneAt?: number
  /** What its handler returned, once its acknowledgement was answered. */
  result?: Result
  /** How it has ended, as somebody saw. */
  seen?: JobStatus<Result>
}

/** When somebody began to ask, and how the job had ended by then. */
interface Asked {
  begun: number
  seen: Known['seen']
}

/**
 * Jobs are pushed, handled, cancelled, buried and redriven; whoever asks is never told less than before. A job that is
 * done has its result, one that is dead a reason, one that was cancelled is not handled any more, and who holds a
 * message is not told that the job is somebody else's.
 */
export const jobsDrill: Drill = {
  name: 'jobs',
  plan(draw) {
    const shards = draw.pick([undefined, undefined, 3])
    const visibility = draw.pick([[5], [3, 10]])
    const all = new Map<number, Known>()
    let opened = 0
    const producing = new Set<Process>()
    const isProducing = () => [...producing].some((one) => !one.isDead())
    let ids = 0
    let handOuts = 0

    const jobsOf = ({ db }: Process) =>
      new Jobs<{ id: number }, Result>(db, { pk, ...(shards !== undefined && { shards }) })

    async function produce(actor: Process): Promise<void> {
      const jobs = jobsOf(actor)
      for (let left = perProducer; left > 0; left--) {
        const id = ids++
        const options = actor.random.chance(0.2) ? { delaySeconds: 1 + actor.random.int(3) } : {}
        const push = () => jobs.push({ data: { id } }, options)
        const pushed = await record(actor, 'push', pk, id, push, { output: () => undefined })
        if (pushed) all.set(id, { key: { pk: pushed[0]!.pk, sk: pushed[0]!.sk } })
        await actor.db.runtime.sleep(actor.random.between(0, 800))
      }
    }

    async function consume(actor: Process): Promise<void> {
      const { db, random } = actor
      for (let idle = 0; isProducing() || idle < 8; ) {
        const ttlSeconds = random.pick(visibility)
        const begun = actor.trueNow()
        const { items } = await db
          .queuePullMany<{ id: number }>({ pk, shards, ttlSeconds, limit: 2, maxReceives: 4 })
          .catch((error) => isTrouble(error) && { items: [] })
        idle = items.length === 0 ? idle + 1 : 0
        if (items.length === 0) await db.runtime.sleep(random.between(100, 1000))
        for (const item of items) await handle(actor, item, begun, begun + ttlSeconds * 1000 - actor.skewMs())
      }
    }

    async function handle(
      actor: Process,
      item: AtomicDbQueueItem<{ id: number }>,
      begun: number,
      heldUntil: number,
    ): Promise<void> {
      const { db, random } = actor
      const { id } = item.data
      const by = handOuts++
      const known = all.get(id)
      const over = known?.cancelledAt ?? known?.doneAt
      if (over !== undefined && over < begun)
        actor.anomaly('handled again', `job ${id} was over ${begun - over} ms before it was given out`)
      const jobs = jobsOf(actor)
      const handler = jobs.handler(async (_, { progress }) => {
        for (let steps = random.int(3); steps > 0; steps--)
          await report(actor, item, { id, by }, progress, heldUntil)
        await db.runtime.sleep(random.chance(0.2) ? random.between(500, 8000) : random.between(0, 300))
        const way = random.int(10)
        if (way === 0) return deadLetter('cannot be') as never
        if (way < 3) return retryAt(db.runtime.now() + random.int(2000), 'not now') as never
        if (way === 3) throw new Error('failed')
        return { id, by }
      })
      const { signal } = new AbortController()
      const outcome = await Promise.resolve(handler(item, { signal })).catch((error) => error)
      if (outcome instanceof QueueOutcome) return settle(actor, item, outcome)
      if (outcome instanceof Error) {
        // What is not answered for certain may be done.
        if (outcome.message === 'failed') await settle(actor, item, undefined)
        else isTrouble(outcome)
        return
      }
      if (!known) return
      known.doneAt = actor.trueNow()
      known.result = { id, by }
      if (random.chance(0.5)) await ask(actor, id)
    }

    async function settle(
      actor: Process,
      item: AtomicDbQueueItem,
      outcome: QueueOutcome | undefined,
    ): Promise<void> {
      // A process that is gone without a word.
      if (actor.random.chance(0.1)) return
      const how =
        outcome?.kind === 'dead'
          ? { deadLetter: dead, reason: outcome.reason }
          : { delaySeconds: 1, reason: 'again' }
      await actor.db.queueRelease(item, how).catch(isTrouble)
    }

    /** While the message is ours beyond doubt, so is the job, and what we say of it is what others are told. */
    async function report(
      actor: Process,
      item: AtomicDbQueueItem,
      value: Result,
      progress: (value: unknown) => Promise<boolean>,
      heldUntil: number,
    ): Promise<void> {
      const isOurs = await progress(value).catch((error) => isTrouble(error) && undefined)
      if (isOurs === undefined) return
      if (!isOurs && actor.trueNow() < heldUntil)
        actor.anomaly('disowned', `job ${value.id} was somebody else's while it was held`)
      if (!isOurs) return
      const status = await jobsOf(actor)
        .status(item)
        .catch((error) => isTrouble(error) && undefined)
      if (!status || actor.trueNow() >= heldUntil) return
      // A late word of an earlier hand-out may hide what is said now, until more is said; it is never shown itself.
      const { progress: shown = value } = status
      if (status.state !== 'active' || !isDeepStrictEqual(shown, value))
        actor.anomaly('wrong progress', `${JSON.stringify(status)} after ${JSON.stringify(value)}`)
    }

    async function cancel(actor: Process): Promise<void> {
      const { db, random } = actor
      while (isProducing()) {
        await db.runtime.sleep(random.between(50, 1500))
        if (shards === undefined && random.chance(0.3)) await db.queueRedrive({ from: dead }).catch(isTrouble)
        const waiting = [...all].filter(
          ([, one]) => one.doneAt === undefined && one.cancelledAt === undefined,
        )
        const [id, one] = (waiting.length > 0 && random.pick(waiting)) || []
        if (id === undefined || !one) continue
        if (!(await record(actor, 'cancel', pk, id, () => jobsOf(actor).cancel(one.key)))) continue
        if (one.doneAt !== undefined) actor.anomaly('ended twice', `job ${id} was done and cancelled`)
        one.cancelledAt ??= actor.trueNow()
      }
    }

    /** What somebody is told of a job, beside what is known and what was told before. */
    function told(
      actor: Process,
      id: number,
      { begun, seen }: Asked,
      status: JobStatus<Result> | undefined,
    ): void {
      const known = all.get(id)!
      const says = `job ${id}: ${JSON.stringify(status)}`
      if (!status) {
        actor.anomaly('unknown', says)
        return
      }
      if (status.state === 'dead' && !status.reason) actor.anomaly('no reason', says)
      if (status.state === 'done' && status.result?.id !== id) actor.anomaly('no result', says)
      if (seen && !isDeepStrictEqual(seen, status))
        actor.anomaly('went back', `${says} after ${JSON.stringify(seen)}`)
      if (known.cancelledAt !== undefined && known.cancelledAt < begun && status.state !== 'cancelled')
        actor.anomaly('went back', `${says} after it was cancelled`)
      if (
        known.doneAt !== undefined &&
        known.doneAt < begun &&
        !isDeepStrictEqual(status.result, known.result)
      )
        actor.anomaly('went back', `${says} after ${JSON.stringify(known.result)}`)
      if (status.state === 'done' || status.state === 'cancelled') known.seen ??= status
    }

    async function ask(actor: Process, id: number): Promise<void> {
      const begun = actor.trueNow()
      const { key, seen } = all.get(id)!
      const jobs = jobsOf(actor)
      try {
        if (!seen && actor.random.chance(0.1)) {
          const result = await jobs.result(key, { timeoutMs: 1 + actor.random.int(5000) })
          if (result.id !== id) actor.anomaly('no result', `job ${id}: ${JSON.stringify(result)}`)
          return
        }
        told(actor, id, { begun, seen }, await jobs.status(key))
      } catch (error) {
        if (error instanceof JobFailed) {
          if (!error.status) actor.anomaly('unknown', `job ${id}: ${error.message}`)
        } else isTrouble(error)
      }
    }

    return {
      contenders: producers + consumers + cancellers,
      stepMs: draw.pick([0, 0, 1000]),
      freezeMs: draw.pick([0, 3000]),
      lateMs: draw.pick([3000, 20_000]),
      stallMs: draw.pick([0, 0, 5000]),
      often: draw.pick([undefined, 'lostReply', 'lostRequest', 'slow', 'staleRead', 'staleRead']),
      live(actor) {
        const place = opened++
        if (place < producers) {
          producing.add(actor)
          return produce(actor).finally(() => producing.delete(actor))
        }
        return place < producers + consumers || place % 2 ? consume(actor) : cancel(actor)
      },
      async watch(observer, over) {
        while (!over()) {
          await observer.db.runtime.sleep(50)
          if (all.size > 0) await ask(observer, observer.random.pick([...all.keys()]))
        }
      },
      async finish(observer) {
        for (const id of all.keys()) await ask(observer, id)
      },
      check: () => [],
    } satisfies Plan
  },
}

/** True for trouble of the backend, which passes, and a message that is gone; anything else is thrown. */
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
