import type { AtomicDbQueueItem } from '../../src/interface.ts'
import type { Random } from '../../src/testing/random.ts'
import type { QueueWorkerEvent } from '../../src/worker/index.ts'
import { QueueWorker, queueLambda } from '../../src/worker/index.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'jobs'
const total = 40
/** A message outlives a dead downstream for so long with the default delays, ms. */
const outlivesMs = 960_000
/** A signal may be late by one look at the clocks after a pause. */
const noticeMs = 1100

interface Body {
  id: number
  text: string
}

/** Nothing goes wrong but the handlers: then every message and every count is certain. */
const quiet = { calm: true, offsetMs: 0, stepMs: 0, freezeMs: 0, suspendMs: 0, lateMs: 0, mortal: false }

const troubled = (draw: Random): typeof quiet => ({
  calm: false,
  offsetMs: draw.pick([0, 0, 500]),
  stepMs: draw.pick([0, 0, 1000, 20_000]),
  freezeMs: draw.pick([0, 0, 5000, 20_000]),
  suspendMs: draw.pick([0, 0, 10_000]),
  lateMs: draw.pick([3000, 20_000]),
  mortal: draw.chance(0.5),
})

/** What a run looks like; the defaults of the library are always among what can be drawn. */
function world(draw: Random, lambda: boolean) {
  const calm = draw.chance(0.25)
  const shards = draw.pick(calm ? [undefined, 80] : [undefined, undefined, 3, 80])
  return {
    faults: calm ? quiet : troubled(draw),
    // The downstream fails for so long.
    outageMs: draw.pick(lambda ? [0, 10_000, 60_000] : [0, 10_000, 60_000, 600_000]),
    // The queue is stopped and started so often.
    lives: calm ? 4 : draw.pick([1, 1, 4]),
    pull: { shards, strict: draw.chance(0.25) || undefined },
    large: draw.chance(0.3),
    payloadThreshold: draw.pick([undefined, 200]),
  }
}

const groupOf = (id: number): string => `g${id % 3}`

const deadLetters = ({ db }: Process) => db.queuePeek<Body>({ pk: `${pk}#dead`, limit: 1000 })

/** One consumer draws its options; several of one queue differ in all but what they must agree on. */
const handling = (draw: Random) => ({
  visibilitySeconds: draw.pick([undefined, 2, 5, 30]),
  timeoutSeconds: draw.pick([undefined, undefined, 3]),
  concurrency: draw.pick([undefined, 1, 4]),
})

