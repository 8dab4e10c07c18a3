import { idempotent, NonceSequence, RateLimiter, ReadWriteLock, Semaphore } from 'lockrow'
import { expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'x' }

it('a writer whose lease is over does not come back beside readers', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const writer = (await new ReadWriteLock(a.db, key, { ttlMs: 3000 }).tryWrite())!
    await a.process.sleep(4500)
    const reader = (await new ReadWriteLock(b.db, key, { ttlMs: 3000 }).tryRead())!
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
      await lock.tryRead()
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

it('NonceSequence: reset(last) goes on after it, and releasing twice makes no duplicate', async () => {
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
