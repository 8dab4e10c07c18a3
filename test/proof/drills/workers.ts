import type { AtomicDbQueueItem } from '../../../src/interface.ts'
import type { QueueWorkerEvent } from '../../../src/queue/index.ts'
import { QueueWorker, queueLambda } from '../../../src/queue/index.ts'
import type { Random } from '../../../src/testing/random.ts'
import type { Drill, Plan, Process } from './world.ts'

const pk = 'jobs'
const total = 40

interface Body {
  id: number
  text: string
}

/** What a run looks like; the defaults of the library are always among what can be drawn. */
function world(draw: Random, lambda: boolean) {
  const shards = draw.pick([undefined, undefined, 3, 80])
  return {
    lambda,
    faults: {
      stepMs: draw.pick([0, 1000, 20_000]),
      freezeMs: draw.pick([0, 0, 5000, 20_000]),
      suspendMs: draw.pick([0, 0, 10_000]),
      lateMs: draw.pick([3000, 20_000]),
      mortal: draw.chance(0.5),
    },
    // The downstream fails for so long.
    outageMs: draw.pick(lambda ? [0, 10_000, 60_000] : [0, 10_000, 60_000, 600_000]),
    // The queue is stopped and started so often.
    lives: draw.pick([1, 1, 4]),
    pull: { shards, strict: draw.chance(0.25) || undefined },
    large: draw.chance(0.3),
    payloadThreshold: draw.pick([undefined, 200]),
  }
}

/** One consumer draws its options; several of one queue differ in all but what they must agree on. */
const handling = (draw: Random) => ({
  visibilitySeconds: draw.pick([undefined, 2, 5, 30]),
  timeoutSeconds: draw.pick([undefined, undefined, 3]),
  concurrency: draw.pick([undefined, 1, 4]),
})

function plan(draw: Random, lambda: boolean): Plan {
  const { faults, outageMs, lives, pull, large, payloadThreshold } = world(draw, lambda)
  const finished = new Set<number>()
  const handled = new Map<number, number>()
  const inside = new Map<number, { actor: Process; signal: AbortSignal; since: number }>()
  const isSteady = faults.freezeMs === 0 && faults.suspendMs === 0
  let pushed = 0
  let opened = 0

  const isOut = (actor: Process) => actor.history.now() < outageMs

  /** A handler as applications write them: it works, fails now and then, and heeds its signal. */
  const handler =
    (actor: Process, isClosed: () => boolean) =>
    async (item: AtomicDbQueueItem<Body>, { signal }: { signal: AbortSignal }): Promise<void> => {
      const { id } = item.data
      if (isClosed()) actor.anomaly('begun after stop', `message ${id}`)
      if (signal.aborted) actor.anomaly('begun aborted', `message ${id}`)
      handled.set(id, (handled.get(id) ?? 0) + 1)
      const other = inside.get(id)
      // Clocks that are stepped, and processes that stand still, cannot keep their hands off: the receipt does.
      if (isSteady && faults.stepMs === 0 && other && !other.signal.aborted && !other.actor.isDead())
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
    (event: QueueWorkerEvent): void => {
      if (event.type === 'dead') finished.add((event.item as AtomicDbQueueItem<Body>).data.id)
      if (event.type === 'dead' && event.item.receiveCount > 0 && !event.reason)
        actor.anomaly('no reason', `a dead letter without a reason`)
    }

  const isOver = () => pushed >= total && finished.size >= total

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
      const begun = actor.history.now()
      const left = () => ms - (actor.history.now() - begun)
      const run = queueLambda<Body>(
        db,
        handler(actor, () => isSteady && left() < 0),
        { pk, ...pull, ...options, onEvent: onEvent(actor) },
      )
      const result = await run({}, { getRemainingTimeInMillis: left }).catch(() => undefined)
      const late = -left()
      if (isSteady && late > 0) actor.anomaly('outlives its deadline', `by ${Math.round(late)} ms of ${ms}`)
      if (result?.empty === false && result.handled === 0 && !isOut(actor) && ms > 3000 && left() > ms / 2)
        actor.anomaly('idle invocation', `returned with ${Math.round(left())} of ${ms} ms left, not empty`)
      await db.runtime.sleep(random.between(100, 2000))
    }
  }

  async function produce(actor: Process): Promise<void> {
    const { db, random } = actor
    while (pushed < total) {
      const id = pushed++
      const size = large && random.chance(0.1) ? 397 * 1024 - random.int(2000) - 300 : random.int(600)
      const item = { pk, data: { id, text: 'x'.repeat(size) }, group: pull.strict && `g${id % 3}` }
      const push = () => db.queuePush(item, { shards: pull.shards, payloadThreshold, exactlyOnce: true })
      for (;;) {
        const error = await push().then(
          () => undefined,
          (reason) => reason as { code?: string },
        )
        if (!error) break
        // Too large for the room that receipts need: it is not in the queue.
        if (error.code === 'InvalidInput') {
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
    async finish(observer) {
      const dead = await observer.db.queuePeek<Body>({ pk: `${pk}#dead`, limit: 1000 })
      for (const { data, deadLetter } of dead) {
        finished.add(data.id)
        // Whoever crashes in the midst of it counts as having received it.
        if (!faults.mortal && !handled.has(data.id))
          observer.anomaly('died unhandled', `message ${data.id}: ${deadLetter?.reason}`)
      }
      const dying = dead.length
      for (const { data } of await observer.db.queuePeek<Body>({ pk, limit: 1000, shards: pull.shards }))
        finished.add(data.id)
      if (!lambda && !faults.mortal && dying > 0)
        observer.anomaly('died in an outage', `${dying} of ${total} messages, outage of ${outageMs} ms`)
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
