import {
  type AtomicDbItemKey,
  AtomicMemoryDb,
  type BatchHandler,
  deadLetter,
  inBatches,
  QueueWorker,
  type QueueWorkerEvent,
  type QueueWorkerOptions,
  queueLambda,
  snooze,
} from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import type { BatchOptions } from '../../src/worker/in-batches.ts'

const pk = 'jobs'

/** What became of n messages within two minutes of simulated time, by a worker or a Lambda. */
async function handleAll(
  by: 'worker' | 'lambda',
  count: number,
  handler: BatchHandler<number>,
  { batch, ...more }: Partial<QueueWorkerOptions> & { batch?: BatchOptions } = {},
): Promise<{ of(type: QueueWorkerEvent['type']): number[]; sizes: number[] }> {
  const world = new Simulation({ seed: 3 })
  const process = world.process()
  const db = new AtomicEngine(new SimulatedServer(world, { latencyMs: [1, 4] }).connect(process), {
    runtime: process,
  })
  const events: QueueWorkerEvent[] = []
  const sizes: number[] = []
  const work = inBatches<number>(
    db,
    (items, context) => {
      sizes.push(items.length)
      return handler(items, context)
    },
    batch,
  )
  const options = { pk, concurrency: 10, onEvent: (event: QueueWorkerEvent) => events.push(event), ...more }
  await world.run(async () => {
    await db.queuePush(Array.from({ length: count }, (_, data) => ({ pk, data })))
    if (by === 'worker') {
      await using _worker = new QueueWorker(db, work, options)
      await process.sleep(120_000)
    } else await queueLambda(db, work, options)({}, { getRemainingTimeInMillis: () => 120_000 })
  })
  const of = (type: QueueWorkerEvent['type']) =>
    events.flatMap((event) => (event.type === type && 'item' in event ? [event.item.data as number] : []))
  return { of, sizes }
}

describe.each(['worker', 'lambda'] as const)('batches in a %s', (by) => {
  test('they come together, and each is acknowledged', async () => {
    const { of, sizes } = await handleAll(by, 20, () => {}, { batch: { waitMs: 50 } })
    expect(of('done').toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(sizes).toEqual([10, 10])
  })

  test('partial failures: each message has the outcome that is named for it', async () => {
    const { of } = await handleAll(
      by,
      10,
      (items) => ({
        failures: items.flatMap((item): { item: AtomicDbItemKey; error: unknown }[] => {
          if (item.data === 1 && item.receiveCount === 1) return [{ item, error: new Error('busy') }]
          const { pk, sk, data } = item
          if (data === 2) return [{ item: { pk, sk }, error: deadLetter('never') }]
          return data === 3 ? [{ item, error: snooze({ seconds: 1000 }) }] : []
        }),
      }),
      { backoff: { baseSeconds: 0 } },
    )
    expect(of('done').toSorted((a, b) => a - b)).toEqual([0, 1, 4, 5, 6, 7, 8, 9])
    expect([of('retry'), of('dead'), of('snoozed')]).toEqual([[1], [2], [3]])
  })

  test('all of them: by an error, an outcome, or failures that name none of them', async () => {
    const thrown = await handleAll(by, 3, () => Promise.reject(new Error('away')), { maxReceives: 1 })
    expect(thrown.of('dead').toSorted()).toEqual([0, 1, 2])
    const returned = await handleAll(by, 3, () => deadLetter('all of them'))
    expect(returned.of('dead').toSorted()).toEqual([0, 1, 2])
    for (const failures of [[{ item: { pk, sk: 'other' }, error: 1 }], [{}], 5])
      expect(
        (await handleAll(by, 2, () => ({ failures }), { maxReceives: 1 })).of('dead').toSorted(),
      ).toEqual([0, 1])
  })

  test('no larger than its size', async () => {
    const { sizes, of } = await handleAll(by, 10, () => {}, { batch: { size: 4 } })
    expect(Math.max(...sizes)).toBe(4)
    expect(of('done')).toHaveLength(10)
  })

  test('a batch out of time: its signal is aborted, and each message has failed', async () => {
    const heard: boolean[] = []
    const { of } = await handleAll(
      by,
      3,
      (items, { signal, signalOf }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            heard.push(...items.map((item) => signalOf(item).aborted))
            resolve(undefined)
          })
        }),
      { timeoutSeconds: 5, maxReceives: 1 },
    )
    expect(of('dead').toSorted()).toEqual([0, 1, 2])
    expect(heard).toEqual([true, true, true])
  })
})

test('what is no batch handler is refused', () => {
  const db = new AtomicMemoryDb()
  expect(() => inBatches(db, 5 as never)).toThrow(/function/)
  expect(() => inBatches({} as never, () => {})).toThrow(/database/)
  for (const options of [{ size: 0 }, { size: 1.5 }, { waitMs: -1 }, { sizes: 5 }])
    expect(() => inBatches(db, () => {}, options as never)).toThrow(/size|waitMs/)
})
