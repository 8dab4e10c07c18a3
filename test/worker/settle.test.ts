import {
  deadLetter,
  exactlyOnce,
  type QueueHandler,
  QueueWorker,
  type QueueWorkerEvent,
  type QueueWorkerOptions,
  queueLambda,
  retryAt,
  snooze,
} from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'

const pk = 'jobs'
type Options = Partial<QueueWorkerOptions>

/** Handles messages for an hour in simulated time, by a worker or by one Lambda after the other. */
async function handleAll(
  by: 'worker' | 'lambda',
  handler: (db: AtomicEngine) => QueueHandler<unknown>,
  more: Options = {},
): Promise<{
  db: AtomicEngine
  events: QueueWorkerEvent[]
  at: number[]
  within: (run: () => Promise<void>) => Promise<void>
}> {
  const world = new Simulation({ seed: 7 })
  const process = world.process()
  const db = new AtomicEngine(new SimulatedServer(world, { latencyMs: [1, 4] }).connect(process), {
    runtime: process,
  })
  const events: QueueWorkerEvent[] = []
  const at: number[] = []
  const onEvent = (event: QueueWorkerEvent) => {
    events.push(event)
    if (event.type === 'started') at.push(process.now())
  }
  const isOver = () => events.some(({ type }) => type === 'done' || type === 'dead')
  const within = (run: () => Promise<void>) => world.run(run)
  await within(async () => {
    await db.queuePush({ pk, data: 1 })
    const options = { pk, onEvent, ...more }
    if (by === 'worker') {
      await using _worker = new QueueWorker(db, handler(db), options)
      for (let i = 0; i < 3600 && !isOver(); i++) await process.sleep(1000)
    } else {
      const drain = queueLambda(db, handler(db), options)
      for (let i = 0; i < 3600 && !isOver(); i++) {
        await drain({}, { getRemainingTimeInMillis: () => 30_000 })
        await process.sleep(1000)
      }
    }
  })
  return { db, events, at, within }
}

const types = (events: QueueWorkerEvent[]) =>
  events.map(({ type }) => type).filter((type) => type !== 'idle' && type !== 'stopped')

const ways = (['worker', 'lambda'] as const).flatMap((by) =>
  (['plain', 'exactly once'] as const).flatMap((kind) =>
    (['returned', 'thrown'] as const).map((how) => ({ by, kind, how })),
  ),
)

/** A handler whose outcome is returned or thrown; with `exactly once` it writes as well. */
const handlerOf =
  (way: (typeof ways)[number], says: (receives: number, now: number) => unknown) =>
  (db: AtomicEngine): QueueHandler<unknown> => {
    const say = (receives: number) => {
      const outcome = says(receives, db.runtime.now())
      if (way.how === 'thrown' && outcome !== undefined) throw outcome
      return outcome
    }
    if (way.kind === 'plain') return (item) => say(item.receiveCount)
    return exactlyOnce(db, (tx, item) => {
      tx.set({ pk: 'done', sk: `${item.receiveCount}` })
      return say(item.receiveCount)
    })
  }

