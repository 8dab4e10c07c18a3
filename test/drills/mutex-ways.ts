import {
  type Liveness,
  Mutex,
  type MutexOptions,
  type MutexState,
  NotAcquired,
} from '../../src/coordination/index.ts'
import { record } from '../simulation/workloads/actor.ts'
import { fencedWrite, isCode, type LeaseWorld, leaseName as name, work } from './lease-world.ts'
import type { Ledger } from './ledger.ts'
import type { Process } from './world.ts'

/** A signal may be late by one look at the clocks after a pause or a step. */
const noticeMs = 1100

export interface MutexWorld extends LeaseWorld {
  options: Partial<MutexOptions>
  ledger: Ledger
  /** How many times somebody has begun with a key of its own. */
  begun: number
  /** Some hold without a time to live; then nobody crashes, or others can tell. */
  endless: 'never' | 'immortal' | 'with liveness'
}

/** One process with a mutex object of its own. */
export interface Contender {
  actor: Process
  world: MutexWorld
  mutex: Mutex
  /** With it the mutex is held. */
  alive: Liveness | undefined
  ttlMs: number | null
}

const tokenOf = (got: unknown): number =>
  typeof got === 'number' ? got : (got as { fencingToken: number }).fencingToken

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
  const { runtime } = actor.db
  const begun = runtime.monotonic()
  await hold(contender, () =>
    mutex.acquire({ timeoutMs, signal: abort.signal }).catch((error) => {
      // What passes must not end a wait before its time.
      if (
        isCode(error, 'Throttled', 'OutcomeUnknown', 'RaceCondition') &&
        runtime.monotonic() - begun < timeoutMs
      )
        actor.anomaly('gave up waiting', `after ${runtime.monotonic() - begun} of ${timeoutMs} ms: ${error}`)
      return notThisTime(error)
    }),
  )
}

/** One try, and who has it when it fails. */
async function tryOnce(mutex: Mutex): Promise<{ lease?: { fencingToken: number }; state?: MutexState }> {
  try {
    return { lease: await mutex.acquire({ timeoutMs: 0 }) }
  } catch (error) {
    if (error instanceof NotAcquired && error.state) return { state: error.state }
    throw error
  }
}

async function tryAndHold(contender: Contender): Promise<void> {
  const { actor, mutex } = contender
  await hold(contender, async () => {
    if (contender.world.options.fair) return mutex.tryAcquire()
    const { lease, state } = await tryOnce(mutex)
    if (state?.locked === false)
      actor.anomaly('contradiction', `${actor.name} did not get what nobody holds: ${JSON.stringify(state)}`)
    return lease
  })
}

/** What is said to be free can be had, unless somebody else takes it first, or its holder extends it late. */
async function lookAndTry(contender: Contender): Promise<void> {
  const { actor, mutex, world } = contender
  const seen = await mutex.peek().catch(() => undefined)
  if (!seen || seen.locked || mutex.isHeld || world.options.fair) return
  await hold(contender, async () => {
    const { lease, state } = await tryOnce(mutex)
    const isUnchanged = state && state.owner === seen.owner && state.fencingToken === seen.fencingToken
    if (!isUnchanged || (state.remainingMs ?? 0) > (seen.remainingMs ?? 0)) return lease
    // A late heartbeat may have shown meanwhile that its process lives: then it is not free any more.
    const again = await mutex.peek().catch(() => undefined)
    if (again?.locked === false && again.owner === seen.owner && again.fencingToken === seen.fencingToken)
      actor.anomaly('contradiction', `${actor.name} was told that it is free, and could not take it`)
    return lease
  })
}

async function runIt({ actor, world, mutex, ttlMs }: Contender): Promise<void> {
  const { random, db, process } = actor
  const extend = random.chance(0.7)
  let taken: string | undefined
  let left: (() => boolean) | undefined
  let lost = false
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
        const latest = db.runtime.monotonic() + (ttlMs ?? Number.POSITIVE_INFINITY) + noticeMs
        while (!signal.aborted && db.runtime.monotonic() < until) {
          await db.runtime.sleep(random.between(10, 200))
          if (!extend && !signal.aborted && db.runtime.monotonic() > latest && believes())
            actor.anomaly('extended', `${actor.name} holds for longer than ${ttlMs} ms without extending`)
          if (aware++ % 5 === 0 && !signal.aborted) await fencedWrite(actor, fencingToken)
        }
        left()
        lost = signal.aborted
      },
      { timeoutMs: random.pick([0, 5000, 60_000]), extend },
    )
    // Of a process that counts as dead the mutex may still be its own when it is given back.
    if (lost && world.endless !== 'with liveness')
      actor.anomaly('lost in silence', `${actor.name} was told that all went well`)
  } catch (error) {
    if (taken === undefined) actor.history.complete(id, 'fail', String(error))
    if (
      !isCode(
        error,
        'NotAcquired',
        'LeaseLost',
        'BackendError',
        'OutcomeUnknown',
        'Throttled',
        'RaceCondition',
      )
    )
      throw error
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
    if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition')) throw error
  })
  forced()
}

