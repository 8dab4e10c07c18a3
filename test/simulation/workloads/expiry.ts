import { OutcomeUnknown } from '../../../src/errors.ts'
import { type Actor, record, type Workload } from './actor.ts'

const pk = 'expiry'

interface Written {
  value: string
  ttl: number
}

/** Items that expire: never read after their time, never gone before it. Every actor writes keys of its own. */
export function expiryWorkload(): Workload {
  /** What a key must hold; nothing when that is in doubt. */
  const known = new Map<string, Written>()
  const names = new Set<string>()
  /** A write sent twice can arrive again until then, and overwrite a later one. */
  const doubtful = new Map<string, number>()
  let count = 0
  return {
    name: 'expiry',
    async step(actor) {
      const { db, random } = actor
      if (random.chance(0.4)) {
        const sk = `${actor.name}-${random.int(2)}`
        names.add(sk)
        const ttl = Math.floor(db.runtime.now() / 1000) + random.pick([1, 2, 5, 30])
        const value = `v${++count}`
        known.delete(sk)
        const doubts = actor.doubts()
        await record(actor, 'expiring', `${pk}/${sk}`, { value, ttl }, async () => {
          await db.set({ pk, sk, data: value, ttl })
          if (actor.doubts() === doubts && !(doubtful.get(sk)! > actor.trueNow()))
            known.set(sk, { value, ttl })
        })
        if (actor.doubts() !== doubts) doubtful.set(sk, actor.trueNow() + actor.lateMs)
      } else if (names.size > 0) await look(actor, random.pick([...names]), known)
    },
  }
}

async function look(actor: Actor, sk: string, known: Map<string, Written>): Promise<void> {
  const { db } = actor
  const own = sk.startsWith(`${actor.name}-`)
  const before = db.runtime.now()
  const expected = own ? known.get(sk) : undefined
  const way = actor.random.int(3)
  const found = await record(actor, 'look', `${pk}/${sk}`, undefined, async () => {
    if (way === 0) return { item: await db.get<string>({ pk, sk }) }
    if (way === 1) return { item: (await db.getMany<string>([{ pk, sk }]))[0] }
    return { item: (await db.query<string>({ pk })).find((item) => item.sk === sk) }
  }).catch((error) => {
    if (error instanceof OutcomeUnknown) return undefined
    throw error
  })
  if (!found) return
  const { item } = found
  const now = Math.max(db.runtime.now(), actor.trueNow())
  if (item?.ttl !== undefined && item.ttl * 1000 <= Math.min(before, db.runtime.now()))
    actor.anomaly('expired', `${pk}/${sk} was read ${before - item.ttl * 1000} ms after it expired`)
  if (expected && now < expected.ttl * 1000 && item?.data !== expected.value)
    actor.anomaly(
      'lost',
      `${pk}/${sk} is ${item?.data ?? 'gone'} and not ${expected.value}, ${expected.ttl * 1000 - now} ms before it expires`,
    )
}
