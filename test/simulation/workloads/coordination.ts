import { fenced } from '../../../src/coordination/fencing.ts'
import { Mutex } from '../../../src/coordination/mutex/mutex.ts'
import { NonceSequence } from '../../../src/coordination/nonce-sequence.ts'
import { type Actor, record, type Workload } from './actor.ts'

const pk = 'mutex'
// More than any two clocks of a run can differ.
const clockToleranceMs = 9000
const modes = ['wall', 'observed'] as const
type Mode = (typeof modes)[number]

interface Holder {
  actor: Actor
  mutex: Mutex
}

/** What is known of one mutex by all who were told something about it. */
class MutexLedger {
  readonly holders = new Set<Holder>()
  lastToken = 0

  /** `before`: the highest token that was known when this acquisition began. */
  acquired(holder: Holder, token: number, before: number, mode: Mode): void {
    const { actor, mutex } = holder
    if (token <= before) actor.anomaly('mutex: token', `${mode}: token ${token} came after ${before}`)
    this.lastToken = Math.max(this.lastToken, token)
    for (const other of this.holders) {
      if (other.actor.isDead() || other.mutex === mutex) this.holders.delete(other)
      else if (other.mutex.isHeld && mutex.isHeld)
        actor.anomaly(
          'mutex: two holders',
          `${mode}: ${actor.name} and ${other.actor.name} at token ${token}`,
        )
    }
    this.holders.add(holder)
  }
}

/** Mutexes in both kinds of lease, what is written under their fencing tokens, and nonces. */
export function coordinationWorkload(): Workload {
  const ledgers = Object.fromEntries(modes.map((mode) => [mode, new MutexLedger()])) as Record<
    Mode,
    MutexLedger
  >
  const mutexes = new WeakMap<Actor, Record<Mode, Mutex>>()
  const fences: Record<Mode, number> = { wall: 0, observed: 0 }
  const nonces = new Set<number>()
  return {
    name: 'coordination',
    async step(actor) {
      const { random } = actor
      if (random.chance(0.3)) return assign(actor, nonces)
      const mode = random.pick(modes)
      let own = mutexes.get(actor)
      if (!own) {
        const make = (lease: Mode) =>
          new Mutex(
            actor.db,
            { pk, sk: lease },
            { ttlMs: actor.hurried ? 500 : 2000, lease, clockToleranceMs },
          )
        own = { wall: make('wall'), observed: make('observed') }
        mutexes.set(actor, own)
      }
      await hold(actor, own[mode], mode, ledgers[mode], fences)
    },
  }
}

async function hold(
  actor: Actor,
  mutex: Mutex,
  mode: Mode,
  ledger: MutexLedger,
  fences: Record<Mode, number>,
): Promise<void> {
  const { db, random } = actor
  const name = `${pk}/${mode}`
  const before = ledger.lastToken
  const result = await record(actor, 'acquire', name, undefined, () => mutex.tryAcquire(), {
    output: (got) => got?.fencingToken ?? false,
  })
  if (!result) return
  const token = result.fencingToken
  const holder = { actor, mutex }
  ledger.acquired(holder, token, before, mode)
  // Sometimes past the end of the lease, as a frozen process would.
  await db.runtime.sleep(random.between(0, random.chance(0.2) ? 3000 : 100) * (actor.hurried ? 0.2 : 1))
  if (random.chance(0.5)) await record(actor, 'extend', name, token, () => mutex.extend())
  const newest = fences[mode]
  const written = await record(
    actor,
    'fenced write',
    `fenced/${mode}`,
    token,
    async () => {
      const { changes, if: condition } = fenced({ set: { by: actor.name } }, token)
      return (await db.update({ pk: 'fenced', sk: mode }, changes, { if: condition })).applied
    },
    { output: (applied) => applied },
  )
  if (written && token < newest)
    actor.anomaly('mutex: stale fence', `${mode}: a write under token ${token} was accepted after ${newest}`)
  if (written) fences[mode] = Math.max(fences[mode], token)
  if (random.chance(0.8)) {
    // From here on it counts as given up: when the release takes effect nobody can tell.
    ledger.holders.delete(holder)
    await record(actor, 'release', name, token, () => mutex.release())
  }
}

async function assign(actor: Actor, nonces: Set<number>): Promise<void> {
  const sequence = new NonceSequence(actor.db, { pk: 'nonce', sk: 'n' }, { maxAhead: 1_000_000 })
  const nonce = await record(actor, 'assign', 'nonce/n', undefined, () => sequence.assign(1), {
    output: (assigned) => assigned,
  })
  if (nonce === undefined) return
  if (nonces.has(nonce)) actor.anomaly('nonce: twice', `${nonce} was assigned twice`)
  nonces.add(nonce)
}
