import { AtomicMemoryDb, InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { Invocation } from '../../src/worker/invocation.ts'

const db = new AtomicMemoryDb()

test('a reserve that leaves no time is refused; by default it is a quarter of the time', () => {
  expect(() => new Invocation(db, { reserveMs: 500 }, 500)).toThrow(InvalidInput)
  expect(() => new Invocation(db, { reserveMs: 500 }, 501)).not.toThrow()
  expect(() => new Invocation(db, {}, 1000)).not.toThrow()
  expect(() => new Invocation(db, {}, 0)).toThrow(/reserveMs/)
})

interface InvokeOptions {
  workMs?: number
  remainingMs?: number
  concurrency?: number
  reserveMs?: number
}

/** One invocation over queues that have so many messages each. */
async function invoke(counts: number[], options: InvokeOptions = {}) {
  const { workMs = 10, remainingMs = 30_000, ...settings } = options
  const world = new Simulation({ seed: 2 })
  const process = world.process()
  const db = new AtomicMemoryDb({ runtime: process })
  const most = { now: 0, seen: 0 }
  const signals: AbortSignal[] = []
  const handler = async (_: unknown, { signal }: { signal: AbortSignal }) => {
    signals.push(signal)
    most.seen = Math.max(most.seen, ++most.now)
    await process.sleep(workMs)
    most.now--
  }
  return world.run(async () => {
    for (const [i, count] of counts.entries())
      if (count > 0) await db.queuePush(Array.from({ length: count }, () => ({ pk: `q${i}` })))
    const queues = counts.map((_, i) => ({ handler, options: { pk: `q${i}` } }))
    const drained = await new Invocation(db, settings, remainingMs).run(queues)
    return { drained, most: most.seen, ms: world.time, signals, db, process }
  })
}

test('it ends when its queues are empty, and says how much was done', async () => {
  const { drained, most } = await invoke([12, 0, 30])
  expect(drained).toEqual({ handled: 42, empty: true })
  expect(most).toBe(10)
  expect((await invoke([12], { concurrency: 3 })).most).toBe(3)
})

test('when the time is up handlers are told, and what is in hand is given back', async () => {
  const { drained, ms, signals, db } = await invoke([25], { workMs: 60_000, remainingMs: 8000 })
  expect(drained).toEqual({ handled: 0, empty: false })
  expect([ms >= 6000, ms < 8000, signals.length, signals.every(({ aborted }) => aborted)]).toEqual([
    true,
    true,
    10,
    true,
  ])
  expect(await db.queueStats('q0')).toMatchObject({ ready: 25, inFlight: 0 })
})

test('the end comes five seconds before that of a long invocation, or when the caller says', async () => {
  expect((await invoke([1], { workMs: 600_000, remainingMs: 60_000 })).ms).toBeGreaterThanOrEqual(55_000)
  const { ms } = await invoke([1], { workMs: 600_000, remainingMs: 60_000, reserveMs: 20_000 })
  expect([ms >= 40_000, ms < 60_000]).toEqual([true, true])
})
