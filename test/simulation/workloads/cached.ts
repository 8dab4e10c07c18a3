import type { AtomicDbInterface, AtomicDbItem } from '../../../src/interface.ts'
import { type Actor, record, type Workload } from './actor.ts'

const pk = 'cached'
const keys = ['c0', 'c1', 'c2'].map((sk) => ({ pk, sk }))

interface Count {
  n: number
}

/**
 * Numbers that only grow, read and written through caches, each shared by several actors. A cache may be behind other
 * processes, and it never goes back: not behind what it showed before, nor behind a write that it confirmed.
 */
export function cachedWorkload(): Workload {
  const floors = new WeakMap<AtomicDbInterface, Map<string, number>>()
  return {
    name: 'cached',
    async step(actor) {
      const { cache, random } = actor
      if (!cache) return
      const floor = floors.get(cache) ?? new Map<string, number>()
      floors.set(cache, floor)
      const kind = random.int(10)
      if (kind < 3) await write(actor, cache, floor)
      else if (kind < 4)
        await record(actor, 'peek', pk, undefined, () => cache.get(random.pick(keys), { consistent: false }))
      else await read(actor, cache, floor)
    },
  }
}

const raise = (floor: Map<string, number>, sk: string, n: number) =>
  floor.set(sk, Math.max(floor.get(sk) ?? 0, n))

async function write(actor: Actor, cache: AtomicDbInterface, floor: Map<string, number>): Promise<void> {
  const key = actor.random.pick(keys)
  const change = { add: { n: 1 } }
  const done = await record(actor, 'add', `${pk}/${key.sk}`, 1, () => cache.update<Count>(key, change))
  if (done?.item) raise(floor, key.sk, done.item.data.n)
}

async function read(actor: Actor, cache: AtomicDbInterface, floor: Map<string, number>): Promise<void> {
  const { random } = actor
  const some = random.sample(keys, 1 + random.int(2))
  const before = some.map(({ sk }) => floor.get(sk) ?? 0)
  const options = random.chance(0.3) ? { consistent: true } : {}
  const many = random.chance(0.4)
  const items = await record(
    actor,
    'read',
    pk,
    some.map(({ sk }) => sk),
    async () =>
      many ? await cache.getMany<Count>(some, options) : [await cache.get<Count>(some[0]!, options)],
  )
  items?.forEach((item: AtomicDbItem<Count> | undefined, i) => {
    const { sk } = some[i]!
    const n = item?.data.n ?? 0
    if (n < before[i]!)
      actor.anomaly('cache: back', `${sk} was ${before[i]} through this cache, and a later read shows ${n}`)
    raise(floor, sk, n)
  })
}
