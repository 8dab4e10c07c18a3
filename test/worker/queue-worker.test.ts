import {
  AtomicMemoryDb,
  HandlerTimeout,
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

/** A world in simulated time with one database, and a log of what the worker tells. */
function setUp(seed = 1, rates = {}) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { rates, latencyMs: [1, 4] })
  const open = () => {
    const process = world.process()
    return new AtomicEngine(server.connect(process), { runtime: process })
  }
  const events: QueueWorkerEvent[] = []
  const options = (more: Partial<QueueWorkerOptions> = {}): QueueWorkerOptions => ({
    pk,
    onEvent: (event) => events.push(event),
    ...more,
  })
  const types = () => events.map(({ type }) => type)
  return { world, server, db: open(), open, events, options, types }
}

const until = async (db: AtomicEngine, holds: () => boolean) => {
  for (let i = 0; i < 10_000 && !holds(); i++) await db.runtime.sleep(10)
  expect(holds()).toBe(true)
}

describe('QueueWorker', () => {
  test('handles all messages, as many at once as it may, and stops when they are done', async () => {
    const { world, db, options, types } = setUp()
    await world.run(async () => {
      const seen: number[] = []
      let inside = 0
      let most = 0
      await db.queuePush(Array.from({ length: 40 }, (_, data) => ({ pk, data })))
      const worker = new QueueWorker<number>(
        db,
        async ({ data }) => {
          most = Math.max(most, ++inside)
          await db.runtime.sleep(50)
          inside--
          seen.push(data)
        },
        options({ concurrency: 4 }),
      )
      await until(db, () => seen.length === 40)
      await worker.stop()
      expect(most).toBe(4)
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
      expect(await db.queueStats(pk)).toMatchObject({ ready: 0, inFlight: 0, delayed: 0, dead: 0 })
      expect(types().filter((type) => type === 'done')).toHaveLength(40)
      expect(types().at(-1)).toBe('stopped')
    })
  })

  test('a failing handler: retried with backoff, then dead, and the worker lives on', async () => {
    const { world, db, events, options } = setUp()
    await world.run(async () => {
      await db.queuePush([
        { pk, data: 'bad' },
        { pk, data: 'good' },
      ])
      const done: unknown[] = []
      await using _worker = new QueueWorker(
        db,
        ({ data }) => {
          if (data === 'bad') throw new TypeError('no such order')
          done.push(data)
        },
        options({ maxReceives: 3, backoff: { maxSeconds: 8 } }),
      )
      await until(db, () => events.some(({ type }) => type === 'dead'))
      expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
      await db.runtime.sleep(20_000)
      expect(done).toEqual(['good'])
      const [dead] = await db.queuePeek({ pk: `${pk}#dead` })
      expect(dead?.deadLetter).toMatchObject({ from: pk, reason: 'TypeError: no such order', receives: 3 })
      await db.queuePush({ pk, data: 'next' })
      await until(db, () => done.includes('next'))
    })
  })

  test('a handler that takes long keeps its message; nobody else gets it', async () => {
    const { world, db, open, options, types } = setUp()
    await world.run(async () => {
      await db.queuePush({ pk, data: 1 })
      let finished = false
      const worker = new QueueWorker(
        db,
        async () => {
          await db.runtime.sleep(35_000)
          finished = true
        },
        options({ visibilitySeconds: 4 }),
      )
      const other = open()
      for (let i = 0; i < 30; i++) {
        await db.runtime.sleep(1000)
        expect((await other.queuePull({ pk })).item).toBeUndefined()
      }
      await until(db, () => finished)
      await worker.stop()
      expect(types()).toContain('done')
    })
  })

  test('when the receipt is lost the handler is told, and the new holder is not disturbed', async () => {
    const { world, db, open, options, types } = setUp()
    await world.run(async () => {
      await db.queuePush({ pk, data: 1 })
      let reason: unknown
      const worker = new QueueWorker(
        db,
        (_item, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason
              reject(signal.reason)
            })
          }),
        options({ visibilitySeconds: 10 }),
      )
      await until(db, () => worker.running === 1)
      const stopping = worker.stop()
      const other = open()
      const [item] = await other.queuePeek({ pk })
      await other.queueRelease({ pk, sk: item!.sk })
      const theirs = (await other.queuePull({ pk, ttlSeconds: 100 })).item!
      await stopping
      expect(reason).toMatchObject({ code: 'StaleReceipt' })
      expect(types()).toContain('lost')
      await other.queueAcknowledge(theirs)
    })
  })

  test('a message that takes longer than its time counts as failed, also when the handler does not listen', async () => {
    const { world, db, events, options } = setUp()
    await world.run(async () => {
      await db.queuePush({ pk, data: 1 })
      await using _worker = new QueueWorker(db, () => new Promise(() => {}), options({ timeoutSeconds: 3 }))
      await until(db, () => events.some(({ type }) => type === 'retry'))
      const failed = events.find((event) => event.type === 'retry')
      expect(failed).toMatchObject({ error: expect.any(HandlerTimeout) })
      expect(world.time).toBeLessThan(3500)
    })
  })

  test('stop with little patience releases what it holds, at once visible to others', async () => {
    const { world, db, open, options, types } = setUp()
    await world.run(async () => {
      await db.queuePush([
        { pk, data: 1 },
        { pk, data: 2 },
      ])
      const worker = new QueueWorker(db, () => new Promise(() => {}), options({ concurrency: 2 }))
      await until(db, () => worker.running === 2)
      await worker.stop({ graceSeconds: 1 })
      expect(types().filter((type) => type === 'released')).toHaveLength(2)
      expect((await open().queuePullMany({ pk, limit: 5 })).items).toHaveLength(2)
    })
  })

  test('idle it looks ever less often, and a push in this process wakes it at once', async () => {
    const { world, db, options } = setUp()
    await world.run(async () => {
      let handledAt = 0
      const handler = () => {
        handledAt = world.time
      }
      await using _worker = new QueueWorker(db, handler, options({ idleMs: [100, 60_000] }))
      await db.runtime.sleep(300_000)
      const pushedAt = world.time
      await db.queuePush({ pk, data: 1 })
      await until(db, () => handledAt > 0)
      expect(handledAt - pushedAt).toBeLessThan(50)
    })
  })

  test('throttling, lost replies and slow requests: everything is handled, errors are events', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const rates = { throttled: 0.1, lostReply: 0.05, lostRequest: 0.05, unreachable: 0.05, slow: 0.01 }
      const { world, db, open, options } = setUp(seed, rates)
      await world.run(async () => {
        const seen = new Set<number>()
        await db.queuePush(Array.from({ length: 30 }, (_, data) => ({ pk, data })))
        const workers = [open(), open(), open()].map(
          (own) =>
            new QueueWorker<number>(
              own,
              async ({ data }) => {
                if (own.runtime.random() < 0.1) throw new Error('unlucky')
                await own.runtime.sleep(20)
                seen.add(data)
              },
              options({ concurrency: 2, visibilitySeconds: 20, maxReceives: Number.POSITIVE_INFINITY }),
            ),
        )
        await until(db, () => seen.size === 30)
        await Promise.all(workers.map((worker) => worker.stop()))
      })
    }
  })

  test('what is wrong with its options is said at once', () => {
    const db = new AtomicMemoryDb()
    for (const bad of [
      { concurrency: 0 },
      { batchSize: 0.5 },
      { visibilitySeconds: 0 },
      { timeoutSeconds: -1 },
      { pk: '' },
    ])
      expect(() => new QueueWorker(db, () => {}, { pk, ...bad })).toThrowError(
        expect.objectContaining({ code: 'InvalidInput', field: Object.keys(bad)[0] }),
      )
  })
})

