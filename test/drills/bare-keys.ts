import { type Outcome, record } from '../simulation/workloads/actor.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Process } from './world.ts'

const pk = 'bare'
const total = 60

interface Body {
  id: number
}

/** A lone consumer that names messages by their bare keys, as a caller does who keeps no receipts. */
export const bareKeys: Drill = {
  name: 'queue, bare keys',
  plan(draw) {
    const done = new Set<number>()
    const givenBack = new Set<number>()

    async function handle(actor: Process, key: { pk: string; sk: string }, id: number): Promise<void> {
      const { db, random } = actor
      const noted = (into: Set<number>) => ({
        ended: (outcome: Outcome) => {
          if (outcome === 'ok') into.add(id)
        },
      })
      givenBack.delete(id)
      if (random.chance(0.3))
        await record(actor, 'release', pk, id, () => db.queueRelease(key), noted(givenBack))
      else await record(actor, 'ack', pk, id, () => db.queueAcknowledge(key), noted(done))
    }

    return {
      contenders: 1,
      stepMs: 0,
      freezeMs: 0,
      mortal: false,
      often: draw.pick([undefined, 'lostRequest', 'lostReply']),
      // What was given up must not arrive when the message is somebody else's.
      lateMs: 1,
      async live(actor) {
        const { db, random } = actor
        const items = Array.from({ length: total }, (_, id) => ({ pk, data: { id } }))
        await record(actor, 'push', pk, total, () => db.queuePush(items, { exactlyOnce: true }))
        for (let looks = 0; looks < 2 * total; looks++) {
          const { items: pulled } = await db
            .queuePullMany<Body>({ pk, limit: 1 + random.int(4), ttlSeconds: 3600 })
            .catch((error) => isTrouble(error) && { items: [] })
          for (const { sk, data } of pulled) {
            if (done.has(data.id)) actor.anomaly('came back', `message ${data.id} was acknowledged`)
            await handle(actor, { pk, sk }, data.id)
          }
          await db.runtime.sleep(random.between(0, 1000))
        }
      },
      async finish({ db, anomaly }) {
        for (const { data, isProcessing } of await db.queuePeek<Body>({ pk, limit: 2 * total })) {
          if (done.has(data.id)) anomaly('still there', `message ${data.id} was acknowledged`)
          if (isProcessing && givenBack.has(data.id))
            anomaly('still held', `message ${data.id} was given back`)
        }
      },
      check: () => [],
    }
  },
}

function isTrouble(error: unknown): true {
  if (isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition')) return true
  throw error
}
