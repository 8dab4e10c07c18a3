import { idempotent, Mutex, NonceSequence, RateLimiter, ReadWriteLock, Semaphore } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { StorageFault } from '../../src/storage.ts'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'x' }

it('a writer whose lease is over does not come back beside readers', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const writer = (await new ReadWriteLock(a.db, key, { ttlMs: 3000 }).tryAcquireWrite())!
    await a.process.sleep(4500)
    const reader = (await new ReadWriteLock(b.db, key, { ttlMs: 3000 }).tryAcquireRead())!
    await expect(writer.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
    await reader.extend()
    expect([writer.isHeld, reader.isHeld]).toEqual([false, true])
  })
})

it('readers take out crashed ones', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process } = open()
    const lock = new ReadWriteLock(db, key, { ttlMs: 10 })
    for (let i = 0; i < 100; i++) {
      await lock.tryAcquireRead()
      await process.sleep(500)
    }
    const row = await db.get<{ readers: object }>(key)
    expect(Object.keys(row!.data.readers).length).toBeLessThan(10)
  })
})

it('a permit counts from the request; Semaphore.run rejects after a loss', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    const semaphore = new Semaphore(db, key, { permits: 1, ttlMs: 3000 })
    await (await semaphore.acquire()).release()
    intercept.now = async (send) => {
      intercept.now = undefined
      const answer = await send()
      await process.sleep(2000)
      return answer
    }
    const lease = await semaphore.acquire()
    expect(lease.leftMs).toBeLessThan(1000)
    await lease.release()
    const running = semaphore.run(async ({ signal }) => {
      intercept.now = () => process.sleep(60_000).then(() => Promise.reject(new Error('late')))
      while (!signal.aborted) await process.sleep(10)
      intercept.now = undefined
    })
    await expect(running).rejects.toMatchObject({ code: 'LeaseLost' })
  })
})

it('a semaphore that was lowered admits no more than its new number', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process } = open()
    const ten = new Semaphore(db, key, { permits: 10, ttlMs: 5000 })
    for (let i = 0; i < 10; i++) await ten.tryAcquire()
    await process.sleep(10_000)
    const two = new Semaphore(db, key, { permits: 2, ttlMs: 60_000 })
    let admitted = 0
    for (let i = 0; i < 20; i++) if (await two.tryAcquire()) admitted++
    expect(admitted).toBe(2)
  })
})

it('a result that cannot be stored is told, and the run is not repeated', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process } = open()
    let runs = 0
    for (let i = 0; i < 3; i++) {
      const run = idempotent(db, key, () => ({ runs: ++runs, at: new Date(0) }) as unknown)
      await expect(run).rejects.toMatchObject({ code: 'InvalidInput' })
      await process.sleep(61_000)
    }
    expect(runs).toBe(1)
  })
})

it('a run that was taken over does not say that it will not run again', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [slow, other] = [open(), open()]
    const options = { leaseMs: 1000, extend: false, clockToleranceMs: 0 } as const
    const late = idempotent(
      slow.db,
      key,
      () => slow.process.sleep(5000).then((): unknown => new Date(0)),
      options,
    )
    late.catch(() => {})
    await other.process.sleep(2000)
    const next = idempotent(other.db, key, () => other.process.sleep(10_000).then(() => 'done'), {
      leaseMs: 60_000,
    })
    await expect(late).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(await next).toBe('done')
  })
})

it('NonceSequence: reset(last) goes on after it, and a nonce given back is the next one', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db } = open()
    const sequence = new NonceSequence(db, key)
    await sequence.reset(41)
    const nonce = await sequence.assign(40)
    expect(nonce).toBe(42)
    await sequence.release(nonce)
    expect(await sequence.assign(40)).toBe(42)
    expect(await sequence.assign(40)).toBe(43)
  })
})

it('NonceSequence: releasing again after a lost reply hands no nonce to two', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b, c] = [open(), open(), open()]
    const of = ({ db }: typeof a) => new NonceSequence(db, key)
    const mine = await of(a).assign(7)
    a.intercept.now = async (send) => {
      a.intercept.now = undefined
      await send()
      throw new StorageFault('unknown', 'TimeoutError')
    }
    await of(a).release(mine)
    const theirs = await of(b).assign(7)
    expect(theirs).toBe(mine)
    // Its owner cannot know that it was given out again.
    await of(a)
      .release(mine)
      .catch(() => {})
    const third = await of(c).assign(7)
    expect(third).toBe(theirs + 1)
  })
})

describe('a request that was given up and arrives late', () => {
  /** The next write is given up after `gaveUpMs`, and arrives after `arrivesMs`. */
  const late =
    (of: ReturnType<ReturnType<typeof simulatedWorld>['open']>, gaveUpMs: number, arrivesMs: number) =>
    () => {
      of.intercept.now = async (send, _, process) => {
        of.intercept.now = undefined
        void process.sleep(arrivesMs).then(send)
        await process.sleep(gaveUpMs)
        throw new StorageFault('unknown', 'TimeoutError')
      }
    }

  it('does not take back the deadline of a permit', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b, c] = [open(), open(), open()]
      const of = ({ db }: typeof a) => new Semaphore(db, key, { permits: 2, ttlMs: 3000 })
      const warm = (await of(c).tryAcquire())!
      late(a, 1000, 3600)()
      const mine = (await of(a).tryAcquire())!
      await a.process.sleep(2000)
      await warm.release()
      await mine.extend()
      await a.process.sleep(1200)
      const others = [await of(b).tryAcquire(), await of(c).tryAcquire()]
      expect(mine.isHeld).toBe(true)
      expect(others.filter(Boolean)).toHaveLength(1)
    })
  })

  it('does not take back the deadline of a mutex', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b] = [open(), open()]
      const options = { ttlMs: 10_000 }
      const mine = new Mutex(a.db, key, options)
      await mine.acquire()
      await a.process.sleep(3000)
      late(a, 3000, 4000)()
      await mine.extend()
      await new Mutex(b.db, key, options).acquire({ timeoutMs: 60_000 })
      expect(mine.isHeld).toBe(false)
    })
  })
})

describe.each(['runRead', 'runWrite'] as const)('ReadWriteLock.%s', (how) => {
  const options = { ttlMs: 3000 }
  it('counts from the request, not from the reply', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const one = open()
      const lock = new ReadWriteLock(one.db, key, options)
      one.intercept.now = async (send, _, process) => {
        one.intercept.now = undefined
        const answer = await send()
        await process.sleep(2000)
        return answer
      }
      let left = Number.NaN
      await lock[how](({ lease }) => {
        left = lease.leftMs
      })
      expect(left).toBeLessThan(1000)
    })
  })

  it('rejects when its lease was lost meanwhile', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b] = [open(), open()]
      const running = new ReadWriteLock(a.db, key, options)[how](async () => {
        a.process.freeze(10_000)
        await a.process.sleep(11_000)
        return 'written'
      })
      let inside = false
      const other = new ReadWriteLock(b.db, key, options).runWrite(async () => {
        inside = true
      })
      await expect(running).rejects.toMatchObject({ code: 'LeaseLost' })
      await other
      expect(inside).toBe(true)
    })
  })
})

it('GCRA keeps its debt over quiet times that are too short', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process } = open()
    const limiter = new RateLimiter(db, key, { limit: 10, windowMs: 10_000, burst: 10 })
    let allowed = 0
    for (let i = 0; i < 200; i++) {
      if ((await limiter.take()).allowed) allowed++
      await process.sleep(100)
    }
    expect(allowed).toBeLessThanOrEqual(10 + Math.ceil(world.time / 1000))
  })
})
