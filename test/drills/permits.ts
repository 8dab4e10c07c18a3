import { ReadWriteLock, Semaphore, type SemaphoreOptions } from '../../src/coordination/index.ts'
import { checkHolds } from '../checkers/holds.ts'
import { record } from '../simulation/workloads/actor.ts'
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
const noticeMs = 1100

interface Permit {
  isHeld?: boolean
  fencingToken?: number
  extend(options: { ttlMs?: number; signal: AbortSignal }): Promise<void>
  release(): Promise<void>
}

/** One way to hold: what a semaphore's permits, readers and writers have in common. */
interface Way {
  shared: boolean
  tryOnce(): Promise<Permit | undefined>
  acquire(options: { timeoutMs: number; signal: AbortSignal }): Promise<Permit>
  run(fn: (signal: AbortSignal) => Promise<void>, options: { timeoutMs: number }): Promise<void>
}

interface PermitWorld extends LeaseWorld {
  ledger: Ledger
  /** A way in for one process, with a time to live of its own. */
  way(actor: Process, ttlMs: number): Way
}

const trouble = ['LeaseLost', 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition']

async function live(actor: Process, world: PermitWorld): Promise<void> {
  const { random, db } = actor
  for (let round = 0; round < rounds; round++) {
    await db.runtime.sleep(random.between(0, 2000))
    const ttlMs = world.ttlMs(random)
    const way = world.way(actor, ttlMs)
    if (random.chance(0.3)) await runIt(actor, world, way)
    else await holdIt(actor, world, way, ttlMs)
  }
}

async function holdIt(actor: Process, world: PermitWorld, way: Way, ttlMs: number): Promise<void> {
  const { random, db } = actor
  const { runtime } = db
  const abort = new AbortController()
  if (random.chance(0.2)) void runtime.sleep(random.between(0, 200)).then(() => abort.abort(new GaveUp()))
  const wait = { timeoutMs: random.pick([0, 5000, 60_000]), signal: abort.signal }
  let until = runtime.monotonic() + ttlMs
  const tries = random.chance(0.4)
  const began = runtime.monotonic()
  const id = actor.history.invoke(actor.name, 'acquire', name, { ttl: ttlMs, shared: way.shared })
  const permit = await (tries ? way.tryOnce() : way.acquire(wait)).catch((error) => {
    if (!(error instanceof GaveUp) && !isCode(error, 'NotAcquired', ...trouble)) throw error
  })
  if (!permit) return actor.history.complete(id, 'fail')
  // Permits that do not tell: counted from before a try, as far as one can know from outside.
  if (tries) until = began + ttlMs
  actor.history.complete(id, 'ok', { token: permit.fencingToken })
  const believes = () => permit.isHeld ?? (tries && runtime.monotonic() < until)
  const leave = world.ledger.enter({ actor, shared: way.shared, believes }, 0)
  await work(actor, ttlMs)
  for (let count = random.pick([0, 0, 1, 3]); count > 0; count--) {
    const sent = runtime.monotonic()
    const other = random.chance(0.3) ? { ttlMs: world.ttlMs(random) } : {}
    const giveUp = new AbortController()
    if (random.chance(0.3)) void runtime.sleep(random.between(0, 100)).then(() => giveUp.abort(new GaveUp()))
    await permit.extend({ ...other, signal: giveUp.signal }).then(
      () => {
        until = Math.max(until, sent + (other.ttlMs ?? ttlMs))
      },
      (error) => {
        if (!(error instanceof GaveUp) && !isCode(error, ...trouble)) throw error
      },
    )
    await runtime.sleep(random.between(0, ttlMs / 2))
  }
  if (permit.fencingToken !== undefined) await fencedWrite(actor, permit.fencingToken)
  await work(actor, ttlMs)
  if (random.chance(0.5)) {
    leave()
    await record(actor, 'release', name, { holder: id }, () => permit.release())
  } else {
    while (believes() && !actor.isDead()) await runtime.sleep(500)
    leave()
  }
}

async function runIt(actor: Process, world: PermitWorld, way: Way): Promise<void> {
  const { random, db, process } = actor
  let leave: (() => boolean) | undefined
  let lost = false
  try {
    await way.run(
      async (signal) => {
        const aware = () => Math.max(process.frozenUntil, actor.lastStepAt()) + noticeMs
        const believes = () => !signal.aborted && actor.history.now() > aware()
        leave = world.ledger.enter({ actor, shared: way.shared, believes }, 0)
        const until = db.runtime.monotonic() + random.pick([50, 500, 5000])
        while (!signal.aborted && db.runtime.monotonic() < until)
          await db.runtime.sleep(random.between(10, 200))
        leave()
        lost = signal.aborted
      },
      { timeoutMs: random.pick([0, 5000, 60_000]) },
    )
    if (lost) actor.anomaly('lost in silence', `${actor.name} was told that all went well`)
  } catch (error) {
    if (!isCode(error, 'NotAcquired', ...trouble)) throw error
  } finally {
    leave?.()
  }
}

class GaveUp extends Error {}

const check: Plan['check'] = (operations) =>
  checkHolds(operations).anomalies.filter(
    ({ kind }) => kind !== 'too many holders' && kind !== 'reader beside a writer',
  )

/** During a deployment some contenders know the old number of permits, some the new one. */
const semaphore: Drill = {
  name: 'semaphore',
  plan(draw) {
    const drawn = drawLeaseWorld(draw)
    const numbers = draw.chance(0.5) ? [3] : [1, 4]
    const ledger = new Ledger({ judged: drawn.judged, permits: Math.max(...numbers) })
    const { clockToleranceMs } = drawn
    const open = (actor: Process, options: Pick<SemaphoreOptions, 'permits' | 'ttlMs'>) =>
      new Semaphore(actor.db, key, { clockToleranceMs, ...options })
    const way = (actor: Process, ttlMs: number): Way => {
      const slots = open(actor, { permits: actor.random.pick(numbers), ttlMs })
      return {
        shared: false,
        tryOnce: () => slots.tryAcquire(),
        acquire: (options) => slots.acquire(options),
        run: (fn, options) => slots.run(({ signal }) => fn(signal), options),
      }
    }
    const world: PermitWorld = { ...drawn, ledger, way }
    return {
      ...drawn.plan,
      live: (actor) => live(actor, world),
      watch: (observer, over) => ledger.watch(observer, over),
      async finish(observer) {
        await observer.db.runtime.sleep(settledMs)
        // Whatever lies there of crashed holders, no more than so many get in.
        const narrow = open(observer, { permits: 1, ttlMs: 60_000 })
        let admitted = 0
        for (let i = 0; i < 6; i++) if (await narrow.tryAcquire()) admitted++
        if (admitted === 0) observer.anomaly('blocked', 'no permit is to be had')
        if (admitted > 1) observer.anomaly('too many holders', `${admitted} of 1 permit`)
      },
      check,
    }
  },
}

const readWriteLock: Drill = {
  name: 'read-write lock',
  plan(draw) {
    const drawn = drawLeaseWorld(draw)
    const ledger = new Ledger({ judged: drawn.judged })
    const { clockToleranceMs } = drawn
    const readers = draw.pick([0.3, 0.7, 0.95])
    const open = (actor: Process, ttlMs: number) =>
      new ReadWriteLock(actor.db, key, { ttlMs, clockToleranceMs })
    const way = (actor: Process, ttlMs: number): Way => {
      const lock = open(actor, ttlMs)
      const shared = actor.random.chance(readers)
      return {
        shared,
        tryOnce: () => (shared ? lock.tryAcquireRead() : lock.tryAcquireWrite()),
        acquire: (options) => (shared ? lock.acquireRead(options) : lock.acquireWrite(options)),
        run: (fn, options) =>
          shared
            ? lock.runRead(({ signal }) => fn(signal), options)
            : lock.runWrite(({ signal }) => fn(signal), options),
      }
    }
    const world: PermitWorld = { ...drawn, ledger, way }
    return {
      ...drawn.plan,
      live: (actor) => live(actor, world),
      watch: (observer, over) => ledger.watch(observer, over),
      async finish(observer) {
        await observer.db.runtime.sleep(settledMs)
        await readersGo(observer, open(observer, 3000))
      },
      check,
    }
  },
}

/** Crashed readers do not stay in the row: it has room for as many as live. */
async function readersGo(observer: Process, lock: ReadWriteLock): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const permit = await lock.tryAcquireRead()
    if (!permit) return observer.anomaly('blocked', 'nobody can read')
    await permit.release()
  }
  const item = await observer.db.get<{ readers?: object }>(key)
  const left = Object.keys(item?.data.readers ?? {}).length
  if (left > 0) observer.anomaly('row grows', `${left} crashed readers are still in the row`)
  if (!(await lock.tryAcquireWrite())) observer.anomaly('blocked', 'nobody can write')
}

export const permitDrills: readonly Drill[] = [semaphore, readWriteLock]
