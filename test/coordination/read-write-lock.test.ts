import { ReadWriteLock } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'
import { from, Machine } from '../setup/machine.ts'

onBothBackends('ReadWriteLock', ({ open, pk }) => {
  it('many readers or one writer', async () => {
    const db = open()
    const lock = new ReadWriteLock(db, { pk: pk(), sk: 'rw' }, { ttlMs: 60_000, clockToleranceMs: 0 })
    const readers = [await lock.tryAcquireRead(), await lock.tryAcquireRead()]
    expect(readers.every(Boolean)).toBe(true)
    expect(await lock.tryAcquireWrite()).toBeUndefined()
    await readers[0]!.extend()
    await readers[0]!.release()
    await readers[1]!.release()
    const writer = await lock.tryAcquireWrite()
    expect(writer?.fencingToken).toBe(1)
    expect([await lock.tryAcquireRead(), await lock.tryAcquireWrite()]).toEqual([undefined, undefined])
    await writer!.extend()
    await writer!.release()
    expect((await lock.tryAcquireWrite())?.fencingToken).toBe(2)
    await expect(lock.acquireRead({ timeoutMs: 1000 })).rejects.toMatchObject({ code: 'NotAcquired' })
    expect(() => new ReadWriteLock(db, { pk: 'p', sk: 'rw' }, { ttlMs: 0 })).toThrow(
      expect.objectContaining({ field: 'ttlMs' }),
    )
  })

  it('a waiting writer goes before new readers, crashed ones are passed over', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'rw' }
    const lock = new ReadWriteLock(db, key, { ttlMs: 60_000, clockToleranceMs: 0 })
    const reader = await lock.acquireRead()
    const writing = lock.acquireWrite({ timeoutMs: 5000 })
    await expect
      .poll(() => lock.tryAcquireRead().then((permit) => permit?.release().then(() => 'read')))
      .toBeUndefined()
    await reader.release()
    const writer = await writing
    await writer.release()
    const again = await lock.acquireRead()
    await expect(lock.acquireWrite({ timeoutMs: 1000 })).rejects.toMatchObject({ code: 'NotAcquired' })
    // The writer that gave up left no mark behind.
    await (await lock.acquireRead({ timeoutMs: 0 })).release()
    await again.release()
    const machine = new Machine(Date.now())
    const short = new ReadWriteLock(
      from(db, machine),
      { pk: key.pk, sk: 'crashed' },
      { ttlMs: 30, clockToleranceMs: 0 },
    )
    await short.tryAcquireRead()
    expect(await short.tryAcquireWrite()).toBeUndefined()
    machine.pass(31)
    expect(await short.tryAcquireWrite()).toBeDefined()
    machine.pass(31)
    expect(await short.tryAcquireRead()).toBeDefined()
  })

  it('nobody reads while somebody writes', async () => {
    const db = open()
    const lock = new ReadWriteLock(db, { pk: pk(), sk: 'rw' }, { ttlMs: 5000 })
    let [reading, writing] = [0, 0]
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 4 === 0
          ? lock.runWrite(async () => {
              expect([reading, ++writing]).toEqual([0, 1])
              await db.runtime.sleep(2)
              writing--
            })
          : lock.runRead(async () => {
              reading++
              expect(writing).toBe(0)
              await db.runtime.sleep(1)
              reading--
            }),
      ),
    )
  })
})