function plan(draw: Random, lambda: boolean): Plan {
  const { faults, outageMs, lives, pull, large, payloadThreshold } = world(draw, lambda)
  // Handled, or refused at the push; and lying with the dead letters.
  const finished = new Set<number>()
  const buried = new Set<number>()
  const revived = new Set<number>()
  const inside = new Map<number, { actor: Process; signal: AbortSignal; since: number }>()
  const isSteady = faults.freezeMs === 0 && faults.suspendMs === 0
  const skewMs = 2 * Math.max(faults.offsetMs, faults.stepMs)
  // By message: when its handler began first, and how often it was given back because its handler failed.
  const firstAt = new Map<number, number>()
  const retries = new Map<number, number>()
  const begun = new Map<number, number>()
  /** When it was acknowledged or buried, simulated ms. */
  const goneAt = new Map<number, number>()
  /** When each was pushed, simulated ms. */
  const there = new Map<number, number>()
  /** Pushed again, because nobody knows whether it was pushed. */
  const twice = new Set<number>()
  let pushed = 0
  let opened = 0

  /** Not one that stands still, or has just gone on. */
  const acts = ({ actor, signal }: { actor: Process; signal: AbortSignal }) =>
    !signal.aborted && !actor.isDead() && actor.history.now() > actor.process.frozenUntil + noticeMs

  const isOut = (actor: Process) => actor.history.now() < outageMs

  /** A handler as applications write them: it works, fails now and then, and heeds its signal. */
  const handler =
    (actor: Process, isClosed: () => boolean) =>
    async (item: AtomicDbQueueItem<Body>, { signal }: { signal: AbortSignal }): Promise<void> => {
      const { id } = item.data
      if (isClosed()) actor.anomaly('begun after stop', `message ${id}`)
      if (signal.aborted) actor.anomaly('begun aborted', `message ${id}`)
      const times = begun.get(id) ?? 0
      if (faults.calm && item.receiveCount > times + 1)
        actor.anomaly(
          'counted unhandled',
          `message ${id}: received ${item.receiveCount} times, begun ${times}`,
        )
      begun.set(id, times + 1)
      if (!firstAt.has(id)) firstAt.set(id, actor.history.now())
      const other = inside.get(id)
      // Deadlines are by the wall clocks of the consumers: where these differ, it can be given out twice.
      if (skewMs === 0 && !twice.has(id) && other && acts(other))
        actor.anomaly('two at once', `message ${id}, also with ${other.actor.name} since ${other.since}`)
      inside.set(id, { actor, signal, since: actor.history.now() })
      const operation = actor.history.invoke(actor.name, 'handle', pk, { id })
      try {
        const ms = actor.random.chance(0.05) ? 8000 : actor.random.between(0, 200)
        await actor.db.runtime.sleep(ms, { signal })
        if (isOut(actor) || actor.random.chance(0.05)) throw new Error('downstream')
        finished.add(id)
        actor.history.complete(operation, 'ok')
      } catch (error) {
        actor.history.complete(operation, 'fail', String(error))
        throw error
      } finally {
        if (inside.get(id)?.actor === actor) inside.delete(id)
      }
    }

  const onEvent =
    (actor: Process) =>
    (event: QueueWorkerEvent): unknown => {
      if (event.type === 'done' || event.type === 'dead')
        goneAt.set((event.item.data as Body).id, actor.history.now())
      if (event.type === 'retry') {
        const { id } = event.item.data as Body
        retries.set(id, (retries.get(id) ?? 0) + 1)
      }
      if (event.type === 'dead' && event.item.receiveCount > 0 && !event.reason)
        actor.anomaly('no reason', `a dead letter without a reason`)
      if (actor.random.chance(0.05)) throw new Error('an observer that throws')
      return actor.random.chance(0.05) ? Promise.reject(new Error('an observer that rejects')) : undefined
    }

  /** Strict: since that time one of its group before it was in the queue, in processing or waiting for its retry. */
  const wasBlocked = (id: number, since: number): boolean =>
    pull.strict === true &&
    [...there.keys()].some(
      (other) =>
        other < id &&
        groupOf(other) === groupOf(id) &&
        (goneAt.get(other) ?? Number.POSITIVE_INFINITY) >= since,
    )

  const isOver = () => pushed >= total && new Set([...finished, ...buried]).size >= total

  async function work(actor: Process): Promise<void> {
    const { db, random } = actor
    for (let life = 0; !isOver(); life++) {
      let closed = false
      const graceSeconds = random.pick([0, 1, 5])
      const worker = new QueueWorker<Body>(
        db,
        handler(actor, () => closed),
        { pk, ...pull, ...handling(random), prefetch: random.pick([0, 0, 3]), onEvent: onEvent(actor) },
      )
      const until = life < lives ? random.between(2000, 20_000) : Number.POSITIVE_INFINITY
      const begun = db.runtime.monotonic()
      while (!isOver() && db.runtime.monotonic() - begun < until) await db.runtime.sleep(500)
      closed = true
      const at = actor.history.now()
      await worker.stop({ graceSeconds })
      const took = actor.history.now() - at
      if (isSteady && took > graceSeconds * 1000 + 1000)
        actor.anomaly('slow stop', `stop({ graceSeconds: ${graceSeconds} }) took ${Math.round(took)} ms`)
    }
  }

  async function invoke(actor: Process): Promise<void> {
    const { db, random } = actor
    const options = handling(random)
    while (!isOver()) {
      const ms = random.pick([1500, 3000, 10_000, 60_000])
      const since = actor.history.now()
      const left = () => ms - (actor.history.now() - since)
      const run = queueLambda<Body>(
        db,
        handler(actor, () => isSteady && left() < 0),
        { pk, ...pull, ...options, onEvent: onEvent(actor) },
      )
      const result = await run({}, { getRemainingTimeInMillis: left }).catch((error) => {
        if (isCode(error, 'InvalidInput')) actor.anomaly('no time', `an invocation of ${ms} ms: ${error}`)
      })
      const late = -left()
      if (isSteady && late > 0) actor.anomaly('outlives its deadline', `by ${Math.round(late)} ms of ${ms}`)
      if (result?.empty === false && result.handled === 0 && !isOut(actor) && ms > 3000 && left() > ms / 2)
        actor.anomaly('idle invocation', `returned with ${Math.round(left())} of ${ms} ms left, not empty`)
      if (result?.empty && faults.calm) {
        // 'Empty' means within the last second (docs/queue.md): neither pushed nor held back by its group since then.
        const settled = since - 1000
        const early = [...there].filter(([, at]) => at < settled).map(([id]) => id)
        // Others may have claimed them just now.
        await db.runtime.sleep(100)
        const left = early.filter((id) => !firstAt.has(id) && !finished.has(id) && !wasBlocked(id, settled))
        if (left.length > 0) actor.anomaly('not empty', `as it was told: messages ${left.join(', ')}`)
      }
      await db.runtime.sleep(random.between(100, 2000))
    }
  }

  async function produce(actor: Process): Promise<void> {
    const { db, random } = actor
    while (pushed < total) {
      const id = pushed++
      // Around the largest that a row can be, and the largest that leaves room for receipts.
      const most = random.pick([400, 396]) * 1024 - 60
      const size = large && random.chance(0.1) ? most - random.int(200) : random.int(600)
      const item = { pk, data: { id, text: 'x'.repeat(size) }, group: pull.strict && groupOf(id) }
      const push = () => db.queuePush(item, { shards: pull.shards, payloadThreshold, exactlyOnce: true })
      for (;;) {
        const error = await push().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        if (!error) {
          there.set(id, actor.history.now())
          break
        }
        if (isCode(error, 'OutcomeUnknown')) twice.add(id)
        // Too large for the room that receipts need: it is not in the queue.
        if (isCode(error, 'InvalidInput')) {
          finished.add(id)
          break
        }
        await db.runtime.sleep(500)
      }
      await db.runtime.sleep(random.between(0, 300))
    }
  }

  return {
    contenders: 3,
    ...faults,
    async live(actor) {
      if (opened++ === 0) {
        // The producer is spared: what it pushes is what must come out.
        void produce(actor.spawn())
      }
      await (lambda ? invoke(actor) : work(actor))
    },
    // Whoever buries a message can crash before it tells.
    async watch(observer, over) {
      const { db, random } = observer
      for (let redrives = random.int(4); !over(); await observer.process.sleep(5000)) {
        const dead = await deadLetters(observer).catch(() => [])
        for (const { data } of dead) buried.add(data.id)
        if (dead.length === 0 || redrives === 0 || random.chance(0.7)) continue
        redrives--
        for (const { data } of dead) {
          buried.delete(data.id)
          revived.add(data.id)
        }
        await db.queueRedrive({ from: `${pk}#dead`, shards: pull.shards }).catch(() => {})
      }
    },
    async finish(observer) {
      const startAt = observer.trueNow() - observer.history.now()
      const dead = await deadLetters(observer)
      for (const { data, deadLetter } of dead) {
        const { id } = data
        finished.add(id)
        // Whoever crashes in the midst of it counts as having received it.
        if (!faults.mortal && !firstAt.has(id))
          observer.anomaly('died unhandled', `message ${id}: ${deadLetter?.reason}`)
        // Only its handler has failed, after each delay in full: the default delays add up.
        const failures = (retries.get(id) ?? 0) + 1
        const aliveMs = deadLetter!.at - startAt - (firstAt.get(id) ?? Number.NaN)
        if (!revived.has(id) && failures >= deadLetter!.receives && aliveMs < outlivesMs - failures * skewMs)
          observer.anomaly('died in an outage', `message ${id} after ${Math.round(aliveMs / 1000)} s`)
      }
      for (const { data } of await observer.db.queuePeek<Body>({ pk, limit: 1000, shards: pull.shards }))
        finished.add(data.id)
      // The queue has another number of shards by now.
      const shards = pull.shards && 2
      const redriven = await observer.db.queueRedrive({ from: `${pk}#dead`, shards })
      const there = await observer.db.queuePeek<Body>({ pk, limit: 1000, shards })
      const back = new Set(there.map(({ data }) => data.id))
      if (redriven !== dead.length || dead.some(({ data }) => !back.has(data.id)))
        observer.anomaly('not redriven', `${redriven} of ${dead.length} dead letters, ${back.size} are there`)
      for (let id = 0; id < total; id++)
        if (!finished.has(id)) observer.anomaly('lost', `message ${id} is neither handled nor a dead letter`)
    },
    check: () => [],
  }
}

export const workerDrills: readonly Drill[] = [
  { name: 'queue, worker', plan: (draw) => plan(draw, false) },
  { name: 'queue, lambda', plan: (draw) => plan(draw, true) },
]
