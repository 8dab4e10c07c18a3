import type { Lease } from '../../../src/coordination/lease.ts'
import { ReadWriteLock } from '../../../src/coordination/read-write-lock.ts'
import { Semaphore } from '../../../src/coordination/semaphore.ts'
import { type Actor, record, type Workload } from './actor.ts'

// More than any two clocks of a run can differ.
const clockToleranceMs = 9000
const permits = 2

type Kind = 'permit' | 'reader' | 'writer'

interface Holder {
  actor: Actor
  lease: Lease
  kind: Kind
}

/** Who believes at this moment to hold what. */
class LeaseLedger {
  readonly #holders = new Set<Holder>()
  #lastToken = 0

  get lastToken(): number {
    return this.#lastToken
  }

  /** `before`: the highest token that was known when this acquisition began. */
  acquired(holder: Holder, before: number): void {
    const { actor, lease, kind } = holder
    const token = lease.fencingToken
    if (token !== undefined && token <= before)
      actor.anomaly('read-write lock: token', `token ${token} came after ${before}`)
    this.#lastToken = Math.max(this.#lastToken, token ?? 0)
    if (!lease.isHeld) return
    this.#holders.add(holder)
    for (const other of this.#holders)
      if (other.actor.isDead() || !other.lease.isHeld) this.#holders.delete(other)
    const counts = { permit: 0, reader: 0, writer: 0 }
    for (const other of this.#holders) counts[other.kind]++
    if (counts.permit > permits)
      actor.anomaly('semaphore: too many', `${counts.permit} hold ${permits} permits`)
    if (counts.writer > 1 || (counts.writer > 0 && counts.reader > 0))
      actor.anomaly(
        'read-write lock: not alone',
        `${actor.name} as ${kind}: ${counts.writer} write and ${counts.reader} read`,
      )
  }

  givenUp(holder: Holder): void {
    this.#holders.delete(holder)
  }
}

/** Permits, and places of readers and writers, extended, released and forgotten. */
export function leasesWorkload(): Workload {
  const ledgers = { semaphore: new LeaseLedger(), lock: new LeaseLedger() }
  return {
    name: 'leases',
    async step(actor) {
      const kind = actor.random.pick(['permit', 'reader', 'writer'] as const)
      await hold(actor, kind, kind === 'permit' ? ledgers.semaphore : ledgers.lock)
    },
  }
}

function attempt({ db, hurried }: Actor, kind: Kind): Promise<Lease | undefined> {
  const options = { ttlMs: hurried ? 500 : 2000, clockToleranceMs }
  if (kind === 'permit')
    return new Semaphore(db, { pk: 'semaphore', sk: 's' }, { ...options, permits }).tryAcquire()
  const lock = new ReadWriteLock(db, { pk: 'read-write', sk: 'l' }, options)
  return kind === 'reader' ? lock.tryAcquireRead() : lock.tryAcquireWrite()
}

async function hold(actor: Actor, kind: Kind, ledger: LeaseLedger): Promise<void> {
  const { db, random } = actor
  const before = ledger.lastToken
  const lease = await record(actor, `acquire ${kind}`, 'leases', undefined, () => attempt(actor, kind), {
    output: (got) => got !== undefined,
  })
  if (!lease) return
  const holder = { actor, lease, kind }
  ledger.acquired(holder, before)
  // Sometimes past the end of the lease, as a frozen process would.
  await db.runtime.sleep(random.between(0, random.chance(0.2) ? 3000 : 100) * (actor.hurried ? 0.2 : 1))
  if (random.chance(0.5)) await record(actor, `extend ${kind}`, 'leases', undefined, () => lease.extend())
  if (!random.chance(0.8)) return
  // From here on it counts as given up: when the release takes effect nobody can tell.
  ledger.givenUp(holder)
  await record(actor, `release ${kind}`, 'leases', undefined, () => lease.release())
}
