import { Liveness, Mutex, type MutexOptions } from '../../src/coordination/index.ts'
import type { Random } from '../../src/testing/random.ts'
import { checkHolds } from '../checkers/holds.ts'
import { drawLeaseWorld, isCode, leaseKey as key, settledMs } from './lease-world.ts'
import { Ledger } from './ledger.ts'
import { type Contender, type MutexWorld, ways } from './mutex-ways.ts'
import type { Drill, Plan, Process } from './world.ts'

const rounds = 4

export function mutexDrill(
  title: string,
  options: Partial<MutexOptions>,
  endless: MutexWorld['endless'],
): Drill {
  const observed = options.lease === 'observed'
  return {
    name: title,
    plan(draw) {
      const drawn = drawLeaseWorld(draw, { anyClock: observed })
      const ledger = new Ledger({ judged: drawn.judged })
      const world: MutexWorld = { ...drawn, options, ledger, endless, begun: 0 }
      return {
        ...drawn.plan,
        // Without a time to live, what cannot be given back is held.
        ...(endless === 'immortal' && { outageMs: 0 }),
        // Long enough to be taken for dead.
        ...(endless === 'with liveness' && draw.chance(0.5) && { freezeMs: 60_000 }),
        mortal: endless !== 'immortal',
        live: (actor) => live(actor, world),
        watch: (observer, over) => ledger.watch(observer, over),
        finish: (observer) => freeInTheEnd(observer, world, draw),
        // Exclusion is judged by what processes believe at each moment; this says what tokens and fences were.
        check: (operations) =>
          checkHolds(operations).anomalies.filter(({ kind }) => kind !== 'too many holders'),
      } satisfies Plan
    },
  }
}

async function live(actor: Process, world: MutexWorld): Promise<void> {
  const { random, db } = actor
  const alive = world.endless === 'with liveness' && random.chance(0.7) ? await beginToLive(actor) : undefined
  const make = (): Contender => {
    const endless = world.endless === 'immortal' ? random.chance(0.5) : alive !== undefined
    const ttlMs = endless ? null : world.ttlMs(random)
    const { clockToleranceMs, options } = world
    const mutex = new Mutex(db, key, { ttlMs, clockToleranceMs, ...options, liveness: alive })
    return { actor, world, mutex, alive, ttlMs }
  }
  let contender = make()
  for (let round = 0; round < rounds && !alive?.signal.aborted; round++) {
    await db.runtime.sleep(random.between(0, 2000))
    if (random.chance(0.3)) contender = make()
    await random
      .pick(ways)(contender)
      .catch((error) => {
        // Nothing can be acquired by a process that counts itself as dead.
        if (!alive?.signal.aborted || !isCode(error, 'LeaseLost')) throw error
      })
  }
  // What has no end must be given back.
  await alive?.stop().catch(() => {})
}

const beginToLive = ({ db, random }: Process): Promise<Liveness | undefined> =>
  new Liveness(db, random.pick([{ heartbeatMs: 700, deadAfterMs: 6000 }, {}])).start().catch(() => undefined)

/** A new contender gets it when all others are gone: by waiting, or by one try now and then. */
async function freeInTheEnd(observer: Process, world: MutexWorld, draw: Random): Promise<void> {
  const { db } = observer
  const { clockToleranceMs, options } = world
  const make = () => new Mutex(db, key, { ttlMs: 3000, clockToleranceMs, ...options })
  const until = db.runtime.monotonic() + settledMs
  if (draw.chance(0.5)) {
    const got = await make()
      .acquire({ timeoutMs: settledMs })
      .catch((error) => observer.anomaly('blocked', String(error)))
    if (got === undefined) return
  } else {
    while (!(await make().tryAcquire())) {
      if (db.runtime.monotonic() > until)
        return observer.anomaly('blocked', `not to be had by tries: ${JSON.stringify(await make().peek())}`)
      await db.runtime.sleep(5000)
    }
  }
}

export const mutexDrills: readonly Drill[] = [
  mutexDrill('mutex by wall clock', {}, 'never'),
  // No two clocks are compared: they may say what they like.
  mutexDrill('mutex, observed', { lease: 'observed' }, 'never'),
  mutexDrill('mutex, fair', { fair: true }, 'never'),
  mutexDrill('mutex, fair and observed', { fair: true, lease: 'observed' }, 'never'),
  mutexDrill('mutex without end', {}, 'immortal'),
  mutexDrill('mutex with liveness', {}, 'with liveness'),
]
