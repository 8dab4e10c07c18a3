/** What the simulator found, each as the shortest sequence that shows it. */
import {
  BackendError,
  ConditionFailed,
  lockKey,
  Mutex,
  OutcomeUnknown,
  RaceCondition,
  StaleReceipt,
  Throttled,
  transaction,
} from 'lockrow'
import { AtomicEngine, type Storage, StorageFault, systemRuntime } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'

type Fate = 'ok' | 'lostRequest' | 'lostReply' | 'late' | 'throttled' | 'unreachable' | 'conflict'
type Method = 'read' | 'write' | 'apply' | 'transact'

/** A storage whose calls meet the fates in order; `arrive` lets the late ones through. */
function fated(fates: Partial<Record<Method, Fate[]>>) {
  const inner = new MemoryStorage(systemRuntime)
  const late: (() => Promise<unknown>)[] = []
  const meet = async <T>(method: Method, call: () => Promise<T>): Promise<T> => {
    const fate = fates[method]?.shift() ?? 'ok'
    if (fate === 'ok') return call()
    if (fate === 'throttled' || fate === 'unreachable' || fate === 'conflict')
      throw new StorageFault(fate, fate)
    if (fate === 'lostReply') await call()
    if (fate === 'late') late.push(call)
    throw new StorageFault('unknown', fate)
  }
  const storage: Storage = {
    read: (keys) => meet('read', () => inner.read(keys)),
    readTogether: (keys) => inner.readTogether(keys),
    page: (range) => inner.page(range),
    scan: (scan) => inner.scan(scan),
    write: (writes) => meet('write', () => inner.write(writes)),
    apply: (operation) => meet('apply', () => inner.apply(operation)),
    transact: (operations, token) => meet('transact', () => inner.transact(operations, token)),
  }
  const runtime = { ...systemRuntime, sleep: async () => {} }
  const db = new AtomicEngine(storage, { runtime, retry: { attempts: 3 } })
  const arrive = async () => {
    // What comes too late is refused; nobody hears it.
    for (const call of late.splice(0)) await call().catch(() => {})
  }
  return { db, storage, arrive, other: new AtomicEngine(inner, { runtime }) }
}

const key = { pk: 'counter', sk: 'c' }
const counted = { add: { n: 1 } }

describe('retries used up by a refusal, after a reply was lost', () => {
  describe.each(['throttled', 'unreachable', 'conflict'] as const)('%s', (last) => {
    test('the outcome is unknown where it cannot be found out', async () => {
      const { db } = fated({ transact: ['lostReply', last, last, last] })
      // Without a lock, a message or an idempotencyKey no row tells.
      const order = [{ type: 'set', item: { ...key, data: { n: 1 } } }] as const
      await expect(db.transact(order)).rejects.toThrow(OutcomeUnknown)
      expect(await db.get(key)).toMatchObject({ data: { n: 1 } })
    })

    test('applied is found out', async () => {
      const { db } = fated({ transact: ['lostReply', last, last] })
      const lock = await db.getLock(lockKey(key))
      const [next] = await db.setAtomic({ ...key, data: { n: 1 } }, lock)
      expect(await db.getLock(lockKey(key))).toEqual(next)
    })

    test('not applied is found out, and the late request is refused', async () => {
      const { db, arrive } = fated({ transact: ['late', last, last] })
      const lock = await db.getLock(lockKey(key))
      const expected = { throttled: Throttled, unreachable: BackendError, conflict: RaceCondition }[last]
      await expect(db.setAtomic({ ...key, data: { n: 1 } }, lock)).rejects.toThrow(expected)
      await arrive()
      expect(await db.get(key)).toBeUndefined()
    })
  })
})

