import { idempotent, Liveness, Mutex, ReadWriteLock, Semaphore } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { type Intercept, simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'x' }
const ttlMs = 3000

interface Lease {
  isHeld: boolean
}
type World = ReturnType<ReturnType<typeof simulatedWorld>['open']>
type Acquire = (of: World, timeoutMs?: number) => Promise<Lease | undefined>

const classes: Record<string, { acquire: Acquire; tryOnce: Acquire }> = {
  Mutex: {
    acquire: ({ db }, timeoutMs) => new Mutex(db, key, { ttlMs }).acquire({ timeoutMs }),
    tryOnce: ({ db }) => new Mutex(db, key, { ttlMs }).tryAcquire(),
  },
  'observed Mutex': {
    acquire: ({ db }, timeoutMs) => new Mutex(db, key, { ttlMs, lease: 'observed' }).acquire({ timeoutMs }),
    tryOnce: ({ db }) => new Mutex(db, key, { ttlMs, lease: 'observed' }).tryAcquire(),
  },
  'fair Mutex': {
    acquire: ({ db }, timeoutMs) => new Mutex(db, key, { ttlMs, fair: true }).acquire({ timeoutMs }),
    tryOnce: ({ db }) => new Mutex(db, key, { ttlMs, fair: true }).tryAcquire(),
  },
  Semaphore: {
    acquire: ({ db }, timeoutMs) => new Semaphore(db, key, { permits: 1, ttlMs }).acquire({ timeoutMs }),
    tryOnce: ({ db }) => new Semaphore(db, key, { permits: 1, ttlMs }).tryAcquire(),
  },
  reader: {
    acquire: ({ db }, timeoutMs) => new ReadWriteLock(db, key, { ttlMs }).acquireRead({ timeoutMs }),
    tryOnce: ({ db }) => new ReadWriteLock(db, key, { ttlMs }).tryAcquireRead(),
  },
  writer: {
    acquire: ({ db }, timeoutMs) => new ReadWriteLock(db, key, { ttlMs }).acquireWrite({ timeoutMs }),
    tryOnce: ({ db }) => new ReadWriteLock(db, key, { ttlMs }).tryAcquireWrite(),
  },
}

/** What happens to a request that takes, or whose reply takes, longer than the lease. */
const delays: Record<string, (times: number) => Intercept> = {
  'a slow reply': (times) => async (send, _, process) => {
    const answer = await send()
    if (answer.applied && times-- > 0) await process.sleep(2 * ttlMs)
    return answer
  },
  'a freeze before the reply': (times) => async (send, _, process) => {
    const answer = await send()
    if (answer.applied && times-- > 0) {
      process.freeze(2 * ttlMs)
      await process.sleep(1)
    }
    return answer
  },
  'a suspended machine': (times) => async (send, _, process) => {
    const answer = await send()
    if (answer.applied && times-- > 0) {
      process.suspend(2 * ttlMs)
      await process.sleep(1)
    }
    return answer
  },
  'throttling that lasts': (times) => async (send, _, process) => {
    if (times-- > 0) await process.sleep(2 * ttlMs)
    return send()
  },
}

describe.each(Object.entries(classes))('%s', (_, { acquire, tryOnce }) => {
  describe.each(Object.entries(delays))('%s', (_, delay) => {
    it('is not handed out with a lease that is over', async () => {
      const { world, open } = simulatedWorld()
      await world.run(async () => {
        const one = open()
        one.intercept.now = delay(1)
        const lease = await acquire(one)
        expect(lease?.isHeld).toBe(true)
        one.intercept.now = delay(0)
        // Nobody else: the one that was over was given back, or is over for others as well.
        if (!('fencingToken' in lease! && lease.fencingToken === undefined))
          expect(await tryOnce(open())).toBeUndefined()
      })
    })

    it('one try tries again', async () => {
      const { world, open } = simulatedWorld()
      await world.run(async () => {
        const one = open()
        one.intercept.now = delay(1)
        expect((await tryOnce(one))?.isHeld).toBe(true)
      })
    })
  })

  it('says why when every reply comes too late', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const one = open()
      one.intercept.now = delays['a slow reply']!(1000)
      await expect(tryOnce(one)).rejects.toThrow(/the backend is slower than ttlMs/)
      await expect(acquire(one, 40_000)).rejects.toMatchObject({ code: 'BackendError' })
      one.intercept.now = undefined
      const next = open()
      await next.process.sleep(2 * ttlMs)
      expect((await tryOnce(next))?.isHeld).toBe(true)
    })
  })
})

it('what was taken too late is given back at once', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [one, next] = [open(), open()]
    const slow = delays['a slow reply']!(5)
    one.intercept.now = slow
    const mutex = new Mutex(one.db, key, { ttlMs, clockToleranceMs: 600_000 })
    await expect(mutex.tryAcquire()).rejects.toThrow(/slower/)
    expect(mutex.isHeld).toBe(false)
    const other = new Mutex(next.db, key, { ttlMs, clockToleranceMs: 600_000 })
    expect(await other.tryAcquire()).toBeDefined()
  })
})

it('a run begins only with a lease that has time left', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    for (const run of [
      ({ db }: World, fn: (signal: AbortSignal) => boolean) =>
        new Mutex(db, { ...key, sk: 'm' }, { ttlMs }).run(({ signal }) => fn(signal)),
      ({ db }: World, fn: (signal: AbortSignal) => boolean) =>
        new Semaphore(db, { ...key, sk: 's' }, { permits: 1, ttlMs }).run(({ signal }) => fn(signal)),
      ({ db }: World, fn: (signal: AbortSignal) => boolean) =>
        new ReadWriteLock(db, { ...key, sk: 'w' }, { ttlMs }).runWrite(({ signal }) => fn(signal)),
      ({ db }: World, fn: (signal: AbortSignal) => boolean) =>
        new ReadWriteLock(db, { ...key, sk: 'r' }, { ttlMs }).runRead(({ signal }) => fn(signal)),
      ({ db }: World, fn: (signal: AbortSignal) => boolean) =>
        idempotent(db, { ...key, sk: 'i' }, ({ signal }) => fn(signal), { leaseMs: ttlMs }),
    ]) {
      const one = open()
      one.intercept.now = delays['a freeze before the reply']!(1)
      let runs = 0
      const fine = await run(one, (signal) => {
        runs++
        return !signal.aborted
      })
      expect([runs, fine]).toEqual([1, true])
    }
  })
})

it('Liveness.start resolves only when the process is alive', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const one = open()
    let times = 1
    one.intercept.now = async (send, _, process) => {
      const answer = await send()
      if (times-- > 0) await process.sleep(20_000)
      return answer
    }
    const liveness = await new Liveness(one.db).start()
    expect(liveness.isAlive).toBe(true)
    const mutex = new Mutex(one.db, key, { ttlMs: null, liveness })
    expect((await mutex.acquire()).isHeld).toBe(true)
    await liveness.stop()
    await expect(new Mutex(one.db, key, { ttlMs: null, liveness }).acquire()).rejects.toMatchObject({
      code: 'LeaseLost',
    })
    const unstarted = new Mutex(one.db, key, { ttlMs: null, liveness: new Liveness(one.db) })
    await expect(unstarted.tryAcquire()).rejects.toMatchObject({ code: 'InvalidInput', field: 'liveness' })
  })
})