describe('queueLambda', () => {
  const contextOf = (world: Simulation, ms: number) => {
    const end = world.time + ms
    return { getRemainingTimeInMillis: () => end - world.time }
  }

  test('drains the queue and ends', async () => {
    const { world, db } = setUp()
    await world.run(async () => {
      await db.queuePush(Array.from({ length: 25 }, (_, data) => ({ pk, data })))
      const handle = queueLambda(db, () => db.runtime.sleep(20), { pk })
      expect(await handle({}, contextOf(world, 60_000))).toEqual({ handled: 25, empty: true })
      expect((await db.queueStats(pk)).inFlight).toBe(0)
    })
  })

  test('releases before its time is up what it cannot finish', async () => {
    const { world, db, open } = setUp()
    await world.run(async () => {
      await db.queuePush(Array.from({ length: 6 }, (_, data) => ({ pk, data })))
      const begun = world.time
      const slow = queueLambda(db, ({ data }) => db.runtime.sleep(data === 0 ? 10 : 1e9), {
        pk,
        concurrency: 3,
        reserveMs: 2000,
      })
      const { handled, empty } = await slow({}, contextOf(world, 10_000))
      expect([handled, empty]).toEqual([1, false])
      expect(world.time - begun).toBeLessThan(8500)
      expect((await open().queueStats(pk)).ready).toBe(5)
    })
  })
})

describe('the patience of stop', () => {
  /** How long it waits for what, while a handler goes on for a minute. */
  async function patience(graceSeconds?: number) {
    const { world, db, options, types } = setUp()
    const waits: number[] = []
    let causes: unknown[] = []
    await world.run(async () => {
      await db.queuePush({ pk, data: 1 })
      const { runtime } = db
      const sleep = runtime.sleep.bind(runtime)
      let begun = false
      const worker = new QueueWorker(
        db,
        async (_, { signal }) => {
          begun = true
          await sleep(60_000, { signal }).catch((reason) => {
            causes = [reason.message]
          })
        },
        options({ concurrency: 1 }),
      )
      await until(db, () => begun)
      runtime.sleep = (ms, given) => {
        waits.push(ms)
        return sleep(ms, given)
      }
      await worker.stop(graceSeconds === undefined ? {} : { graceSeconds })
    })
    return {
      waits: waits.filter((ms) => [1000, 2000, 500, 400, 0].includes(ms) || ms > 100_000),
      causes,
      types: types(),
    }
  }

  test('without a limit it waits for the handler, and for a pull a second at most', async () => {
    const { waits, causes, types } = await patience()
    expect(new Set(waits)).toEqual(new Set([1000]))
    expect(causes).toEqual([])
    expect(types).toContain('done')
    expect(types.at(-1)).toBe('stopped')
  })

  test('with one, the pull has the first second of it', async () => {
    const { waits, causes } = await patience(3)
    expect(new Set(waits)).toEqual(new Set([1000, 2000, 500]))
    expect(causes).toEqual(['the worker was stopped'])
  })

  test('or all of it', async () => {
    const { waits, causes } = await patience(0.4)
    expect(waits.slice(0, 3)).toEqual([400, 0, 500])
    expect(causes).toEqual(['the worker was stopped'])
  })
})