describe('a transaction planned anew while its first request is still on its way', () => {
  test('exactlyOnce does not count twice when that one arrives', async () => {
    const { db, arrive } = fated({ transact: ['late'] })
    expect(await db.update(key, counted, { exactlyOnce: true })).toMatchObject({ applied: true })
    await db.update(key, counted)
    await arrive()
    expect(await db.get(key)).toMatchObject({ data: { n: 2 } })
  })

  test('an idempotencyKey makes it certain', async () => {
    const { db, arrive } = fated({ transact: ['late'] })
    await db.transact([{ type: 'update', key, changes: counted }], { idempotencyKey: 'job' })
    await arrive()
    expect(await db.get(key)).toMatchObject({ data: { n: 1 } })
  })

  test('a failure stays one: the late request is refused', async () => {
    const { db, arrive, other } = fated({ transact: ['late'] })
    await other.set({ ...key, data: 'taken' })
    await expect(db.transact([{ type: 'setIfAbsent', item: { ...key, data: 'ours' } }])).rejects.toThrow(
      ConditionFailed,
    )
    await other.delete(key)
    await arrive()
    expect(await db.get(key)).toBeUndefined()
  })

  test('a changed lock stays changed: that is a RaceCondition', async () => {
    const { db, arrive, other } = fated({ transact: ['late'] })
    const lock = await db.getLock(lockKey(key))
    await other.setAtomic({ ...key, data: 'theirs' }, lock)
    await expect(db.setAtomic({ ...key, data: 'ours' }, lock)).rejects.toThrow(RaceCondition)
    await arrive()
    expect(await db.get(key)).toMatchObject({ data: 'theirs' })
  })
})

describe('the read after a write fails', () => {
  const refused: Fate[] = ['throttled', 'throttled', 'throttled']

  test('exactlyOnce still says that it was applied', async () => {
    const { db } = fated({ read: [...refused] })
    expect(await db.update(key, { set: { n: 1 } }, { exactlyOnce: true })).toEqual({ applied: true })
    expect(await db.get(key)).toMatchObject({ data: { n: 1 } })
  })

  test('after a lost reply the outcome is unknown, not "nothing was written"', async () => {
    const { db, other } = fated({ apply: ['lostReply'], read: [...refused] })
    await other.set({ ...key, data: { n: 1 } })
    await expect(db.update(key, counted)).rejects.toThrow(OutcomeUnknown)
    expect(await db.get(key)).toMatchObject({ data: { n: 2 } })
  })
})

describe('the queue after a lost request', () => {
  const jobs = { pk: 'jobs' }

  test('an acknowledgement that never arrived does not pass for one when others have the message', async () => {
    const { db, other } = fated({ apply: ['ok', 'lostRequest'] })
    await other.queuePush({ ...jobs, data: 1 })
    const first = (await db.queuePull({ ...jobs, ttlSeconds: 1 })).item!
    await other.queueRelease({ pk: first.pk, sk: first.sk })
    await other.queuePull(jobs)
    await expect(db.queueAcknowledge(first)).rejects.toThrow(StaleReceipt)
    expect(await other.queueStats('jobs')).toMatchObject({ inFlight: 1 })
  })

  test('a push under a key of its own whose reply was lost is no conflict with itself', async () => {
    const { db, other } = fated({ transact: ['lostReply'] })
    await db.queuePush({ ...jobs, sk: 'own', data: 1 })
    expect(await other.queueStats('jobs')).toMatchObject({ ready: 1 })
  })

  test('an acknowledgement that cannot be looked after is of unknown outcome', async () => {
    const { db, other } = fated({ apply: ['ok', 'lostReply'], read: ['throttled', 'throttled', 'throttled'] })
    await other.queuePush({ ...jobs, data: 1 })
    const { item } = await db.queuePull(jobs)
    await expect(db.queueAcknowledge(item!)).rejects.toThrow(OutcomeUnknown)
  })
})

test('items read together are of one moment, also where their locks had to be made', async () => {
  const { storage, other } = fated({})
  const [a, b] = [
    { pk: 'bank', sk: 'a' },
    { pk: 'bank', sk: 'b' },
  ]
  await other.set([
    { ...a, data: 100 },
    { ...b, data: 100 },
  ])
  // Between the making of the two locks somebody moves 50 from a to b.
  let made = 0
  const raced = new AtomicEngine({
    ...storage,
    apply: async (operation, options) => {
      const result = await storage.apply(operation, options)
      if (++made === 1)
        await transaction(other, (tx) => {
          tx.set({ ...a, data: 50 })
          tx.set({ ...b, data: 150 })
        })
      return result
    },
  })
  const items = await raced.getLocked<number>([a, b])
  expect(items[0]!.item!.data + items[1]!.item!.data).toBe(200)
  expect(made).toBeGreaterThan(0)
})

test('a mutex whose release was lost on its way is released all the same', async () => {
  const { db, other } = fated({ apply: ['ok', 'ok', 'lostRequest'] })
  const mutex = new Mutex(db, { pk: 'mutex', sk: 'm' }, { ttlMs: 60_000 })
  await mutex.acquire()
  await mutex.release()
  expect(await new Mutex(other, { pk: 'mutex', sk: 'm' }, { ttlMs: 60_000 }).isLocked()).toBe(false)
})
