import { AtomicMemoryDb, Semaphore } from 'lockrow'
import { expect, it, test } from 'vitest'
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

test('crashed holders go with the claims that take their places, twenty by one write', async () => {
  const machine = new Machine(1e12)
  const memory = new AtomicMemoryDb({ runtime: machine })
  let writes = 0
  const db = new Proxy(memory, {
    get(target, name) {
      if (name === 'update') writes++
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const key = { pk: 'p', sk: 'many' }
  const open = (permits: number) => new Semaphore(db, key, { permits, ttlMs: 1000, clockToleranceMs: 0 })
  const fill = async (count: number) => {
    for (let i = 0; i < count; i++) expect(await open(count).tryAcquire()).toBeDefined()
  }
  const requests = async (permits: number) => {
    writes = 0
    const lease = await open(permits).tryAcquire()
    return [lease !== undefined, writes]
  }
  await fill(50)
  // None of them has crashed: one request.
  expect(await requests(50)).toEqual([false, 1])
  machine.pass(1000)
  expect(await requests(50)).toEqual([false, 1])
  machine.pass(1)
  expect(await open(50).available()).toBe(50)
  // Twenty of fifty go with the claim, after the one that found them there.
  expect(await requests(50)).toEqual([true, 2])
  expect(Object.keys((await db.get<{ holders: object }>(key))!.data.holders)).toHaveLength(31)
  // The number of permits was lowered to two: of thirty crashed ones, twenty go by a write of their own.
  expect(await open(2).available()).toBe(1)
  expect(await requests(2)).toEqual([true, 3])
  expect(await requests(2)).toEqual([false, 1])
  expect(await open(2).available()).toBe(0)
  expect(await open(1).available()).toBe(0)
})
