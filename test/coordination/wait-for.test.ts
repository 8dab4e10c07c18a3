import { Mutex } from 'lockrow'
import { expect, it } from 'vitest'
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
