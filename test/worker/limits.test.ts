import {
  AtomicMemoryDb,
  InvalidInput,
  QueueWorker,
  type QueueWorkerEvent,
  type QueueWorkerOptions,
  queueLambda,
} from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'

const pk = 'jobs'

interface Start {
  data: number
  group: string | undefined
  at: number
}

/** Several processes that work on one queue in simulated time, until all of it is done. */
async function workOff(
  count: number,
  options: Partial<QueueWorkerOptions> & Pick<QueueWorkerOptions, 'limits'>,
  { processes = 4, workMs = 300, group = (_: number): string | undefined => undefined, by = 'worker' } = {},
) {
  const world = new Simulation({ seed: 11 })
  const server = new SimulatedServer(world, { latencyMs: [1, 4] })
  const join = () => {
    const process = world.process()
    return new AtomicEngine(server.connect(process), { runtime: process })
  }
  const starts: Start[] = []
  const events: QueueWorkerEvent[] = []
  const inside = new Map<string, number>()
  const most = new Map<string, number>()
  const enter = (name: string, by: number) => {
    const now = (inside.get(name) ?? 0) + by
    inside.set(name, now)
    most.set(name, Math.max(now, most.get(name) ?? 0))
  }
  let done = 0
  const receives: number[] = []
  await world.run(async () => {
    const db = join()
    await db.queuePush(Array.from({ length: count }, (_, data) => ({ pk, data, group: group(data) })))
    const settings = {
      pk,
      concurrency: 5,
      onEvent: (event: QueueWorkerEvent) => events.push(event),
      ...options,
    }
    const handlerOf =
      (own: AtomicEngine) => async (item: { data: unknown; group?: string; receiveCount: number }) => {
        starts.push({ data: item.data as number, group: item.group, at: world.time })
        receives.push(item.receiveCount)
        for (const name of ['all', item.group ?? 'none']) enter(name, 1)
        await own.runtime.sleep(workMs)
        for (const name of ['all', item.group ?? 'none']) enter(name, -1)
        done++
      }
    const all = Array.from({ length: processes }, () => join())
    if (by === 'worker') {
      const workers = all.map((own) => new QueueWorker(own, handlerOf(own), settings))
      for (let i = 0; i < 3600 && done < count; i++) await db.runtime.sleep(1000)
      await Promise.all(workers.map((worker) => worker.stop()))
    } else
      for (let i = 0; i < 600 && done < count; i++)
        await Promise.all(
          all.map(async (own) => {
            await queueLambda(own, handlerOf(own), settings)({}, { getRemainingTimeInMillis: () => 20_000 })
            await own.runtime.sleep(1000)
          }),
        )
    // Nothing is held any more.
    const [row] = await db.query<{ holders?: object }>({ pk: `${pk}#limits`, sk: 'concurrency' })
    expect(Object.keys(row?.data.holders ?? {})).toEqual([])
  })
  return { most, starts, receives, done, errors: events.filter(({ type }) => type === 'error') }
}

describe.each(['worker', 'lambda'])('limits of a queue, by %s', (by) => {
  test('concurrency: no more at once by all processes, and as many as that', async () => {
    const { most, receives, done, errors } = await workOff(60, { limits: { concurrency: 3 } }, { by })
    expect(done).toBe(60)
    expect(most.get('all')).toBe(3)
    expect(errors).toEqual([])
    // What could not begin was given back uncounted.
    expect(Math.max(...receives)).toBe(1)
  })

  test('concurrency of groups: a full group does not hold up the others', async () => {
    const group = (data: number) => (data < 30 ? 'hot' : `g${data % 5}`)
    const { most, starts, receives, done } = await workOff(
      60,
      { limits: { groupConcurrency: 2 } },
      { group, by },
    )
    expect(done).toBe(60)
    expect(most.get('hot')).toBe(2)
    for (const name of ['g0', 'g1', 'g2', 'g3', 'g4']) expect(most.get(name)).toBeLessThanOrEqual(2)
    expect(Math.max(...receives)).toBe(1)
    const others = starts.filter((start) => start.group !== 'hot')
    const hot = starts.filter((start) => start.group === 'hot')
    expect(others.at(-1)!.at).toBeLessThan(hot.at(-1)!.at)
  })

  test('rate: no more begin in any window, and the queue is worked off at about that rate', async () => {
    const rate = { limit: 10, windowMs: 1000, burst: 1 }
    const { starts, receives, done } = await workOff(60, { limits: { rate } }, { by, workMs: 10 })
    expect(done).toBe(60)
    const times = starts.map(({ at }) => at).sort((a, b) => a - b)
    // A burst of one: ten a second, and one.
    for (let i = 0; i + 12 < times.length; i++) expect(times[i + 12]! - times[i]!).toBeGreaterThan(1000)
    expect(times.at(-1)! - times[0]!).toBeLessThan(60_000)
    expect(Math.max(...receives)).toBe(1)
  })
})

test('a slow rate: what may not begin for long is not held, and comes in its order', async () => {
  const { starts, done } = await workOff(
    4,
    { limits: { rate: { limit: 1, windowMs: 60_000 } } },
    { processes: 2, workMs: 10 },
  )
  expect(done).toBe(4)
  expect(starts.map(({ data }) => data)).toEqual([0, 1, 2, 3])
  for (let i = 1; i < 4; i++) expect(starts[i]!.at - starts[i - 1]!.at).toBeGreaterThan(59_000)
})

test('a permit that is lost ends its handler; the message comes again', async () => {
  const world = new Simulation({ seed: 2 })
  const server = new SimulatedServer(world, { latencyMs: [1, 4] })
  await world.run(async () => {
    const process = world.process()
    const db = new AtomicEngine(server.connect(process), { runtime: process })
    await db.queuePush({ pk, data: 1 })
    const types: string[] = []
    const reasons: unknown[] = []
    await using _worker = new QueueWorker(
      db,
      async ({ receiveCount }, { signal }) => {
        if (receiveCount > 1) return
        await db.delete({ pk: `${pk}#limits`, sk: 'concurrency' })
        await db.runtime.sleep(100_000, { signal }).catch((error) => {
          reasons.push(error)
          throw error
        })
      },
      { pk, limits: { concurrency: 1 }, onEvent: ({ type }) => types.push(type) },
    )
    await process.sleep(60_000)
    expect(reasons).toMatchObject([{ code: 'LeaseLost' }])
    expect(types.filter((type) => !['idle', 'error'].includes(type))).toEqual([
      'started',
      'released',
      'started',
      'done',
    ])
  })
})

test('limits that cannot be are refused', () => {
  const db = new AtomicMemoryDb()
  for (const limits of [
    5,
    { concurrency: 0 },
    { concurrency: 2001 },
    { groupConcurrency: 1.5 },
    { rate: 5 },
    { rate: { limit: 0, windowMs: 1 } },
    { rate: { limit: 1 } },
    { perGroup: 1 },
  ]) {
    expect(() => new QueueWorker(db, () => {}, { pk, limits: limits as never })).toThrow(InvalidInput)
    expect(() => queueLambda(db, () => {}, { pk, limits: limits as never })).toThrow(InvalidInput)
  }
  expect(() => new QueueWorker(db, () => {}, { pk, strict: true, limits: { groupConcurrency: 2 } })).toThrow(
    /strict/,
  )
})
