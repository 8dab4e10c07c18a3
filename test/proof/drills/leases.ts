import { fenced } from '../../../src/coordination/fencing.ts'
import {
  Liveness,
  Mutex,
  type MutexOptions,
  ReadWriteLock,
  Semaphore,
} from '../../../src/coordination/index.ts'
import type { Permit } from '../../../src/coordination/permit.ts'
import { checkHolds } from '../checkers/holds.ts'
import { type Actor, record } from '../workloads/actor.ts'
import type { Drill, Plan, Process } from './world.ts'

const key = { pk: 'drill', sk: 'lease' }
const name = 'lease'
// More than any two clocks differ where clocks are compared.
const clockToleranceMs = 9000
const ttl = 3000
const rounds = 3

interface Held {
  /** Of the acquisition in the history. */
  id: number
  token?: number
  extend(): Promise<unknown>
  release(): Promise<unknown>
}

/** What a holder does: works, sometimes longer than its lease, writes under its token, extends, gives back or forgets. */
async function hold(actor: Process, held: Held): Promise<void> {
  const { db, random } = actor
  await db.runtime.sleep(random.chance(0.15) ? random.between(ttl, 2 * ttl) : random.between(0, 200))
  if (random.chance(0.3)) await record(actor, 'extend', name, { holder: held.id }, held.extend)
  if (held.token !== undefined) await fencedWrite(actor, held.token)
  if (random.chance(0.1)) return
  await record(actor, 'release', name, { holder: held.id }, held.release)
}

async function fencedWrite(actor: Actor, token: number): Promise<void> {
  const { changes, if: condition } = fenced({ set: { by: actor.name } }, token)
  const write = () => actor.db.update({ pk: 'drill', sk: 'fenced' }, changes, { if: condition })
  await record(actor, 'write', name, { token }, async () => (await write()).applied, {
    output: (applied) => applied,
  })
}

/** An acquisition in the history; undefined: not this time. */
async function acquired<R>(
  actor: Process,
  input: object,
  call: () => Promise<R | undefined>,
  output: (result: R) => object,
): Promise<{ id: number; result: R } | undefined> {
  const events = actor.history.events
  let result: R | undefined
  const at = events.length
  await record(
    actor,
    'acquire',
    name,
    input,
    async () => {
      result = await call()
      if (result === undefined) throw new NotThisTime()
      return result
    },
    { output: (got) => output(got) },
  ).catch((error) => {
    if (!(error instanceof NotThisTime)) throw error
  })
  return result === undefined ? undefined : { id: events[at]!.id as number, result }
}

class NotThisTime extends Error {}

function mutexPlan(options: Partial<MutexOptions>, faults: Pick<Plan, 'stepMs' | 'freezeMs'>): Plan {
  return {
    contenders: 32,
    ...faults,
    async live(actor) {
      const { db, random, process } = actor
      const mutex = new Mutex(db, key, { ttlMs: ttl, clockToleranceMs, ...options })
      for (let got = 0; got < rounds; ) {
        await db.runtime.sleep(random.between(0, 2000))
        const found = await acquired(
          actor,
          { ttl },
          () => mutex.acquire({ timeoutMs: random.pick([0, 5000, 60_000]) }).catch(notAcquired),
          // What the holder believes by its monotonic clock, told through its wall clock.
          (token) => ({
            token,
            until: JSON.parse(mutex.serialize()).until - process.clockOffset - startOf(actor),
          }),
        )
        if (!found) continue
        got++
        const { id, result: token } = found
        await hold(actor, { id, token, extend: () => mutex.extend(), release: () => mutex.release() })
      }
    },
    check: (operations) => checkHolds(operations).anomalies,
  }
}

/** Epoch ms at which the simulation began. */
const startOf = (actor: Process): number => actor.trueNow() - actor.history.now()

const notAcquired = (error: { code?: string }): undefined => {
  if (error.code !== 'NotAcquired') throw error
}

