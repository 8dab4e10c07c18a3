import { Counter, idempotent, KeyValue, NonceSequence, RateLimiter, ReadWriteLock, Semaphore } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'
import { from, Machine } from '../setup/machine.ts'

onBothBackends('coordination', ({ open, pk }) => {
  it('Counter: any signed amount, bounded, sharded, blocks', async () => {
    const key = { pk: pk(), sk: 'c' }
    const counter = new Counter(open(), key)
    expect(await counter.increment()).toBe(1)
    expect(await counter.increment(-5)).toBe(-4)
    expect(await counter.increment(0.5, { exactlyOnce: true })).toBe(-3.5)
    expect(await counter.incrementWithin(10, { max: 6 })).toEqual({ applied: false, value: -3.5 })
    expect(await counter.get()).toBe(-3.5)
    const sharded = new Counter(open(), { pk: pk(), sk: 'c' }, { shards: 5 })
    await Promise.all(Array.from({ length: 50 }, () => sharded.increment(2)))
    expect(await sharded.get()).toBe(100)
    expect(() => sharded.allocate(1)).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
    const ids = new Counter(open(), { pk: pk(), sk: 'ids' })
    expect([await ids.allocate(10), await ids.allocate(5)]).toEqual([
      { first: 1, last: 10 },
      { first: 11, last: 15 },
    ])
    for (const shards of [0, 1.5, 1001])
      expect(() => new Counter(open(), key, { shards })).toThrow(expect.objectContaining({ field: 'shards' }))
  })

  it('NonceSequence: 100 concurrent callers get 100 different, contiguous nonces, from 0', async () => {
    const sequence = new NonceSequence(open(), { pk: pk(), sk: 'n' })
    const nonces = await Promise.all(Array.from({ length: 100 }, () => sequence.assign(0)))
    expect(nonces.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  it('NonceSequence: follows the pending count, falls back, gives back', async () => {
    const sequence = new NonceSequence(open(), { pk: pk(), sk: 'n' })
    expect(await sequence.assign(7)).toBe(7)
    expect(await sequence.assign(3)).toBe(8)
    expect(await sequence.assign(9)).toBe(9)
    expect(await sequence.assign(50)).toBe(50)
    expect(await sequence.assign(51)).toBe(51)
    // 551 is as far as we may be ahead of 51; from there we fall back.
    expect(await sequence.assign(551)).toBe(551)
    expect(await sequence.assign(52)).toBe(552)
    expect(await sequence.assign(52)).toBe(52)
    for (let i = 53; i < 56; i++) expect(await sequence.assign(52)).toBe(i)
    await sequence.release(53)
    expect(await sequence.state()).toEqual({ last: 55, free: [53] })
    expect(await sequence.assign(52)).toBe(53)
    expect(await sequence.assign(52)).toBe(56)
    await sequence.release(56)
    expect(await sequence.assign(52)).toBe(56)
    await expect(sequence.release(99)).rejects.toMatchObject({ code: 'InvalidInput' })
    await sequence.reset()
    expect(await sequence.assign(4)).toBe(4)
    for (const bad of [-1, 0.5, Number.NaN])
      await expect(sequence.assign(bad)).rejects.toMatchObject({ field: 'pendingCount' })
  })

  it('KeyValue: set, get, delete, increment on whole numbers', async () => {
    const db = open()
    const values = new KeyValue(db, pk())
    await values.set('a', 'x')
    expect(await values.get('a')).toBe('x')
    await expect(values.increment('a')).rejects.toMatchObject({ code: 'InvalidInput' })
    await values.set('n', '41')
    expect(await values.increment('n')).toBe(42)
    expect(
      await Promise.all([values.increment('new'), values.increment('new'), values.increment('new', 3)]).then(
        (all) => Math.max(...all),
      ),
    ).toBe(5)
    await values.set('t', 'soon gone', { ttlSeconds: 100 })
    expect(await values.get('t')).toBe('soon gone')
    await values.delete('t')
    expect(await values.get('t')).toBeUndefined()
    await expect(values.set('t', 1, { ttlSeconds: 0 })).rejects.toMatchObject({ field: 'ttlSeconds' })
  })

  it('RateLimiter: fixed windows and GCRA, never more than the limit, and says how long to wait', async () => {
    const windowed = new RateLimiter(
      open(),
      { pk: pk(), sk: 'r' },
      { limit: 5, windowMs: 3_600_000, kind: 'window' },
    )
    const answers = await Promise.all(Array.from({ length: 12 }, () => windowed.take('ann')))
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(5)
    const refused = answers.find((answer) => !answer.allowed)!
    expect(refused.retryAfterMs).toBeGreaterThan(0)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(3_600_000)
    expect((await windowed.take('bob')).allowed).toBe(true)
    const even = new RateLimiter(open(), { pk: pk(), sk: 'r' }, { limit: 60, windowMs: 3_600_000, burst: 4 })
    const burst = await Promise.all(Array.from({ length: 10 }, () => even.take()))
    expect(burst.filter((answer) => answer.allowed)).toHaveLength(4)
    const next = await even.take()
    expect(next.retryAfterMs).toBeGreaterThan(50_000)
    expect(next.retryAfterMs).toBeLessThanOrEqual(60_000)
    const quick = new RateLimiter(open(), { pk: pk(), sk: 'r' }, { limit: 1, windowMs: 60 })
    expect((await quick.take()).allowed).toBe(true)
    await open().runtime.sleep(80)
    expect((await quick.take()).allowed).toBe(true)
    expect(() => new RateLimiter(open(), { pk: 'p', sk: 'r' }, { limit: 0, windowMs: 1 })).toThrow(
      expect.objectContaining({ field: 'limit' }),
    )
    expect(() => new RateLimiter(open(), { pk: 'p', sk: 'r' }, { limit: 1, windowMs: 0 })).toThrow(
      expect.objectContaining({ field: 'windowMs' }),
    )
  })

  it('idempotent: once per key, whoever asks', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'run' }
    let runs = 0
    const run = () =>
      idempotent(db, key, async () => {
        runs++
        await db.runtime.sleep(20)
        return { receipt: runs }
      })
    expect(await Promise.all([run(), run(), run()])).toEqual([{ receipt: 1 }, { receipt: 1 }, { receipt: 1 }])
    expect(await run()).toEqual({ receipt: 1 })
    expect(runs).toBe(1)
  })

  it('idempotent: a run that throws is forgotten, one that crashed is taken over, one under way is told', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'run' }
    await expect(idempotent(db, key, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
    expect(await idempotent(db, key, () => 'second try')).toBe('second try')
    const crashed = { pk: key.pk, sk: 'crashed' }
    const never = idempotent(db, crashed, () => db.runtime.sleep(1200).then(() => 'late'), {
      leaseMs: 500,
      extend: false,
    })
    await db.runtime.sleep(15)
    await expect(idempotent(db, crashed, () => 'not yet', { waitMs: 0 })).rejects.toMatchObject({
      code: 'InProgress',
    })
    expect(await idempotent(db, crashed, () => 'taken over', { waitMs: 2000, clockToleranceMs: 0 })).toBe(
      'taken over',
    )
    // The first run finishes late: the remembered result is that of the one who took over.
    expect(await never).toBe('taken over')
    expect(await idempotent(db, { pk: key.pk, sk: 'void' }, () => undefined)).toBeUndefined()
    expect(await idempotent(db, { pk: key.pk, sk: 'void' }, () => undefined)).toBeUndefined()
  })

  it('Semaphore: n permits, and those of crashed holders come back', async () => {
    const db = open()
    const key = { pk: pk(), sk: 's' }
    const semaphore = new Semaphore(db, key, { permits: 3, ttlMs: 60_000, clockToleranceMs: 0 })
    const permits = await Promise.all(Array.from({ length: 6 }, () => semaphore.tryAcquire()))
    expect(permits.filter(Boolean)).toHaveLength(3)
    expect(await semaphore.available()).toBe(0)
    const [first] = permits.filter((permit) => permit !== undefined)
    await first!.extend()
    await first!.release()
    await expect(first!.release()).rejects.toMatchObject({ code: 'LeaseLost' })
    await expect(first!.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(await semaphore.available()).toBe(1)
    await expect(
      new Semaphore(db, key, { permits: 2, ttlMs: 1000 }).acquire({ timeoutMs: 30 }),
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

  it('ReadWriteLock: many readers or one writer', async () => {
    const db = open()
    const lock = new ReadWriteLock(db, { pk: pk(), sk: 'rw' }, { ttlMs: 60_000, clockToleranceMs: 0 })
    const readers = [await lock.tryRead(), await lock.tryRead()]
    expect(readers.every(Boolean)).toBe(true)
    expect(await lock.tryWrite()).toBeUndefined()
    await readers[0]!.extend()
    await readers[0]!.release()
    await expect(readers[0]!.release()).rejects.toMatchObject({ code: 'LeaseLost' })
    await readers[1]!.release()
    const writer = await lock.tryWrite()
    expect(writer?.fencingToken).toBe(1)
    expect([await lock.tryRead(), await lock.tryWrite()]).toEqual([undefined, undefined])
    await writer!.extend()
    await writer!.release()
    expect((await lock.tryWrite())?.fencingToken).toBe(2)
    await expect(lock.acquireRead({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'NotAcquired' })
    expect(() => new ReadWriteLock(db, { pk: 'p', sk: 'rw' }, { ttlMs: 0 })).toThrow(
      expect.objectContaining({ field: 'ttlMs' }),
    )
  })

  it('ReadWriteLock: a waiting writer goes before new readers, crashed ones are passed over', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'rw' }
    const lock = new ReadWriteLock(db, key, { ttlMs: 60_000, clockToleranceMs: 0 })
    const reader = await lock.acquireRead()
    const writing = lock.acquireWrite({ timeoutMs: 5000 })
    await expect
      .poll(() => lock.tryRead().then((permit) => permit?.release().then(() => 'read')))
      .toBeUndefined()
    await reader.release()
    const writer = await writing
    await writer.release()
    const again = await lock.acquireRead()
    await expect(lock.acquireWrite({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'NotAcquired' })
    // The writer that gave up left no mark behind.
    await (await lock.acquireRead({ timeoutMs: 0 })).release()
    await again.release()
    const machine = new Machine(Date.now())
    const short = new ReadWriteLock(
      from(db, machine),
      { pk: key.pk, sk: 'crashed' },
      { ttlMs: 30, clockToleranceMs: 0 },
    )
    await short.tryRead()
    expect(await short.tryWrite()).toBeUndefined()
    machine.pass(31)
    expect(await short.tryWrite()).toBeDefined()
    machine.pass(31)
    expect(await short.tryRead()).toBeDefined()
  })

  it('ReadWriteLock: nobody reads while somebody writes', async () => {
    const db = open()
    const lock = new ReadWriteLock(db, { pk: pk(), sk: 'rw' }, { ttlMs: 5000 })
    let [reading, writing] = [0, 0]
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 4 === 0
          ? lock.write(async () => {
              expect([reading, ++writing]).toEqual([0, 1])
              await db.runtime.sleep(2)
              writing--
            })
          : lock.read(async () => {
              reading++
              expect(writing).toBe(0)
              await db.runtime.sleep(1)
              reading--
            }),
      ),
    )
  })
})
