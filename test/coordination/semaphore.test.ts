import { Semaphore } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'
import { from, Machine } from '../setup/machine.ts'

onBothBackends('Semaphore', ({ open, pk }) => {
  it('n permits, and those of crashed holders come back', async () => {
    const db = open()
    const key = { pk: pk(), sk: 's' }
    const semaphore = new Semaphore(db, key, { permits: 3, ttlMs: 60_000, clockToleranceMs: 0 })
    const permits = await Promise.all(Array.from({ length: 6 }, () => semaphore.tryAcquire()))
    expect(permits.filter(Boolean)).toHaveLength(3)
    expect(await semaphore.available()).toBe(0)
    const [first] = permits.filter((permit) => permit !== undefined)
    await first!.extend()
    await first!.release()
    await expect(first!.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(await semaphore.available()).toBe(1)
    await expect(
      new Semaphore(db, key, { permits: 2, ttlMs: 1000 }).acquire({ timeoutMs: 1000 }),
    ).rejects.toMatchObject({ code: 'NotAcquired' })
    const machine = new Machine(Date.now())
    const crashing = new Semaphore(
      from(db, machine),
      { pk: key.pk, sk: 'crashed' },
      { permits: 1, ttlMs: 30, clockToleranceMs: 0 },
    )
    await crashing.tryAcquire()
    expect(await crashing.tryAcquire()).toBeUndefined()
    machine.pass(31)
    expect(await crashing.tryAcquire()).toBeDefined()
    let inside = 0
    const narrow = new Semaphore(db, { pk: key.pk, sk: 'narrow' }, { permits: 2, ttlMs: 5000 })
    await Promise.all(
      Array.from({ length: 8 }, () =>
        narrow.run(async () => {
          expect(++inside).toBeLessThanOrEqual(2)
          await db.runtime.sleep(2)
          inside--
        }),
      ),
    )
    expect(() => new Semaphore(db, key, { permits: 0, ttlMs: 1 })).toThrow(
      expect.objectContaining({ field: 'permits' }),
    )
    expect(() => new Semaphore(db, key, { permits: 1, ttlMs: 0 })).toThrow(
      expect.objectContaining({ field: 'ttlMs' }),
    )
  })
})