/** Two processes begin with a key that nobody has used: whatever is lost then, both get it. */
async function beginAnew({ actor, world }: Contender): Promise<void> {
  const { clockToleranceMs, options } = world
  const sk = `new ${Math.floor(world.begun++ / 2)}`
  const mutex = new Mutex(actor.db, { pk: 'drill', sk }, { ttlMs: 1000, clockToleranceMs, ...options })
  await mutex.acquire().catch(notThisTime)
  await mutex.release().catch((error) => {
    if (!isCode(error, 'LeaseLost')) notThisTime(error)
  })
}

/** Whose process takes no new work is told so at once, and nothing begins until it does again. */
async function drain({ actor, mutex, alive }: Contender): Promise<void> {
  if (!alive) return
  await mutex
    .run(
      async ({ signal }) => {
        await alive.setDraining().catch(notThisTime)
        if (!signal.aborted) actor.anomaly('draining unnoticed', `${actor.name} was not told to end its work`)
      },
      { timeoutMs: 5000 },
    )
    .catch((error) => {
      if (!isCode(error, 'ProcessDraining', 'LeaseLost')) notThisTime(error)
    })
  await alive.setDraining(false).catch((error) => {
    if (!isCode(error, 'LeaseLost')) notThisTime(error)
  })
}

/** What a process does with a mutex, once. */
export const ways = [
  acquireAndHold,
  acquireAndHold,
  tryAndHold,
  lookAndTry,
  runIt,
  runIt,
  beginAnew,
  drain,
  force,
]

async function hold(contender: Contender, call: () => Promise<unknown>): Promise<void> {
  const { actor, world, mutex, ttlMs } = contender
  const { random, db } = actor
  const since = actor.history.now()
  const id = actor.history.invoke(actor.name, 'acquire', name, { ttl: ttlMs })
  const got = await call().catch((error) => {
    // A process that counts as dead acquires nothing.
    if (world.endless === 'with liveness' && isCode(error, 'LeaseLost')) return
    if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition')) throw error
  })
  if (got === undefined) return actor.history.complete(id, 'fail')
  const token = tokenOf(got)
  actor.history.complete(id, 'ok', { token })
  const leave = world.ledger.enter({ actor, shared: false, believes: () => mutex.isHeld }, since)
  await work(actor, ttlMs ?? 1000)
  for (let looks = ttlMs === null ? 6 : 1; looks > 0; looks--) {
    // Asked first thing after a pause, before timers of the library.
    world.ledger.look()
    await db.runtime.sleep(random.between(0, 500))
  }
  await extendSomehow(contender)
  await fencedWrite(actor, token)
  if (random.chance(0.4) && mutex.isHeld && world.endless !== 'with liveness') {
    leave()
    return elsewhere(contender, since)
  }
  await work(actor, ttlMs ?? 1000)
  const endless = ttlMs === null && world.endless === 'immortal'
  if (endless || random.chance(0.7)) {
    leave()
    await giveBack(actor, mutex, id, endless)
  } else {
    // Forgotten: it believes for as long as its lease says.
    const until = db.runtime.monotonic() + 90_000
    while (mutex.isHeld && db.runtime.monotonic() < until) await db.runtime.sleep(500)
    leave()
  }
}

async function extendSomehow({ actor, world, mutex, ttlMs: own }: Contender): Promise<void> {
  const { random } = actor
  if (random.chance(0.4)) return
  for (let count = random.pick([1, 1, 3]); count > 0; count--) {
    const abort = new AbortController()
    if (random.chance(0.3))
      void actor.db.runtime.sleep(random.between(0, 100)).then(() => abort.abort(new GaveUp()))
    const ttlMs = own !== null && random.chance(0.3) ? world.ttlMs(random) : undefined
    await mutex.extend({ signal: abort.signal, ttlMs }).catch((error) => {
      if (error instanceof GaveUp) return
      if (!isCode(error, 'LeaseLost', 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition'))
        throw error
    })
    // What was given up arrives meanwhile, or after the next one.
    await actor.db.runtime.sleep(random.between(0, (own ?? 1000) / 2))
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
  if (other.random.chance(0.35)) await restored.extend().catch(() => {})
  await work(other, ttlMs ?? 1000)
  if (ttlMs !== null && other.random.chance(0.7))
    while (restored.isHeld && !other.isDead()) await other.db.runtime.sleep(500)
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
    if (!isCode(error, 'BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition')) throw error
    if (!surely) return
    await actor.db.runtime.sleep(100)
  }
}

class GaveUp extends Error {}

const notThisTime = (error: unknown): undefined => {
  if (
    error instanceof GaveUp ||
    isCode(error, 'NotAcquired', 'Throttled', 'BackendError', 'OutcomeUnknown', 'RaceCondition')
  )
    return undefined
  throw error
}
