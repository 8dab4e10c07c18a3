import { type AtomicDbInterface, type Lease, Mutex, ReadWriteLock, Semaphore } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { StorageFault } from '../../src/storage.ts'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

it('extend({ ttlMs }) holds it longer, and never shorter than before', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const lease = await new Mutex(a.db, key, { ttlMs: 10_000 }).acquire()
    await lease.extend({ ttlMs: 60_000 })
    expect(lease.leftMs).toBeGreaterThan(59_000)
    await lease.extend({ ttlMs: 500 })
    expect(lease.leftMs).toBeGreaterThan(59_000)
    await a.process.sleep(50_000)
    expect(await new Mutex(b.db, key, { ttlMs: 10_000 }).tryAcquire()).toBeUndefined()
    await expect(lease.extend({ ttlMs: 0 })).rejects.toMatchObject({ field: 'ttlMs' })
  })
})

it('extend: false does not extend, and warns before the end', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process } = open()
    const warned: number[] = []
    const began = world.time
    const running = new Mutex(db, key, { ttlMs: 3000 }).run(
      async ({ signal }) => {
        while (!signal.aborted) await process.sleep(10)
      },
      { extend: false, warnMs: 700, onWarning: (leftMs) => warned.push(leftMs) },
    )
    await expect(running).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(world.time - began).toBeLessThan(3100)
    expect(warned).toHaveLength(1)
    expect(warned[0]).toBeGreaterThan(600)
    expect(warned[0]).toBeLessThanOrEqual(700)
  })
})

it('the cause of a lost signal is the last error', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    let reason: unknown
    const running = new Mutex(db, key, { ttlMs: 60_000 }).run(async ({ signal }) => {
      intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
      while (!signal.aborted) await process.sleep(10)
      reason = signal.reason
      intercept.now = undefined
    })
    await expect(running).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(reason).toMatchObject({ code: 'LeaseLost', cause: { code: 'Throttled' } })
  })
})

it('peek shows label and held since', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const since = a.process.now()
    const lease = await new Mutex(a.db, key, { ttlMs: 10_000, label: 'nightly' }).acquire()
    await a.process.sleep(4000)
    await lease.extend()
    const other = new Mutex(b.db, key, { ttlMs: 10_000 })
    const state = await other.peek()
    expect(state).toMatchObject({ locked: true, label: 'nightly', owner: lease.id })
    expect(state.heldSince! - since).toBeLessThan(100)
    await expect(other.acquire({ timeoutMs: 0 })).rejects.toThrow(/nightly/)
  })
})

it('a contender finds locked for as long as it could not take it', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    await new Mutex(a.db, key, { ttlMs: 3000 }).acquire()
    a.process.crash()
    const other = new Mutex(b.db, key, { ttlMs: 3000 })
    await b.process.sleep(3500)
    expect(await other.isLocked()).toBe(true)
    expect(await other.tryAcquire()).toBeUndefined()
    await b.process.sleep(600)
    expect(await other.isLocked()).toBe(false)
    expect(await other.tryAcquire()).toBeDefined()
  })
})

/** Everything that gives out a lease. */
const lessors: Record<string, (db: AtomicDbInterface) => Promise<Lease>> = {
  Mutex: (db) => new Mutex(db, key, { ttlMs: 10_000 }).acquire(),
  'Mutex, observed': (db) => new Mutex(db, key, { ttlMs: 10_000, lease: 'observed' }).acquire(),
  Semaphore: (db) => new Semaphore(db, key, { permits: 1, ttlMs: 10_000 }).acquire(),
  'ReadWriteLock, reader': (db) => new ReadWriteLock(db, key, { ttlMs: 10_000 }).acquireRead(),
  'ReadWriteLock, writer': (db) => new ReadWriteLock(db, key, { ttlMs: 10_000 }).acquireWrite(),
}

describe.each(Object.entries(lessors))('release, %s', (_, acquire) => {
  it('is sent once; again, or side by side, it changes nothing', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b] = [open(), open()]
      const lease = await acquire(a.db)
      let writes = 0
      a.intercept.now = (send) => {
        writes++
        return send()
      }
      await Promise.all([lease.release(), lease.release()])
      await lease.release()
      expect(writes).toBe(1)
      const next = await acquire(b.db)
      await lease.release()
      await lease[Symbol.asyncDispose]()
      expect(writes).toBe(1)
      await next.extend()
      await expect(lease.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
    })
  })

  it('of what was lost is LeaseLost each time', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b] = [open(), open()]
      const lease = await acquire(a.db)
      await a.process.sleep(12_000)
      const next = await acquire(b.db)
      for (let call = 0; call < 2; call++)
        await expect(lease.release()).rejects.toMatchObject({
          code: 'LeaseLost',
          message: expect.stringContaining('lost before'),
        })
      await next.extend()
    })
  })

  it('again after one that was given up in the middle is a release', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, intercept } = open()
      const lease = await acquire(db)
      const impatient = new AbortController()
      intercept.now = async (send) => {
        const answer = await send()
        impatient.abort(new Error('no time'))
        return answer
      }
      await expect(lease.release({ signal: impatient.signal })).rejects.toThrow('no time')
      intercept.now = undefined
      await lease.release()
      expect(lease.isHeld).toBe(false)
    })
  })
})

it('a mutex can be released twice, but not one that was never held', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const mutex = new Mutex(open().db, key, { ttlMs: 10_000 })
    await expect(mutex.release()).rejects.toMatchObject({ code: 'LeaseLost' })
    await mutex.acquire()
    await Promise.all([mutex.release(), mutex.release()])
    await mutex.release()
    const lease = await mutex.acquire()
    await lease.release()
    await mutex.release()
    await mutex.acquire()
    await mutex.forceRelease()
    await expect(mutex.release()).rejects.toMatchObject({ code: 'LeaseLost' })
  })
})

const broken = () => {
  throw new Error('the logger is broken')
}

it.each([
  ['throws', broken],
  ['rejects', async () => broken()],
])('an onWarning that %s changes nothing', async (_, complain) => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    let warned = 0
    const running = new Mutex(db, key, { ttlMs: 9000 }).run(
      async ({ signal }) => {
        intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
        await process.sleep(7000)
        intercept.now = undefined
        await process.sleep(30_000)
        return signal.aborted
      },
      {
        onWarning() {
          warned++
          return complain()
        },
      },
    )
    expect(await running).toBe(false)
    expect(warned).toBe(1)
  })
})
