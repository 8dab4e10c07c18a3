import {
  type AtomicDbInterface,
  AtomicLRUCache,
  AtomicMemoryDb,
  atomic,
  BackendError,
  Counter,
  consume,
  forInvocation,
  InvalidInput,
  idempotent,
  Mutex,
  NotAcquired,
  OutcomeUnknown,
  RaceCondition,
  RateLimiter,
  Semaphore,
  transaction,
  watch,
} from 'lockrow'
import { AtomicEngine, type ContractMethod } from 'lockrow/backend'
import { conformanceSuite, SimulatedServer, Simulation } from 'lockrow/testing'
import { afterAll, describe, expect, it, test } from 'vitest'
import { optionsOf, optionsPlace } from '../../src/model/call-options.ts'

const key = { pk: 'p', sk: 'a' }
const methods = Object.keys(optionsPlace) as ContractMethod[]

// All that the contract promises holds within an invocation, too.
conformanceSuite({ describe, it, afterAll }, 'memory, within an invocation', {
  open(runtime) {
    const db = forInvocation(new AtomicMemoryDb({ runtime }), { getRemainingTimeInMillis: () => 900_000 })
    return { client: () => db }
  },
})

/** Simulated time with a server, and an invocation of 3 s that begins now. */
function setUp(latencyMs: [number, number] = [1, 4]) {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world, { latencyMs })
  const open = () => {
    const process = world.process()
    return new AtomicEngine(server.connect(process), { runtime: process })
  }
  const begun = world.time
  const context = { getRemainingTimeInMillis: () => 3000 - (world.time - begun) }
  const passed = () => world.time - begun
  const table = open()
  return { world, open, context, passed, table, db: forInvocation(table, context) }
}

describe('each call is given what is left', () => {
  /** A database that notes the options of its last call. */
  function recorder() {
    const seen: { options?: unknown } = {}
    const db: Record<string, unknown> = { runtime: new AtomicMemoryDb().runtime }
    for (const method of methods)
      db[method] = (...args: unknown[]) => {
        seen.options = optionsOf(method, args)
      }
    return { seen, db: db as unknown as AtomicDbInterface }
  }
  const call = (db: AtomicDbInterface, method: ContractMethod, options?: unknown) => {
    const args: unknown[] = [{ pk: 'p' }, { ttlSeconds: 1 }, {}]
    if (options !== undefined) args[optionsPlace[method]] = options
    return (db[method] as (...args: unknown[]) => unknown)(...args)
  }

  test.each(methods)('%s', (method) => {
    let left = 3000
    const { seen, db } = recorder()
    const bounded = forInvocation(db, { getRemainingTimeInMillis: () => left })
    const reserve = method === 'queueAcknowledge' || method === 'queueRelease' ? 50 : 500
    const given = { pk: 'p', ttlSeconds: 1 }
    call(bounded, method, given)
    expect(seen.options).toEqual({ ...given, timeoutMs: 3000 - reserve })
    expect(given).not.toHaveProperty('timeoutMs')
    left = 2000
    call(bounded, method, { ...given, timeoutMs: 1200 })
    expect(seen.options).toMatchObject({ timeoutMs: 1200 })
    call(bounded, method, { ...given, timeoutMs: 60_000 })
    expect(seen.options).toMatchObject({ timeoutMs: 2000 - reserve })
  })

  test('of the bound of the database, the invocation and an outer invocation the shortest counts', () => {
    const { seen, db } = recorder()
    Object.assign(db, { timeoutMs: 700 })
    const outer = forInvocation(db, { getRemainingTimeInMillis: () => 600 }, { reserveMs: 100 })
    call(forInvocation(db, { getRemainingTimeInMillis: () => 3000 }), 'get')
    expect(seen.options).toEqual({ ttlSeconds: 1, timeoutMs: 700 })
    call(forInvocation(outer, { getRemainingTimeInMillis: () => 3000 }), 'get')
    expect(seen.options).toEqual({ ttlSeconds: 1, timeoutMs: 500 })
  })

  test('what the database refuses goes to it as it is', async () => {
    const db = forInvocation(new AtomicMemoryDb(), { getRemainingTimeInMillis: () => 3000 })
    for (const options of [null, 'fast', [], { timeoutMs: -1 }, { timeoutMs: '5' }, { timeout: 5 }]) {
      await expect(db.get(key, options as never)).rejects.toThrow(InvalidInput)
      expect(() => db.stream({ pk: 'p', ...(options as object) }).on('error', () => {})).not.toThrow(
        TypeError,
      )
    }
  })
})

