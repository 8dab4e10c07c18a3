import { RateLimiter } from '../../src/coordination/index.ts'
import { isCode } from './lease-world.ts'
import type { Drill } from './world.ts'

/** Callers who take what they get, and come back after a while: never more than the limit and the burst allow. */
export const rateLimit: Drill = {
  name: 'rate limiter',
  plan(draw) {
    const [limit, windowMs, burst] = draw.pick([
      [1, 1000, 10],
      [1, 1000, 100],
      [10, 1000, 100],
      [10, 1000, 10],
    ] as const)
    let allowed = 0
    return {
      contenders: 3,
      // A clock that is wrong shifts the limit by as much.
      offsetMs: 0,
      stepMs: 0,
      freezeMs: draw.pick([0, 5000]),
      async live(actor) {
        const { db, random, history } = actor
        const limiter = new RateLimiter(db, { pk: 'drill', sk: 'limit' }, { limit, windowMs, burst })
        const take = () =>
          limiter.take().catch((error) => {
            if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition')) throw error
            return { allowed: false }
          })
        while (history.now() < 60_000) {
          while ((await take()).allowed) {
            allowed++
            history.complete(history.invoke(actor.name, 'take', 'limit'), 'ok')
            const most = burst + 1 + Math.ceil((history.now() / windowMs) * limit)
            if (allowed > most) {
              actor.anomaly('over the limit', `${allowed} calls in ${history.now()} ms, at most ${most}`)
              return
            }
          }
          await db.runtime.sleep(random.between(1000, 6000))
        }
      },
      check: () => [],
    }
  },
}
