import { Mutex, type MutexOptions } from 'lockrow'
import { expect, it } from 'vitest'
import { StorageFault } from '../../../src/storage.ts'
import { simulatedWorld } from '../../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

it('an extension that arrives late does not move the deadline back', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const mine = new Mutex(a.db, key, { ttlMs: 10_000 })
    const theirs = new Mutex(b.db, key, { ttlMs: 10_000 })
    await mine.acquire()
    await a.process.sleep(3000)
    a.intercept.now = async (send, _signal, process) => {
      a.intercept.now = undefined
      void process.sleep(4000).then(send)
      await process.sleep(3000)
      throw new StorageFault('unknown', 'no reply')
    }
    await mine.extend()
    const end = world.time + mine.leftMs
    await theirs.acquire({ timeoutMs: 60_000 })
    expect(world.time).toBeGreaterThanOrEqual(end)
    expect(mine.isHeld).toBe(false)
  })
})

it('observed: what was restored counts as held from its first extension, whatever the clocks say', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b, c] = [open(), open(), open()]
    b.process.stepClock(-60_000)
    const options: MutexOptions = { ttlMs: 5000, lease: 'observed' }
    const first = new Mutex(a.db, key, options)
    await first.acquire()
    const text = first.serialize()
    const restored = Mutex.restore(b.db, text, options)
    expect(restored.isHeld).toBe(false)
    await restored.extend()
    expect(restored.isHeld).toBe(true)
    const late = Mutex.restore(b.db, restored.serialize(), options)
    const other = new Mutex(c.db, key, options)
    await other.acquire({ timeoutMs: 30_000 })
    expect([restored.isHeld, late.isHeld]).toEqual([false, false])
    await expect(late.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
  })
})