describe.each(ways)('$by, $kind, $how', (way) => {
  const written = async ({ db, within }: Awaited<ReturnType<typeof handleAll>>) => {
    let count = 0
    await within(async () => {
      count = (await db.query({ pk: 'done' })).length
    })
    return count
  }

  test('retryAt: the next try comes then, and counts', async () => {
    let asked = 0
    const run = await handleAll(
      way.by,
      handlerOf(way, (receives, now) => {
        if (receives > 1) return undefined
        asked = now + 100_000
        return retryAt(asked, 'limit')
      }),
    )
    expect(types(run.events)).toEqual(['started', 'retry', 'started', 'done'])
    expect(run.at[1]! - asked).toBeGreaterThanOrEqual(0)
    expect(run.at[1]! - asked).toBeLessThan(10_000)
    expect(run.events.find(({ type }) => type === 'retry')).toMatchObject({ reason: 'limit' })
    expect(await written(run)).toBe(way.kind === 'plain' ? 0 : 1)
  })

  test('retryAt: the last one buries at once', async () => {
    const run = await handleAll(
      way.by,
      handlerOf(way, (_, now) => retryAt(now + 1000, 'limit')),
      { maxReceives: 2 },
    )
    expect(types(run.events)).toEqual(['started', 'retry', 'started', 'dead'])
    expect(run.events.find(({ type }) => type === 'dead')).toMatchObject({ reason: 'limit' })
    expect(await written(run)).toBe(0)
  })

  test('snooze: later, and as often as it likes', async () => {
    let snoozed = 0
    const seen: number[] = []
    const run = await handleAll(
      way.by,
      handlerOf(way, (receives) => {
        seen.push(receives)
        return snoozed++ < 5 ? snooze({ seconds: 40 }, 'not paid') : undefined
      }),
      { maxReceives: 2 },
    )
    expect(types(run.events)).toEqual([...Array(5).fill(['started', 'snoozed']).flat(), 'started', 'done'])
    expect(seen).toEqual([1, 1, 1, 1, 1, 1])
    expect(run.at[1]! - run.at[0]!).toBeGreaterThanOrEqual(40_000)
    expect(await written(run)).toBe(way.kind === 'plain' ? 0 : 1)
  })

  test('deadLetter: at once, with its reason', async () => {
    const run = await handleAll(
      way.by,
      handlerOf(way, () => deadLetter('not an order')),
    )
    expect(types(run.events)).toEqual(['started', 'dead'])
    await run.within(async () => {
      const [letter] = await run.db.queuePeek({ pk: `${pk}#dead` })
      expect(letter?.deadLetter).toMatchObject({ from: pk, reason: 'not an order', receives: 1 })
    })
    expect(await written(run)).toBe(0)
  })
})

test('the last failure buries at once, and the handler is not asked again', async () => {
  let calls = 0
  const run = await handleAll(
    'worker',
    () => () => {
      calls++
      throw new Error('never')
    },
    { maxReceives: 3, backoff: () => 2 },
  )
  expect(calls).toBe(3)
  expect(types(run.events)).toEqual(['started', 'retry', 'started', 'retry', 'started', 'dead'])
  expect(run.events.filter(({ type }) => type === 'retry')).toMatchObject([
    { delaySeconds: 2 },
    { delaySeconds: 2 },
  ])
})

test('a backoff that gives up for good, and one that is broken itself', async () => {
  const fails = () => () => {
    throw new TypeError('no such order')
  }
  const givesUp = await handleAll('worker', fails, {
    backoff: ({ error }) => (error instanceof TypeError ? deadLetter(error) : 1),
  })
  expect(givesUp.events.find(({ type }) => type === 'dead')).toMatchObject({
    reason: 'TypeError: no such order',
  })
  const broken = await handleAll('worker', fails, { backoff: () => Number.NaN, maxReceives: 2 })
  expect(types(broken.events)).toEqual(['started', 'error', 'retry', 'started', 'dead'])
})

test('a time limit for each message', async () => {
  const run = await handleAll('worker', (db) => () => db.runtime.sleep(20_000), {
    timeoutSeconds: ({ receiveCount }) => (receiveCount === 1 ? 5 : undefined),
  })
  expect(types(run.events)).toEqual(['started', 'retry', 'started', 'done'])
  expect(run.events.find(({ type }) => type === 'retry')).toMatchObject({
    reason: expect.stringContaining('5 s'),
  })
})

test('exactly once: a transaction that was rolled back has failed, and is not told as done', async () => {
  const run = await handleAll('worker', (db) =>
    exactlyOnce(db, (tx, item) => (item.receiveCount === 1 ? tx.rollback() : undefined)),
  )
  expect(types(run.events)).toEqual(['started', 'retry', 'started', 'done'])
})
