import { InProgress } from '../../src/coordination/idempotent.ts'
import { Counter, idempotent, NonceSequence } from '../../src/coordination/index.ts'
import { addWithin } from '../../src/recipes/index.ts'
import { checkNumbers } from '../checkers/numbers.ts'
import { type Outcome, record } from '../simulation/workloads/actor.ts'
import { isCode } from './lease-world.ts'
import type { Plan, Process } from './world.ts'

const faults = { stepMs: 2000, freezeMs: 5000 }

/** Nonces without gaps, a counter in shards, one with bounds, runs that happen once. */
export const numbersPlan = (): Plan => {
  let runs = 0
  const resetting = new Resetting()
  const refused = new Set<string>()
  return {
    contenders: 32,
    ...faults,
    async live(actor) {
      const { db, random } = actor
      const nonces = new NonceSequence(db, { pk: 'drill', sk: 'nonce' }, { maxAhead: 1_000_000 })
      // During a deployment some know the old number of shards; who reads knows the larger one.
      const counter = new Counter(db, { pk: 'drill', sk: 'sum' }, { shards: random.pick([3, 5]) })
      for (let i = 0; i < 12; i++) {
        await db.runtime.sleep(random.between(0, 500))
        const nonce = await record(actor, 'assign', 'nonce', undefined, () => nonces.assign(0), {
          output: (assigned) => assigned,
        })
        // Twice, as a caller does who was not told how the first time went.
        if (nonce !== undefined && random.chance(0.1)) await giveBack(actor, nonces, nonce)
        await resetting.step(actor)
        const n = 1 + random.int(3)
        await record(actor, 'add', 'sum', n, () => counter.increment(n))
        const step = random.pick([-3, -1, 2, 4])
        await record(actor, 'add', 'bounded', step, async () => {
          const { applied } = await addWithin(db, { pk: 'drill', sk: 'bounded' }, 'n', step, {
            min: 0,
            max: 20,
          })
          if (!applied) throw new Refused()
        }).catch((error) => {
          if (!(error instanceof Refused)) throw error
        })
        if (random.chance(0.2)) await runOdd(actor, `odd${random.int(3)}`, refused)
        const key = `run${random.int(8)}`
        await record(
          actor,
          'run',
          key,
          undefined,
          () =>
            idempotent(
              db,
              { pk: 'drill', sk: key },
              async () => {
                await db.runtime.sleep(random.between(0, 300))
                return `${actor.name}/${runs++}`
              },
              { leaseMs: 20_000, waitMs: 3000 },
            ).catch((error) => {
              if (error instanceof InProgress) return undefined
              throw error
            }),
          { output: (result) => result },
        )
      }
    },
    async finish(observer) {
      const { db } = observer
      // Nonces that were given back are no gaps: they are the next ones.
      const nonces = new NonceSequence(db, { pk: 'drill', sk: 'nonce' }, { maxAhead: 1_000_000 })
      do await record(observer, 'assign', 'nonce', undefined, () => nonces.assign(0), { output: (n) => n })
      while ((await nonces.state()).free.length > 0)
      await nonces.reset(999)
      const next = await nonces.assign(0)
      if (next !== 1000) observer.anomaly('reset', `after reset(999) comes ${next}`)
      const counter = new Counter(db, { pk: 'drill', sk: 'sum' }, { shards: 5 })
      await record(observer, 'read', 'sum', undefined, () => counter.get(), { output: (sum) => sum })
      const bounded = async () => (await db.get<{ n: number }>({ pk: 'drill', sk: 'bounded' }))?.data.n ?? 0
      await record(observer, 'read', 'bounded', undefined, bounded, { output: (sum) => sum })
    },
    check(operations) {
      const of = (key: string) => operations.filter((one) => one.key === key)
      const told = operations.filter((one) => one.op === 'run' && one.output !== undefined)
      return [
        ...checkNumbers(of('nonce'), { contiguousFrom: 0 }).anomalies,
        ...checkNumbers(of('reset')).anomalies,
        ...checkNumbers(of('sum')).anomalies,
        ...checkNumbers(of('bounded'), { min: 0, max: 20 }).anomalies,
        ...checkNumbers(told).anomalies,
      ]
    },
  }
}

/** A sequence that is set further ahead now and then, while others are assigned nonces of it. */
class Resetting {
  /** The first nonce after the last reset that is known to be done. */
  #first = 0
  #resets = 0
  #isReset = false

  async step(actor: Process): Promise<void> {
    const { random, db } = actor
    const nonces = new NonceSequence(db, { pk: 'drill', sk: 'reset' }, { maxAhead: 1_000_000 })
    if (random.chance(0.1) && !this.#isReset) {
      this.#isReset = true
      const last = 1000 * ++this.#resets - 1
      const ended = (outcome: Outcome) => {
        if (outcome === 'ok') this.#first = last + 1
        this.#isReset = false
      }
      await record(actor, 'set ahead', 'reset', last, () => nonces.reset(last), { ended })
      return
    }
    const first = this.#first
    const output = (assigned: number) => assigned
    const nonce = await record(actor, 'assign', 'reset', undefined, () => nonces.assign(0), { output })
    if (nonce !== undefined && nonce < first)
      actor.anomaly('reset undone', `${nonce} was assigned after the reset to ${first}`)
  }
}

/** What ran must not run again because its result cannot be stored: later callers are told so. */
async function runOdd({ db, random, anomaly }: Process, sk: string, refused: Set<string>): Promise<void> {
  const run = async () => {
    if (refused.has(sk)) anomaly('ran again', `${sk}, after its result had been refused`)
    await db.runtime.sleep(random.between(0, 300))
    return new Date(0)
  }
  const options = { leaseMs: 60_000, waitMs: 3000 }
  await idempotent(db, { pk: 'drill', sk }, run, options).catch((error) => {
    if (isCode(error, 'InvalidInput')) refused.add(sk)
  })
}

/** The nonce is not used: it may be assigned again from now on. */
async function giveBack(actor: Process, nonces: NonceSequence, nonce: number): Promise<void> {
  const id = actor.history.invoke(actor.name, 'give back', 'nonce', nonce)
  for (let times = 1 + actor.random.int(2); times > 0; times--) await nonces.release(nonce).catch(() => {})
  actor.history.complete(id, 'ok')
}

class Refused extends Error {}
