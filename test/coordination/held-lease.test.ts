import { Mutex } from 'lockrow'
import { expect, it } from 'vitest'
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
    expect((await new Mutex(b.db, key, { ttlMs: 10_000 }).tryAcquire()).acquired).toBe(false)
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
    expect((await other.tryAcquire()).acquired).toBe(false)
    await b.process.sleep(600)
    expect(await other.isLocked()).toBe(false)
    expect((await other.tryAcquire()).acquired).toBe(true)
  })
})
