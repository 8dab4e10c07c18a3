import { type AtomicDbInterface, Mutex, ReadWriteLock } from 'lockrow'
import { expect, it } from 'vitest'
import { type WaitOptions, waitFor } from '../../src/coordination/wait-for.ts'
import { StorageFault } from '../../src/storage.ts'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

it('a waiter survives throttling of ten seconds', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
    void process.sleep(10_000).then(() => (intercept.now = undefined))
    const lease = await new Mutex(db, key, { ttlMs: 60_000 }).acquire()
    expect(lease.isHeld).toBe(true)
    expect(world.time).toBeGreaterThan(10_000)
  })
})

it('a waiter survives rows that other transactions keep writing', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    intercept.now = () => Promise.reject(new StorageFault('conflict', 'a transaction is in progress'))
    void process.sleep(10_000).then(() => (intercept.now = undefined))
    const lease = await new Mutex(db, key, { ttlMs: 60_000 }).acquire()
    expect(lease.isHeld).toBe(true)
  })
})

it('a waiter does not hide trouble that lasts, nor after its time', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, intercept } = open()
    intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
    const mutex = new Mutex(db, key, { ttlMs: 3000 })
    await expect(mutex.acquire({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'Throttled' })
    const began = world.time
    await expect(mutex.acquire()).rejects.toMatchObject({ code: 'Throttled' })
    expect(world.time - began).toBeGreaterThan(60_000)
  })
})

it.each([
  ['a fair mutex', (db: AtomicDbInterface) => new Mutex(db, key, { ttlMs: 3_600_000, fair: true })],
  [
    'a writer',
    (db: AtomicDbInterface) => {
      const lock = new ReadWriteLock(db, key, { ttlMs: 3_600_000 })
      return { acquire: (options?: WaitOptions) => lock.acquireWrite(options) }
    },
  ],
])('who gives up waiting for %s is not held up by a backend that hangs', async (_, open_) => {
  for (const how of ['abort', 'time'] as const) {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b] = [open(), open()]
      await open_(b.db).acquire()
      const abort = new AbortController()
      const waiting = open_(a.db)
        .acquire(how === 'abort' ? { signal: abort.signal } : { timeoutMs: 5000 })
        .catch((error) => error)
      await a.process.sleep(4000)
      a.intercept.now = (send) => a.process.sleep(600_000).then(send)
      await a.process.sleep(1000)
      abort.abort(new Error('enough'))
      const began = world.time
      const error = await waiting
      expect(how === 'abort' ? error.message : error.code).toBe(how === 'abort' ? 'enough' : 'NotAcquired')
      expect(world.time - began).toBeLessThan(1100)
    })
  }
})

it('looks begin close together and come to lie a quarter of a second apart', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db } = open()
    const looks: number[] = []
    await waitFor(
      db,
      { timeoutMs: 10_000 },
      {
        attempt: async () => false,
        succeeded: (answer) => answer,
        probe: async () => {
          looks.push(world.time)
          return false
        },
      },
    )
    expect(looks[1]! - looks[0]!).toBeLessThanOrEqual(75)
    // 250 ms with jitter of a half either way: 40 looks, and a few more at the beginning.
    expect(looks.length).toBeGreaterThan(30)
    expect(looks.length).toBeLessThan(65)
  })
})