describe('when the time is up', () => {
  test('a call under way ends, and says whether it may have happened', async () => {
    const { world, db, passed } = setUp([1e6, 1e6])
    await world.run(async () => {
      const read = db.get(key).catch((error: unknown) => error)
      const write = db.update(key, { add: { n: 1 } }).catch((error: unknown) => error)
      expect(await read).toBeInstanceOf(BackendError)
      expect(await write).toBeInstanceOf(OutcomeUnknown)
      expect(passed()).toBe(2500)
    })
  })

  test('a later call is refused, and nothing is sent', async () => {
    const { world, db, table, passed } = setUp()
    await world.run(async () => {
      await table.runtime.sleep(2500)
      for (const late of [
        () => db.get(key),
        () => db.set({ ...key, data: 1 }),
        () => db.queuePush({ pk: 'q' }),
        () => transaction(db, (tx) => tx.set({ ...key, data: 1 })),
        () =>
          atomic(db)
            .set({ ...key, data: 1 })
            .commit(),
        () => new Counter(db, { pk: 'p', sk: 'n' }).increment(),
        () => new RateLimiter(db, { pk: 'p', sk: 'r' }, { limit: 1, windowMs: 1000 }).take(),
      ])
        await expect(late()).rejects.toThrow('the time of this invocation is up')
      expect(() => db.stream({ pk: 'p' })).toThrow(BackendError)
      expect(passed()).toBe(2500)
      expect(await table.query({ pk: 'p' })).toEqual([])
    })
  })

  test('a stream ends with the page that comes too late', async () => {
    const { world, db, table } = setUp()
    await world.run(async () => {
      await table.set(Array.from({ length: 2500 }, (_, n) => ({ pk: 'p', sk: `${n}`, data: n })))
      const seen: string[] = []
      const reading = async () => {
        for await (const { sk } of db.stream({ pk: 'p' })) {
          seen.push(sk)
          await table.runtime.sleep(3)
        }
      }
      await expect(reading()).rejects.toThrow('the time of this invocation is up')
      // Two pages of a thousand, the second one read ahead.
      expect(seen).toHaveLength(2000)
    })
  })
})

describe('what waits between calls ends in time', () => {
  test('a mutex that others hold', async () => {
    const { world, db, open, passed } = setUp()
    await world.run(async () => {
      await new Mutex(open(), key, { ttlMs: 60_000 }).acquire()
      await expect(new Mutex(db, key, { ttlMs: 60_000 }).acquire()).rejects.toThrow(NotAcquired)
      expect(passed()).toBeGreaterThan(2000)
      expect(passed()).toBeLessThan(2600)
    })
  })

  test('a transaction in conflict, a watch, and an idempotent run of somebody else', async () => {
    const { world, db, open, passed } = setUp()
    const other = open()
    await world.run(async () => {
      await other.set({ ...key, data: 0 })
      const racing = transaction(
        db,
        async (tx) => {
          await tx.get(key)
          await other.update(key, { add: { '': 1 } })
          tx.set({ ...key, data: -1 })
        },
        { attempts: 10_000 },
      )
      const watching = (async () => {
        for await (const _ of watch(db, { pk: 'p', sk: 'other' }, { intervalMs: 1700 }));
      })()
      void idempotent(other, { pk: 'p', sk: 'run' }, () => other.runtime.sleep(60_000))
      await other.runtime.sleep(50)
      const waiting = idempotent(db, { pk: 'p', sk: 'run' }, () => 1)
      const ends = await Promise.all(
        [racing, watching, waiting].map((each) => each.catch((error: unknown) => error)),
      )
      expect(ends).toEqual([
        expect.any(RaceCondition),
        expect.any(BackendError),
        expect.objectContaining({ code: 'InProgress' }),
      ])
      expect(passed()).toBeLessThan(2600)
    })
  })
})

