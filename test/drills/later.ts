import { StaleReceipt } from '../../src/errors.ts'
import { atomic } from '../../src/index.ts'
import type { Drill, Process } from './world.ts'

const pk = 'later'
const producers = 3
const consumers = 5
const perProducer = 8
/** A consumer that is busy looks at the control row so often; a read may be behind by a second. */
const noticeMs = 6000

/** Messages that are due later, and pauses: none comes early or while the queue is paused, and none is forgotten. */
export const later: Drill = {
  name: 'queue, later and paused',
  plan(draw) {
    const shards = draw.pick([undefined, undefined, 3])
    const pushed = new Map<number, number>()
    const taken = new Set<number>()
    /** Whose acknowledgement was under way: it may have arrived though its process is gone. */
    const acknowledging = new Map<number, Process[]>()
    /** Since when it is surely paused, and surely not any more, simulated ms. */
    let pausedAt = Number.POSITIVE_INFINITY
    let begun = 0
    let ids = 0
    const producing = new Set<Process>()

    async function produce({ db, random, trueNow }: Process): Promise<void> {
      for (let i = 0; i < perProducer; i++) {
        const id = ids++
        const seconds = random.pick([0, 3, 35, 45, 90])
        const at = seconds === 0 ? undefined : trueNow() + seconds * 1000
        const item = random.chance(0.5)
          ? { pk, data: { id, at }, ...(seconds > 0 && { delaySeconds: seconds }) }
          : {
              pk,
              data: { id, at },
              at: seconds > 5 ? Math.round(db.runtime.now() + seconds * 1000) : undefined,
            }
        const isInTransaction = shards === undefined && random.chance(0.4)
        try {
          if (isInTransaction) await atomic(db).queuePush(item).commit()
          else await db.queuePush(item, { shards })
          pushed.set(id, seconds)
        } catch {}
        await db.runtime.sleep(random.between(0, 4000))
      }
    }

    async function take(actor: Process, consistent: boolean): Promise<number> {
      const { db, history, anomaly, trueNow, skewMs } = actor
      const from = history.now()
      const wasPausedAt = pausedAt
      const { items } = await db.queuePullMany<{ id: number; at?: number }>({
        pk,
        limit: 3,
        ttlSeconds: 20,
        shards,
        consistent,
      })
      const isPaused = from > wasPausedAt + noticeMs && pausedAt === wasPausedAt
      for (const item of items) {
        const { id, at = 0 } = item.data
        history.complete(history.invoke(actor.name, 'take', item.sk, id), 'ok')
        if (isPaused) anomaly('paused', `message ${id} was given out`)
        if (at > trueNow() + 2 * skewMs() + 5000) anomaly('early', `message ${id} came before its time`)
        acknowledging.set(id, [...(acknowledging.get(id) ?? []), actor])
        try {
          await db.queueAcknowledge(item)
          taken.add(id)
        } catch (error) {
          // Where the reply was lost it may be gone.
          if (!(error instanceof StaleReceipt)) taken.add(id)
        }
      }
      return items.length
    }

    return {
      contenders: producers + consumers,
      stepMs: 0,
      freezeMs: draw.pick([0, 5000]),
      async live(actor) {
        const { db, random } = actor
        if (begun++ < producers) {
          producing.add(actor)
          return produce(actor).finally(() => producing.delete(actor))
        }
        const isProducing = () => [...producing].some((one) => !one.isDead())
        for (let idle = 0; isProducing() || idle < 4; ) {
          const count = await take(actor, random.chance(0.5)).catch(() => 0)
          idle = count > 0 ? 0 : idle + 1
          await db.runtime.sleep(random.between(100, 4000))
        }
      },
      async watch(observer, over) {
        const { db, random, history } = observer
        // It knows what is due later from early on, and must hear of what comes after.
        await db.runtime.sleep(3000)
        while (!over()) {
          await take(observer, true).catch(() => 0)
          await db.runtime.sleep(random.between(1000, 8000))
          if (over()) return
          const isDone = await db.queuePause(pk).then(
            () => true,
            () => false,
          )
          if (isDone) pausedAt = history.now()
          await db.runtime.sleep(random.between(5000, 20_000))
          pausedAt = Number.POSITIVE_INFINITY
          for (let isResumed = false; !isResumed; )
            isResumed = await db.queueResume(pk).then(
              () => true,
              () => false,
            )
          await db.runtime.sleep(random.between(5000, 20_000))
        }
      },
      async finish(observer) {
        const { db } = observer
        for (let isResumed = false; !isResumed; )
          isResumed = await db.queueResume(pk).then(
            () => true,
            () => false,
          )
        for (let i = 0; i < 50; i++) {
          await db.runtime.sleep(5000)
          while ((await take(observer, false)) > 0) {}
        }
        for (const id of pushed.keys())
          if (!taken.has(id) && !acknowledging.get(id)?.some((one) => one.isDead()))
            observer.anomaly('forgotten', `message ${id} (${pushed.get(id)} s) never came`)
      },
      check: () => [],
    }
  },
}
