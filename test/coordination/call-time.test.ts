import { idempotent, Mutex, NonceSequence, ReadWriteLock, Semaphore } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'x' }
const hang = () => new Promise<never>(() => {})

type Db = ReturnType<ReturnType<typeof simulatedWorld>['open']>['db']
interface Call {
  timeoutMs?: number
  signal?: AbortSignal
}

const options = { ttlMs: 600_000 }
const acquisitions: Record<string, (db: Db, call: Call) => Promise<unknown>> = {
  'Mutex.tryAcquire': (db, call) => new Mutex(db, key, options).tryAcquire(call),
  'Mutex.acquire': (db, call) => new Mutex(db, key, options).acquire(call),
  'Mutex.run': (db, call) => new Mutex(db, key, options).run(() => {}, call),
  'Mutex.acquire, fair': (db, call) => new Mutex(db, key, { ...options, fair: true }).acquire(call),
  'Semaphore.tryAcquire': (db, call) => new Semaphore(db, key, { ...options, permits: 2 }).tryAcquire(call),
  'Semaphore.acquire': (db, call) => new Semaphore(db, key, { ...options, permits: 2 }).acquire(call),
  'Semaphore.run': (db, call) => new Semaphore(db, key, { ...options, permits: 2 }).run(() => {}, call),
  'ReadWriteLock.tryAcquireRead': (db, call) => new ReadWriteLock(db, key, options).tryAcquireRead(call),
  'ReadWriteLock.tryAcquireWrite': (db, call) => new ReadWriteLock(db, key, options).tryAcquireWrite(call),
  'ReadWriteLock.acquireRead': (db, call) => new ReadWriteLock(db, key, options).acquireRead(call),
  'ReadWriteLock.acquireWrite': (db, call) => new ReadWriteLock(db, key, options).acquireWrite(call),
  'ReadWriteLock.runRead': (db, call) => new ReadWriteLock(db, key, options).runRead(() => {}, call),
  'ReadWriteLock.runWrite': (db, call) => new ReadWriteLock(db, key, options).runWrite(() => {}, call),
  idempotent: (db, call) => idempotent(db, key, () => {}, call),
  'NonceSequence.assign': (db, call) => new NonceSequence(db, key).assign(1, call),
}

describe.each(Object.entries(acquisitions))('%s', (_, acquire) => {
  it('ends with its time when the backend hangs', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, intercept } = open()
      intercept.now = hang
      await expect(acquire(db, { timeoutMs: 700 })).rejects.toMatchObject({
        code: expect.stringMatching(/OutcomeUnknown|BackendError/),
      })
      expect(world.time).toBeGreaterThanOrEqual(700)
      expect(world.time).toBeLessThan(750)
    })
  })

  it('ends with its signal when the backend hangs', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, intercept, process } = open()
      intercept.now = hang
      const abort = new AbortController()
      const ended = expect(acquire(db, { signal: abort.signal })).rejects.toThrow('enough')
      await process.sleep(50)
      abort.abort(new Error('enough'))
      await ended
      expect(world.time).toBeLessThan(60)
    })
  })
})

/** What is done with something held. */
const uses: Record<string, (db: Db, call: Call) => Promise<{ use: () => Promise<unknown> }>> = {
  'Mutex.extend': async (db, call) => {
    const mutex = new Mutex(db, key, options)
    await mutex.acquire()
    return { use: () => mutex.extend(call) }
  },
  'Mutex.release': async (db, call) => {
    const mutex = new Mutex(db, key, options)
    await mutex.acquire()
    return { use: () => mutex.release(call) }
  },
  'Mutex.forceRelease': async (db, call) => {
    const mutex = new Mutex(db, key, options)
    await mutex.acquire()
    return { use: () => mutex.forceRelease(call) }
  },
  'extend of a permit': async (db, call) => {
    const lease = await new Semaphore(db, key, { ...options, permits: 2 }).acquire()
    return { use: () => lease.extend(call) }
  },
  'release of a writer': async (db, call) => {
    const lease = await new ReadWriteLock(db, key, options).acquireWrite()
    return { use: () => lease.release(call) }
  },
  'NonceSequence.release': async (db, call) => {
    const sequence = new NonceSequence(db, key)
    const nonce = await sequence.assign(1)
    return { use: () => sequence.release(nonce, call) }
  },
}

it.each(Object.entries(uses))('%s ends with its time when the backend hangs', async (_, make) => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, intercept } = open()
    const { use } = await make(db, { timeoutMs: 700 })
    intercept.now = hang
    const began = world.time
    await expect(use()).rejects.toMatchObject({ code: expect.stringMatching(/OutcomeUnknown|BackendError/) })
    expect(world.time - began).toBeGreaterThanOrEqual(700)
    expect(world.time - began).toBeLessThan(750)
  })
})

it('who waits long does not wait long for one reply: the bound of the database holds', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, intercept } = open({ timeoutMs: 500 })
    let lost = 1
    intercept.now = (send) => (lost-- > 0 ? hang() : send())
    const lease = await new Mutex(db, key, options).acquire({ timeoutMs: 600_000 })
    expect(lease.isHeld).toBe(true)
    expect(world.time).toBeLessThan(5000)
  })
})

it('refuses times that are none', async () => {
  const { open } = simulatedWorld()
  const { db } = open()
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never])
    for (const [name, acquire] of Object.entries(acquisitions))
      await expect(acquire(db, { timeoutMs }), `${name} ${timeoutMs}`).rejects.toMatchObject({
        code: 'InvalidInput',
      })
})