describe('what was begun is ended within the reserve', () => {
  test('leases are given back, the result of a run is kept, messages are acknowledged and released', async () => {
    const { world, db, open, passed } = setUp()
    const other = open()
    await world.run(async () => {
      await other.queuePush([{ pk: 'q' }, { pk: 'q' }])
      const { items } = await db.queuePullMany({ pk: 'q', limit: 2, ttlSeconds: 300 })
      const work = new Mutex(db, key, { ttlMs: 600_000 }).run(async () => {
        await other.runtime.sleep(2600 - passed())
        await db.set({ ...key, data: 1 })
      })
      const permits = new Semaphore(db, { pk: 'p', sk: 's' }, { permits: 1, ttlMs: 600_000 })
      const permit = await permits.acquire()
      const run = idempotent(db, { pk: 'p', sk: 'run' }, async () => {
        await other.runtime.sleep(2600 - passed())
        return 'done'
      })
      await expect(work).rejects.toThrow('the time of this invocation is up')
      expect(await run).toBe('done')
      await permit.release()
      await db.queueAcknowledge(items[0]!)
      await db.queueRelease(items[1]!)
      expect(passed()).toBeLessThan(2700)
      const [mutex, semaphore] = [
        new Mutex(other, key, { ttlMs: 1000 }),
        new Semaphore(other, permits.key, { permits: 1, ttlMs: 1000 }),
      ]
      expect(await mutex.tryAcquire()).toBeDefined()
      expect(await semaphore.tryAcquire()).toBeDefined()
      expect(await idempotent(other, { pk: 'p', sk: 'run' }, () => 'again')).toBe('done')
      expect(await other.queueStats('q')).toMatchObject({ ready: 1, inFlight: 0 })
    })
  })

  test('a reserve is no time for new work, and its last tenth is for the answer alone', async () => {
    const { world, db, open } = setUp()
    const other = open()
    await world.run(async () => {
      await other.queuePush({ pk: 'q' })
      const { item } = await db.queuePull({ pk: 'q' })
      await other.runtime.sleep(2600)
      await expect(consume(db, item!, () => {})).rejects.toThrow('the time of this invocation is up')
      await other.runtime.sleep(360)
      await expect(db.queueRelease(item!)).rejects.toThrow('the time of this invocation is up')
    })
  })
})

describe('context and options', () => {
  const table = new AtomicMemoryDb()

  test('what is no context is refused, also one that a test made up', () => {
    for (const context of [undefined, null, {}, { getRemainingTimeInMillis: 3000 }])
      expect(() => forInvocation(table, context as never)).toThrow('context: must be the context of a Lambda')
    for (const ms of [undefined, Number.NaN, '3000'])
      expect(() => forInvocation(table, { getRemainingTimeInMillis: () => ms } as never)).toThrow(
        'context.getRemainingTimeInMillis: must return milliseconds',
      )
    expect(() => forInvocation(undefined as never, { getRemainingTimeInMillis: () => 1 })).toThrow(
      'db: must be',
    )
  })

  test('options are checked', () => {
    const context = { getRemainingTimeInMillis: () => 3000 }
    expect(() => forInvocation(table, context, { reserve: 5 } as never)).toThrow("did you mean 'reserveMs'?")
    expect(() => forInvocation(table, context, { reserveMs: -1 })).toThrow(InvalidInput)
  })

  test('a short invocation keeps a quarter of it, one that is over nothing', async () => {
    const short = forInvocation(table, { getRemainingTimeInMillis: () => 400 }) as unknown as {
      leftMs: number
    }
    expect(short.leftMs).toBe(300)
    const over = forInvocation(table, { getRemainingTimeInMillis: () => -20_000 })
    await expect(over.get(key)).rejects.toThrow(BackendError)
  })

  test('the cache outside of the handler answers within it', async () => {
    const cache = new AtomicLRUCache(table, 10)
    await table.set({ ...key, data: 1 })
    for (let invocation = 0; invocation < 3; invocation++)
      await forInvocation(cache, { getRemainingTimeInMillis: () => 3000 }).get(key)
    expect(cache.stats).toMatchObject({ hits: 2, misses: 1 })
  })
})
