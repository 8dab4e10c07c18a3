import { Liveness, Mutex, type MutexOptions } from '../../../src/coordination/index.ts'
import type { Random } from '../../../src/testing/random.ts'
import { checkHolds } from '../checkers/holds.ts'
import { record } from '../workloads/actor.ts'
import {
  drawLeaseWorld,
  fencedWrite,
  isCode,
  leaseKey as key,
  type LeaseWorld,
  leaseName as name,
  settledMs,
  work,
} from './lease-world.ts'
import { Ledger } from './ledger.ts'
import type { Drill, Plan, Process } from './world.ts'

const rounds = 4
/** A signal may be late by one look at the clocks after a pause or a step. */
const noticeMs = 1100

interface MutexWorld extends LeaseWorld {
  options: Partial<MutexOptions>
  ledger: Ledger
  /** Some hold without a time to live; then nobody crashes, or others can tell. */
  endless: 'never' | 'immortal' | 'with liveness'
}

interface Contender {
  actor: Process
  world: MutexWorld
  mutex: Mutex
  ttlMs: number | null
}

const tokenOf = (got: unknown): number =>
  typeof got === 'number' ? got : (got as { fencingToken: number }).fencingToken

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
      const world: MutexWorld = { ...drawn, options, ledger, endless }
      return {
        ...drawn.plan,
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
    return { actor, world, mutex, ttlMs }
  }
  let contender = make()
  for (let round = 0; round < rounds && !alive?.signal.aborted; round++) {
    await db.runtime.sleep(random.between(0, 2000))
    if (random.chance(0.3)) contender = make()
    await random.pick(ways)(contender)
  }
  // What has no end must be given back.
  await alive?.stop().catch(() => {})
}

const beginToLive = ({ db, random }: Process): Promise<Liveness | undefined> =>
  new Liveness(db, random.pick([{ heartbeatMs: 700, deadAfterMs: 6000 }, {}])).start().catch(() => undefined)

/** Waits by `acquire` in some form, then holds. */
async function acquireAndHold(contender: Contender): Promise<void> {
  const { actor, mutex } = contender
  const abort = new AbortController()
  if (actor.random.chance(0.3))
    void actor.db.runtime
      .sleep(actor.random.between(0, 200))
      .then(() => abort.abort(new GaveUp()))
      .catch(() => {})
  const timeoutMs = actor.random.pick([0, 50, 5000, 60_000])
  await hold(contender, () => mutex.acquire({ timeoutMs, signal: abort.signal }).catch(notThisTime))
}

async function tryAndHold(contender: Contender): Promise<void> {
  const { actor, mutex } = contender
  await hold(contender, async () => {
    const answer = await mutex.tryAcquire()
    if (!answer.acquired && !answer.locked && !contender.world.options.fair)
      actor.anomaly('contradiction', `${actor.name} did not get what nobody holds: ${JSON.stringify(answer)}`)
    return answer.acquired ? answer : undefined
  })
}

/** What is said to be free can be had, unless somebody else takes it first. */
async function lookAndTry(contender: Contender): Promise<void> {
  const { actor, mutex, world } = contender
  const seen = await mutex.peek().catch(() => undefined)
  if (!seen || seen.locked || mutex.isHeld || world.options.fair) return
  await hold(contender, async () => {
    const answer = await mutex.tryAcquire()
    if (!answer.acquired && answer.owner === seen.owner && answer.fencingToken === seen.fencingToken)
      actor.anomaly('contradiction', `${actor.name} was told that it is free, and could not take it`)
    return answer.acquired ? answer : undefined
  })
}

async function runIt({ actor, world, mutex }: Contender): Promise<void> {
  const { random, db, process } = actor
  const extend = random.chance(0.7)
  let taken: string | undefined
  let left: (() => boolean) | undefined
  const since = actor.history.now()
  const id = actor.history.invoke(actor.name, 'acquire', name, { ttl: null })
  try {
    await mutex.run(
      async ({ signal, fencingToken }) => {
        actor.history.complete(id, 'ok', { token: fencingToken })
        let aware = 0
        const thaw = () => Math.max(process.frozenUntil, actor.lastStepAt()) + noticeMs
        const believes = () => !signal.aborted && actor.history.now() > thaw()
        left = world.ledger.enter({ actor, shared: false, believes }, since)
        taken = 'inside'
        const until = db.runtime.monotonic() + random.pick([50, 500, 5000])
        while (!signal.aborted && db.runtime.monotonic() < until) {
          await db.runtime.sleep(random.between(10, 200))
          if (aware++ % 5 === 0 && !signal.aborted) await fencedWrite(actor, fencingToken)
        }
        left()
      },
      { timeoutMs: random.pick([0, 5000, 60_000]), extend },
    )
  } catch (error) {
    if (taken === undefined) actor.history.complete(id, 'fail', String(error))
    if (!isCode(error, 'NotAcquired', 'LeaseLost', 'BackendError', 'OutcomeUnknown', 'Throttled')) throw error
  } finally {
    left?.()
    actor.history.complete(actor.history.invoke(actor.name, 'release', name, { holder: id }), 'ok')
  }
}

