import { type Lease, Liveness, Mutex, ReadWriteLock, Semaphore } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { StorageFault } from '../../src/storage.ts'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'x' }
type World = ReturnType<ReturnType<typeof simulatedWorld>['open']>
type Run = (of: World, ttlMs: number, fn: (signal: AbortSignal) => Promise<void>) => Promise<unknown>

const runs: Record<string, Run> = {
  Mutex: ({ db }, ttlMs, fn) => new Mutex(db, key, { ttlMs }).run(({ signal }) => fn(signal)),
  Semaphore: ({ db }, ttlMs, fn) =>
    new Semaphore(db, key, { permits: 1, ttlMs }).run(({ signal }) => fn(signal)),
  reader: ({ db }, ttlMs, fn) => new ReadWriteLock(db, key, { ttlMs }).runRead(({ signal }) => fn(signal)),
  writer: ({ db }, ttlMs, fn) => new ReadWriteLock(db, key, { ttlMs }).runWrite(({ signal }) => fn(signal)),
}

const untilAborted = async ({ process }: World, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) await process.sleep(5)
}

describe.each(Object.entries(runs))('%s: the reason of the lost signal', (_, run) => {
  it.each([150, 300, 3000, 60_000])('ttlMs %i: the backend refused', async (ttlMs) => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const one = open()
      let reason: unknown
      const running = run(one, ttlMs, async (signal) => {
        one.intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
        await untilAborted(one, signal)
        reason = signal.reason
        one.intercept.now = undefined
      })
      await expect(running).rejects.toMatchObject({ code: 'LeaseLost', cause: { code: 'Throttled' } })
      expect(reason).toMatchObject({ code: 'LeaseLost', cause: { code: 'Throttled' } })
    })
  })

  it.each([150, 3000])('ttlMs %i: the backend did not answer', async (ttlMs) => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const one = open()
      const began = world.time
      const running = run(one, ttlMs, async (signal) => {
        one.intercept.now = () => new Promise(() => {})
        await untilAborted(one, signal)
        one.intercept.now = undefined
      })
      const code = expect.stringMatching(/OutcomeUnknown|BackendError/)
      await expect(running).rejects.toMatchObject({ code: 'LeaseLost', cause: { code } })
      expect(world.time - began).toBeLessThan(ttlMs + 100)
    })
  })
})

it('lost to somebody else: the cause is the row of the new holder', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const rival = new Mutex(b.db, key, { ttlMs: 60_000, label: 'rival' })
    const running = new Mutex(a.db, key, { ttlMs: 3000 }).run(async ({ signal }) => {
      await rival.forceRelease()
      await rival.acquire()
      await untilAborted(a, signal)
    })
    await expect(running).rejects.toMatchObject({
      code: 'LeaseLost',
      message: expect.stringMatching(/taken over/),
      cause: { ...key, data: { label: 'rival', token: 2 } },
    })
  })
})

it('a writer taken out by a reader: the cause is the row', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const writer = await new ReadWriteLock(a.db, key, { ttlMs: 60_000 }).acquireWrite()
    b.process.stepClock(600_000)
    const reader = await new ReadWriteLock(b.db, key, { ttlMs: 3000 }).acquireRead()
    const lost = await writer.extend().catch((error) => error)
    expect(lost).toMatchObject({
      code: 'LeaseLost',
      cause: { data: { readers: { [reader.id]: expect.any(Number) } } },
    })
  })
})

it('extended by hand: the cause is why that failed', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const one = open()
    const lease: Lease = await new Semaphore(one.db, key, { permits: 1, ttlMs: 2000 }).acquire()
    const { signal } = lease
    one.intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
    await expect(lease.extend({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'Throttled' })
    await untilAborted(one, signal)
    expect(signal.reason).toMatchObject({ code: 'LeaseLost', cause: { code: 'Throttled' } })
  })
})

it.each([60, 400, 10_000])(
  'liveness, dead after %i ms: what kept the heartbeats from success',
  async (deadAfterMs) => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const one = open()
      const liveness = await new Liveness(one.db, { heartbeatMs: deadAfterMs / 5, deadAfterMs }).start()
      const running = new Mutex(one.db, key, { ttlMs: null, liveness }).run(async ({ signal }) => {
        one.intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
        await untilAborted(one, signal)
        one.intercept.now = undefined
      })
      const cause = { code: 'LeaseLost', cause: { code: 'Throttled' } }
      await expect(running).rejects.toMatchObject({ code: 'LeaseLost', cause })
      expect(liveness.signal.reason).toMatchObject(cause)
    })
  },
)
