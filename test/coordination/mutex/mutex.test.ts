import { AtomicMemoryDb, atomic, fenced, fencedWrite, Liveness, Mutex } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { onBothBackends } from '../../setup/backends.ts'
import { from, Machine } from '../../setup/machine.ts'

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

onBothBackends('mutex', ({ open, pk }) => {
  const pair = (options: Partial<ConstructorParameters<typeof Mutex>[2]> = {}) => {
    const key = { pk: pk(), sk: 'mutex' }
    const db = open()
    const start = Date.now()
    const [a, b] = [new Machine(start), new Machine(start)]
    const make = (machine: Machine) =>
      new Mutex(from(db, machine), key, { ttlMs: 10_000, clockToleranceMs: 0, ...options })
    return {
      key,
      db,
      a,
      b,
      mutexA: make(a),
      mutexB: make(b),
      both: (ms: number) => [a, b].map((machine) => machine.pass(ms)),
      make,
    }
  }

  it('is held by one, who is told, and tokens grow', async () => {
    const { mutexA, mutexB } = pair()
    expect(await mutexA.tryAcquire()).toMatchObject({ fencingToken: 1 })
    expect(await mutexB.tryAcquire()).toBeUndefined()
    expect(await mutexB.peek()).toMatchObject({
      locked: true,
      fencingToken: 1,
      remainingMs: 10_000,
      owner: expect.any(String),
    })
    expect(await mutexB.isLocked()).toBe(true)
    expect([await mutexA.ownerStatus(), await mutexB.ownerStatus()]).toEqual(['ours', 'held'])
    await mutexA.release()
    expect(await mutexB.ownerStatus()).toBe('free')
    expect(await mutexB.tryAcquire()).toMatchObject({ fencingToken: 2 })
    await mutexB.forceRelease()
    expect(await mutexA.tryAcquire()).toMatchObject({ fencingToken: 3 })
  })

  it('expires; B takes it; A releases: B still holds it', async () => {
    const { mutexA, mutexB, both } = pair()
    await mutexA.tryAcquire()
    both(10_001)
    expect(await mutexB.tryAcquire()).toMatchObject({ fencingToken: 2 })
    await expect(mutexA.release()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(mutexB.isHeld).toBe(true)
    await mutexB.extend()
    expect(await mutexA.tryAcquire()).toBeUndefined()
  })

  it("A's extend after expiry is refused, also when nobody took it", async () => {
    const { mutexA, both } = pair()
    await mutexA.tryAcquire()
    both(10_001)
    await expect(mutexA.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
  })

  it('forceRelease, then the old owner acts', async () => {
    const { mutexA, mutexB } = pair()
    await mutexA.tryAcquire()
    await mutexB.forceRelease()
    await expect(mutexA.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(await mutexB.tryAcquire()).toMatchObject({ fencingToken: 2 })
    await expect(mutexA.release()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(await mutexB.isLocked()).toBe(true)
  })

  it("a failed re-acquire on the holder's own object leaves its expiry alone", async () => {
    const { mutexA, both } = pair()
    await mutexA.tryAcquire()
    both(4000)
    expect(await mutexA.tryAcquire()).toBeUndefined()
    expect(await mutexA.peek()).toMatchObject({ locked: true, remainingMs: 6000 })
    expect(mutexA.isHeld).toBe(true)
    both(6001)
    expect(mutexA.isHeld).toBe(false)
    expect(await mutexA.tryAcquire()).toMatchObject({ fencingToken: 2 })
  })

  it('timeout 0 is one try, and a timeout says who holds it', async () => {
    const { mutexA, mutexB, b } = pair({ ttlMs: 60_000 })
    await mutexA.tryAcquire()
    await expect(mutexB.acquire({ timeoutMs: 0 })).rejects.toMatchObject({
      code: 'NotAcquired',
      state: { locked: true },
    })
    const before = b.mono
    await expect(mutexB.acquire({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'NotAcquired' })
    expect(b.mono - before).toBeGreaterThanOrEqual(5000)
    await mutexA.release()
    expect((await mutexB.acquire({ timeoutMs: 0 })).fencingToken).toBe(2)
    await expect(mutexA.acquire({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })

  it('with no time to live it is held until it is released', async () => {
    const { mutexA, mutexB, both } = pair({ ttlMs: null })
    await mutexA.tryAcquire()
    both(1e10)
    expect(await mutexB.tryAcquire()).toBeUndefined()
    expect(await mutexB.isLocked()).toBe(true)
    await mutexA.release()
    expect(await mutexB.tryAcquire()).toBeDefined()
  })

  it('observed: no two clocks are compared', async () => {
    const { mutexA, mutexB, a, b } = pair({ lease: 'observed' })
    b.wall += 60_000
    await mutexA.tryAcquire()
    // By B's clock the lease is long over: it does not matter.
    expect(await mutexB.tryAcquire()).toBeUndefined()
    a.pass(9000)
    b.pass(9000)
    await mutexA.extend()
    expect(await mutexB.tryAcquire()).toBeUndefined()
    b.pass(10_001)
    expect(await mutexB.tryAcquire()).toMatchObject({ fencingToken: 2 })
    a.pass(10_001)
    await expect(mutexA.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
  })

  it('waiting costs reads, not writes', async () => {
    const { mutexA, mutexB, key, db } = pair({ ttlMs: 30_000 })
    await mutexA.tryAcquire()
    let writes = 0
    const counting = from(
      new Proxy(db, {
        get(target, name) {
          const member = Reflect.get(target, name)
          if (name === 'update') writes++
          return typeof member === 'function' ? member.bind(target) : member
        },
      }),
      new Machine(Date.now()),
    )
    const waiter = new Mutex(counting, key, { ttlMs: 30_000, clockToleranceMs: 0 })
    await expect(waiter.acquire({ timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'NotAcquired' })
    expect(writes).toBe(1)
    expect(await mutexB.isLocked()).toBe(true)
  })

  it('run gives token and signal, extends, and releases', async () => {
    const key = { pk: pk(), sk: 'mutex' }
    const db = open()
    const mutex = new Mutex(db, key, { ttlMs: 1500 })
    const result = await mutex.run(async ({ signal, fencingToken }) => {
      await db.runtime.sleep(1600)
      expect(signal.aborted).toBe(false)
      expect(await new Mutex(db, key, { ttlMs: 1500, clockToleranceMs: 0 }).isLocked()).toBe(true)
      return fencingToken
    })
    expect(result).toBe(1)
    expect(await mutex.isLocked()).toBe(false)
  })

  it('run tells when the lease is lost, and does not hide the error of the callback', async () => {
    const key = { pk: pk(), sk: 'mutex' }
    const db = open()
    const mutex = new Mutex(db, key, { ttlMs: 900 })
    const rival = new Mutex(db, key, { ttlMs: 10_000 })
    const stolen = mutex.run(async ({ signal }) => {
      await rival.forceRelease()
      await rival.tryAcquire()
      await aborted(signal)
      expect(signal.reason).toMatchObject({ code: 'LeaseLost' })
    })
    await expect(stolen).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(rival.isHeld).toBe(true)
    await rival.release()
    const failing = mutex.run(async () => {
      await rival.forceRelease()
      throw new Error('my own')
    })
    await expect(failing).rejects.toThrow('my own')
    const unextended = mutex.run(({ signal }) => aborted(signal), { extend: false })
    await expect(unextended).rejects.toMatchObject({ code: 'LeaseLost' })
  })

  it('goes on in another process', async () => {
    const { mutexA, mutexB, db, key, b } = pair()
    await mutexA.tryAcquire()
    const text = mutexA.serialize()
    const restored = Mutex.restore(from(db, b), text, { ttlMs: 10_000, clockToleranceMs: 0 })
    expect(restored.fencingToken).toBe(1)
    await restored.extend()
    expect(await mutexB.tryAcquire()).toBeUndefined()
    await restored.release()
    expect(await mutexB.isLocked()).toBe(false)
    for (const wrong of ['', '{}', 'null', '{"lockrow":"mutex"}'])
      expect(() => Mutex.restore(db, wrong, { ttlMs: 1 }), wrong).toThrow(/serialized mutex/)
    expect(key.sk).toBe('mutex')
  })

  it('await using releases', async () => {
    const { db, key, make, a } = pair()
    {
      await using mutex = make(a)
      await mutex.acquire()
      expect(await mutex.isLocked()).toBe(true)
    }
    expect(await new Mutex(db, key, { ttlMs: 1 }).isLocked()).toBe(false)
  })

  it('a write with an older token than was seen is refused', async () => {
    const { mutexA, mutexB, both, db, key } = pair()
    const target = { pk: key.pk, sk: 'resource' }
    await mutexA.tryAcquire()
    const old = mutexA.fencingToken!
    both(10_001)
    await mutexB.tryAcquire()
    await atomic(db)
      .add(fencedWrite(target, { set: { by: 'B' } }, mutexB.fencingToken!))
      .commit()
    await expect(
      atomic(db)
        .add(fencedWrite(target, { set: { by: 'A' } }, old))
        .commit(),
    ).rejects.toMatchObject({ code: 'ConditionFailed' })
    const { changes, if: condition } = fenced({ set: { by: 'A' } }, old)
    expect(await db.update(target, changes, { if: condition })).toMatchObject({
      applied: false,
      item: { data: { by: 'B', fence: 2 } },
    })
    const again = fenced({ set: { by: 'B again' } }, 2)
    expect((await db.update(target, again.changes, { if: again.if })).applied).toBe(true)
  })

  it('takes what a dead process held at once, and the dead one knew first', async () => {
    const key = { pk: pk(), sk: 'mutex' }
    const db = open()
    const a = new Machine(Date.now())
    const b = new Machine(Date.now())
    const beats = { failing: false }
    const dbA = new Proxy(from(db, a), {
      get(target, name) {
        const member = Reflect.get(target, name)
        if (name === 'update' && beats.failing) return () => Promise.reject(new Error('partitioned'))
        return member
      },
    })
    // Heartbeats by hand: the machine's time stands still between the steps.
    a.sleep = (ms, options) =>
      new Promise((resolve, reject) => {
        const due = a.mono + ms
        const timer = setInterval(() => {
          if (options?.signal?.aborted) reject(options.signal.reason)
          else if (a.mono >= due) resolve()
          else return
          clearInterval(timer)
        }, 1)
      })
    const liveness = await new Liveness(dbA, { pk: `${key.pk}-processes` }).start()
    const mutexA = new Mutex(dbA, key, { ttlMs: 3_600_000, liveness })
    const mutexB = new Mutex(from(db, b), key, { ttlMs: 3_600_000 })
    await mutexA.acquire()
    expect(await mutexB.ownerStatus()).toBe('running')
    await liveness.setDraining()
    expect(await mutexB.ownerStatus()).toBe('draining')
    beats.failing = true
    for (let i = 0; i < 8; i++) {
      a.pass(1000)
      b.pass(1000)
      await new Promise((resolve) => setTimeout(resolve, 8))
    }
    // After 8 of 10 seconds the process counts itself as dead; the others do not yet.
    expect(liveness.signal.aborted).toBe(true)
    expect(mutexA.isHeld).toBe(false)
    expect(await mutexB.ownerStatus()).toBe('draining')
    b.pass(3500)
    expect(await mutexB.ownerStatus()).toBe('dead')
    expect((await mutexB.acquire({ timeoutMs: 3000 })).fencingToken).toBe(2)
    beats.failing = false
    await liveness.stop()
  })

  it('bad input', async () => {
    const db = open()
    const key = { pk: 'p', sk: 'm' }
    for (const options of [
      undefined,
      {},
      { ttlMs: 0 },
      { ttlMs: -1 },
      { ttlMs: Number.NaN },
      { ttlMs: null, lease: 'observed' },
      { ttlMs: 1, clockToleranceMs: -1 },
    ]) {
      expect(() => new Mutex(db, key, options as never), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'InvalidInput' }),
      )
    }
    expect(() => new Mutex(db, { pk: 'p', sk: 'a#lock' }, { ttlMs: 1 })).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field: 'sk' }),
    )
    expect(() => new Mutex(db, { pk: 'p' } as never, { ttlMs: 1 })).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }),
    )
    expect(() => new Liveness(db, { heartbeatMs: 6000 })).toThrow(
      expect.objectContaining({ field: 'heartbeatMs' }),
    )
    await expect(new Mutex(db, key, { ttlMs: 1 }).acquire({ timeoutMs: -1 })).rejects.toMatchObject({
      code: 'InvalidInput',
    })
    await expect(new Mutex(db, key, { ttlMs: 1 }).release()).rejects.toMatchObject({ code: 'LeaseLost' })
  })
})

describe('mutex', () => {
  it('32 contenders, each alone inside', async () => {
    const db = new AtomicMemoryDb()
    const key = { pk: 'p', sk: 'm' }
    let inside = 0
    const tokens: number[] = []
    await Promise.all(
      Array.from({ length: 32 }, () =>
        new Mutex(db, key, { ttlMs: 5000 }).run(async ({ fencingToken }) => {
          expect(++inside).toBe(1)
          tokens.push(fencingToken)
          await db.runtime.sleep(1)
          inside--
        }),
      ),
    )
    expect(tokens).toEqual(Array.from({ length: 32 }, (_, i) => i + 1))
  })
})

it('what was given back is not held, whatever the object is asked', async () => {
  const mutex = new Mutex(new AtomicMemoryDb(), { pk: 'm', sk: 'given back' }, { ttlMs: 60_000 })
  await mutex.acquire()
  await mutex.release()
  expect([mutex.fencingToken, mutex.isHeld, mutex.leftMs, await mutex.ownerStatus()]).toEqual([
    undefined,
    false,
    0,
    'free',
  ])
  expect(() => mutex.serialize()).toThrow(expect.objectContaining({ code: 'LeaseLost' }))
})
