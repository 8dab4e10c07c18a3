import { Counter, Mutex, NonceSequence, OutcomeUnknown, RateLimiter, ReadWriteLock, Semaphore } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

/** A key that belongs to something else must not be changed by a lock that is given it by mistake. */
onBothBackends('keys that collide', ({ open, pk }) => {
  const wrong = { code: 'InvalidInput' }
  it.each<[string, (db: ReturnType<typeof open>, key: { pk: string; sk: string }) => Promise<unknown>]>([
    ['Mutex', (db, key) => new Mutex(db, key, { ttlMs: 1000 }).tryAcquire()],
    ['fair Mutex', (db, key) => new Mutex(db, key, { ttlMs: 1000, fair: true }).acquire()],
    ['Semaphore', (db, key) => new Semaphore(db, key, { permits: 1, ttlMs: 1000 }).tryAcquire()],
    ['ReadWriteLock, reader', (db, key) => new ReadWriteLock(db, key, { ttlMs: 1000 }).tryAcquireRead()],
    ['ReadWriteLock, writer', (db, key) => new ReadWriteLock(db, key, { ttlMs: 1000 }).tryAcquireWrite()],
    ['Counter', (db, key) => new Counter(db, key).increment()],
    ['NonceSequence', (db, key) => new NonceSequence(db, key).assign(0)],
    [
      'RateLimiter, window',
      (db, key) => new RateLimiter(db, key, { limit: 1, windowMs: 1000, kind: 'window' }).take(),
    ],
    ['RateLimiter, GCRA', (db, key) => new RateLimiter(db, key, { limit: 1, windowMs: 1000 }).take()],
  ])('%s on an item or a message: InvalidInput, and nothing is changed', async (_name, use) => {
    const db = open()
    const item = { pk: pk(), sk: 'item', data: { some: 'thing' } }
    await db.set(item)
    const [message] = await db.queuePush({ pk: pk(), sk: 'message', data: { some: 'thing' } })
    await expect(use(db, { pk: item.pk, sk: item.sk })).rejects.toMatchObject(wrong)
    await expect(use(db, { pk: message!.pk, sk: message!.sk })).rejects.toMatchObject(wrong)
    expect(await db.get({ pk: item.pk, sk: item.sk })).toEqual(item)
    expect((await db.queuePeek({ pk: message!.pk }))[0]!.data).toEqual({ some: 'thing' })
    expect(() => new Mutex(db, { pk: item.pk, sk: 'x#lock' }, { ttlMs: 1000 })).toThrow(/#lock/)
  })
})

onBothBackends('nonces given back', ({ open, pk }) => {
  it('are assigned again, also when the reply to that is lost', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'nonces' }
    let lose = 0
    const update = async (...args: Parameters<typeof db.update>) => {
      const result = await db.update(...args)
      if (result.applied && lose-- === 1) throw new OutcomeUnknown('planted', {})
      return result
    }
    const lossy = new Proxy(db, {
      get(target, name) {
        const member = Reflect.get(target, name)
        return name === 'update' ? update : typeof member === 'function' ? member.bind(target) : member
      },
    })
    const sequence = new NonceSequence(lossy, key)
    for (const expected of [0, 1, 2, 3]) expect(await sequence.assign(0)).toBe(expected)
    await sequence.release(1)
    await sequence.release(2)
    lose = 1
    expect(await sequence.assign(0)).toBe(1)
    expect(await sequence.assign(0)).toBe(2)
    lose = 1
    expect(await sequence.assign(0)).toBe(4)
    lose = 0
    expect(await sequence.assign(0)).toBe(5)
  })
})