/** Held for as long as the process lives. */
const livenessPlan: Plan = {
  contenders: 12,
  stepMs: 0,
  freezeMs: 0,
  async live(actor) {
    const { db, random } = actor
    const liveness = await new Liveness(db, { heartbeatMs: 700, deadAfterMs: 6000 })
      .start()
      .catch(() => undefined)
    if (!liveness) return
    const mutex = new Mutex(db, key, { ttlMs: null, liveness, clockToleranceMs: 1500 })
    for (let got = 0; got < rounds && !liveness.signal.aborted; ) {
      await db.runtime.sleep(random.between(0, 1000))
      const timeoutMs = random.pick([0, 20_000])
      const found = await acquired(
        actor,
        { ttl: null },
        () => mutex.acquire({ timeoutMs }).catch(notAcquired),
        (token) => ({ token }),
      )
      if (!found) continue
      got++
      const { id, result: token } = found
      const gaveUp = () =>
        actor.history.complete(actor.history.invoke(actor.name, 'release', name, { holder: id }), 'ok')
      if (liveness.signal.aborted) gaveUp()
      else liveness.signal.addEventListener('abort', gaveUp)
      await hold(actor, { id, token, extend: () => mutex.extend(), release: () => mutex.release() })
      liveness.signal.removeEventListener('abort', gaveUp)
      // What was not released goes with the process.
      if (mutex.isHeld) await record(actor, 'release', name, { holder: id }, () => mutex.release())
    }
    await liveness.stop().catch(() => {})
  },
  check: (operations) => checkHolds(operations).anomalies,
}

function permitPlan(
  tryOnce: (actor: Process, shared: boolean) => Promise<Permit | undefined>,
  options: { permits?: number; readers?: number },
): Plan {
  return {
    contenders: 32,
    stepMs: 3000,
    freezeMs: 2 * ttl,
    async live(actor) {
      const { db, random } = actor
      for (let got = 0; got < rounds; ) {
        await db.runtime.sleep(random.between(0, 4000))
        const shared = random.chance(options.readers ?? 0)
        const found = await acquired(
          actor,
          { ttl, shared },
          () => tryOnce(actor, shared),
          (permit) => ('fencingToken' in permit ? { token: permit.fencingToken } : {}),
        )
        if (!found) continue
        got++
        const { id, result: permit } = found
        await hold(actor, { id, extend: () => permit.extend(), release: () => permit.release() })
      }
    },
    check: (operations) => checkHolds(operations, { permits: options.permits }).anomalies,
  }
}

const both = { ttlMs: ttl, clockToleranceMs }

const stepped = { stepMs: 3000, freezeMs: 2 * ttl }
// No two clocks are compared: they may say what they like.
const wild = { stepMs: 60_000, freezeMs: 2 * ttl }
const semaphore = ({ db }: Process) => new Semaphore(db, key, { permits: 4, ...both }).tryAcquire()
const readOrWrite = ({ db }: Process, shared: boolean) => {
  const lock = new ReadWriteLock(db, key, both)
  return shared ? lock.tryRead() : lock.tryWrite()
}

export const leaseDrills: readonly Drill[] = [
  { name: 'mutex by wall clock', plan: () => mutexPlan({}, stepped) },
  { name: 'mutex, observed', plan: () => mutexPlan({ lease: 'observed' }, wild) },
  { name: 'mutex, fair', plan: () => mutexPlan({ fair: true }, stepped) },
  { name: 'mutex, fair and observed', plan: () => mutexPlan({ fair: true, lease: 'observed' }, wild) },
  { name: 'mutex with liveness', plan: () => livenessPlan },
  { name: 'semaphore', plan: () => permitPlan(semaphore, { permits: 4 }) },
  { name: 'read-write lock', plan: () => permitPlan(readOrWrite, { readers: 0.7 }) },
]