/** Somebody loses patience with the holder. */
async function force({ actor, world, mutex }: Contender): Promise<void> {
  if (actor.random.chance(0.7)) return
  const forced = world.ledger.force(() => actor.history.now())
  await mutex.forceRelease().catch((error) => {
    if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled')) throw error
  })
  forced()
}

const ways = [acquireAndHold, acquireAndHold, tryAndHold, lookAndTry, runIt, runIt, force]

async function hold(contender: Contender, call: () => Promise<unknown>): Promise<void> {
  const { actor, world, mutex, ttlMs } = contender
  const { random, db } = actor
  const since = actor.history.now()
  const id = actor.history.invoke(actor.name, 'acquire', name, { ttl: ttlMs })
  const got = await call().catch((error) => {
    if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition')) throw error
  })
  if (got === undefined) return actor.history.complete(id, 'fail')
  const token = tokenOf(got)
  actor.history.complete(id, 'ok', { token })
  const leave = world.ledger.enter({ actor, shared: false, believes: () => mutex.isHeld }, since)
  await work(actor, ttlMs ?? 1000)
  await extendSomehow(contender)
  await fencedWrite(actor, token)
  if (random.chance(0.15) && mutex.isHeld && world.endless !== 'with liveness') {
    leave()
    return elsewhere(contender, since)
  }
  await work(actor, ttlMs ?? 1000)
  const endless = ttlMs === null && world.endless === 'immortal'
  if (endless || random.chance(0.85)) {
    leave()
    await giveBack(actor, mutex, id, endless)
  } else {
    // Forgotten: it believes for as long as its lease says.
    const until = db.runtime.monotonic() + 90_000
    while (mutex.isHeld && db.runtime.monotonic() < until) await db.runtime.sleep(500)
    leave()
  }
}

async function extendSomehow({ actor, mutex }: Contender): Promise<void> {
  const { random } = actor
  if (random.chance(0.4)) return
  for (let count = random.pick([1, 1, 3]); count > 0; count--) {
    const abort = new AbortController()
    if (random.chance(0.2))
      void actor.db.runtime.sleep(random.between(0, 100)).then(() => abort.abort(new GaveUp()))
    await mutex.extend({ signal: abort.signal }).catch((error) => {
      if (error instanceof GaveUp) return
      if (!isCode(error, 'LeaseLost', 'BackendError', 'OutcomeUnknown', 'Throttled')) throw error
    })
  }
}

/** Another process goes on with the lease: what this one says about it counts no more. */
async function elsewhere({ actor, world, mutex, ttlMs }: Contender, since: number): Promise<void> {
  const text = mutex.serialize()
  const other = actor.spawn()
  const { clockToleranceMs, options } = world
  const restored = Mutex.restore(other.db, text, { ttlMs, clockToleranceMs, ...options })
  const belief = { actor: other, shared: false, believes: () => restored.isHeld }
  const leave = world.ledger.enter(belief, since)
  await other.db.runtime.sleep(other.random.between(0, 500))
  if (other.random.chance(0.5)) await restored.extend().catch(() => {})
  await work(other, ttlMs ?? 1000)
  leave()
  await giveBack(other, restored, undefined, ttlMs === null)
}

async function giveBack(actor: Process, mutex: Mutex, id: unknown, surely: boolean): Promise<void> {
  for (;;) {
    const error = await record(actor, 'release', name, { holder: id }, () =>
      mutex.release().then(
        () => undefined,
        (error) => error,
      ),
    )
    if (error === undefined || isCode(error, 'LeaseLost')) return
    if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled')) throw error
    if (!surely) return
    await actor.db.runtime.sleep(100)
  }
}

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
    while (!(await make().tryAcquire()).acquired) {
      if (db.runtime.monotonic() > until)
        return observer.anomaly('blocked', `not to be had by tries: ${JSON.stringify(await make().peek())}`)
      await db.runtime.sleep(5000)
    }
  }
}

class GaveUp extends Error {}

const notThisTime = (error: unknown): undefined => {
  if (error instanceof GaveUp || isCode(error, 'NotAcquired', 'Throttled', 'BackendError', 'OutcomeUnknown'))
    return undefined
  throw error
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
