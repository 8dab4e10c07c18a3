import { type AtomicDbInterface, absent, lockKey, RaceCondition } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { TestRuntime } from 'lockrow/testing'
import { describe, expect, it, vi } from 'vitest'
import { ExpirySweep } from '../../src/memory/expiry-sweep.ts'
import { Partition } from '../../src/memory/partition.ts'
import { Partitions } from '../../src/memory/partitions.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { keptExpiredSeconds } from '../../src/model/expiry.ts'

class Clock extends TestRuntime {
  at = 1_700_000_000_000
  override now = () => this.at
  get seconds() {
    return Math.floor(this.at / 1000)
  }
}

function world() {
  const clock = new Clock()
  const storage = new MemoryStorage(clock)
  const db: AtomicDbInterface = new AtomicEngine(storage, { runtime: clock })
  /** Rows that the storage holds, expired or not. */
  const held = async (pk: string) => {
    let count = 0
    let after: string | undefined
    do {
      const page = await storage.page({ pk, count: true, ...(after === undefined ? {} : { after }) })
      count += page.count ?? 0
      after = page.next
    } while (after !== undefined)
    return count
  }
  return { clock, storage, db, held }
}

describe('the twin frees expired rows', () => {
  it('holds no more of them however long it runs, in one partition and in many', async () => {
    const { clock, storage, db, held } = world()
    let most = 0
    for (let day = 0; day < 8; day++) {
      for (let i = 0; i < 1000; i++) {
        const sk = `${day}-${i}`
        const ttl = clock.seconds + 3600
        await db.set({ pk: 'one', sk, data: i, ttl })
        await db.set({ pk: `many-${sk}`, sk, data: i, ttl })
        await db.set({ pk: 'stays', sk: String(i), data: i })
      }
      most = Math.max(most, await held('one'))
      clock.at += 86_400_000
    }
    expect(most).toBeLessThan(2000)
    expect(await held('stays')).toBe(1000)
    const keys = Array.from({ length: 6000 }, (_, i) => {
      const sk = `${Math.floor(i / 1000)}-${i % 1000}`
      return { pk: `many-${sk}`, sk }
    })
    expect((await storage.read(keys)).filter((row) => row !== undefined)).toEqual([])
    expect(await db.count({ pk: 'stays' })).toBe(1000)
  })

  it('looks at no row before one may have expired, and then now and then only', async () => {
    const { clock, db } = world()
    const walks = vi.spyOn(Partition.prototype, 'walk')
    const fill = async (pk: string) => {
      const ttl = clock.seconds + 600
      for (let i = 0; i < 800; i++) await db.set({ pk, sk: String(i), data: i, ttl })
    }
    await fill('p')
    expect(walks).toHaveBeenCalledTimes(0)
    clock.at += 5000_000
    await fill('q')
    expect(walks.mock.calls.length).toBeGreaterThan(10)
    expect(walks.mock.calls.length).toBeLessThan(110)
    walks.mockClear()
    await fill('r')
    expect(walks).toHaveBeenCalledTimes(0)
    walks.mockRestore()
  })

  it('keeps what has expired within the hour, what never expires, and what lives', async () => {
    const { clock, db, held, storage } = world()
    await db.set({ pk: 'p', sk: 'soon', data: 1, ttl: clock.seconds + 10 })
    await db.set({ pk: 'p', sk: 'later', data: 1, ttl: clock.seconds + 10_000 })
    await db.set({ pk: 'p', sk: 'never', data: 1 })
    await storage.write([{ put: { pk: 'p', sk: 'text', data: 1, ttl: 'no number' as never } }])
    const busy = async () => {
      for (let i = 0; i < 100; i++) await db.set({ pk: 'busy', sk: String(i % 10), data: i })
    }
    clock.at += 3600_000
    await busy()
    expect(await held('p')).toBe(4)
    clock.at += 20_000
    await busy()
    expect(await held('p')).toBe(3)
    expect((await db.query({ pk: 'p' })).map(({ sk }) => sk)).toEqual(['later', 'never', 'text'])
  })

  /** What callers see of a row that has expired, whether it is still there or not. */
  const key = { pk: 'p', sk: 'a' }
  const seen: Record<string, (db: AtomicDbInterface, ttl: number) => Promise<unknown>> = {
    get: (db) => db.get(key),
    query: (db) => db.query({ pk: 'p' }),
    count: (db) => db.count({ pk: 'p' }),
    'set with the old value': (db) => db.set({ ...key, data: 'new' }, { returnOld: true }),
    'delete with the old value': (db) => db.delete(key, { returnOld: true }),
    'update if absent': (db) => db.update(key, { set: { n: 2 } }, { if: absent }),
    'update of a field': (db) => db.update(key, { add: { n: 2 } }, { returnOld: true }),
    'update once': (db) => db.update(key, { add: { n: 2 } }, { exactlyOnce: true }),
    'compare and delete': (db) => db.update(key, { delete: true }, { if: { n: 1 } }),
    'transaction of an update': (db) =>
      db.transact([{ type: 'update', key, changes: { add: { n: 1 } }, if: { n: 1 } }]).catch((e) => e.code),
    'setIfAbsent, then get': async (db) => {
      await db.transact([{ type: 'setIfAbsent', item: { ...key, data: 'new' } }])
      return db.get(key)
    },
    'the same idempotencyKey': async (db) => {
      await db.transact([{ type: 'update', key: { pk: 'p', sk: 'b' }, changes: { add: { '': 1 } } }], {
        idempotencyKey: 'k',
      })
      return db.get({ pk: 'p', sk: 'b' })
    },
    pull: async (db) => (await db.queuePull({ pk: 'q' })).item,
    stats: (db) => db.queueStats('q'),
  }
  for (const [title, look] of Object.entries(seen)) {
    it(`is seen as before: ${title}`, async () => {
      const answers: unknown[] = []
      for (const isFreed of [false, true]) {
        const { clock, db, held, storage } = world()
        const ttl = clock.seconds + 100
        await db.set({ ...key, data: { n: 1 }, ttl })
        await db.queuePush({ pk: 'q', sk: 'm', data: 1, ttl })
        await db.transact([{ type: 'set', item: { pk: 'p', sk: 'b', data: 1, ttl } }], {
          idempotencyKey: 'k',
        })
        clock.at += 2 * 86_400_000
        if (isFreed) for (let i = 0; i < 50; i++) await storage.write([{ put: { pk: 'busy', sk: 'x' } }])
        expect((await held('p')) === 0 && (await held('q')) === 0).toBe(isFreed)
        answers.push(await look(db, ttl))
      }
      expect(answers[1]).toEqual(answers[0])
    })
  }

  it('is seen as before: a lock that has expired', async () => {
    for (const isFreed of [false, true]) {
      const { clock, db, storage } = world()
      const lock = await db.getLock(lockKey(key))
      clock.at += 3 * 86_400_000
      if (isFreed) for (let i = 0; i < 50; i++) await storage.write([{ put: { pk: 'busy', sk: 'x' } }])
      await expect(db.setAtomic({ ...key, data: 1 }, lock)).rejects.toBeInstanceOf(RaceCondition)
      expect((await db.getLock(lockKey(key))).version).not.toBe(lock.version)
    }
  })
})

it('rows that an item lies between are freed too, and a partition without rows goes', async () => {
  const clock = new Clock()
  const partitions = new Partitions()
  const sweep = new ExpirySweep(partitions)
  const partition = new Partition()
  partitions.set('p', partition)
  const put = (row: { pk: string; sk: string; ttl?: number }) => {
    partition.set(row)
    sweep.step(row, clock)
  }
  const over = clock.seconds - keptExpiredSeconds
  // As many rows as one step looks at lie before those that have expired.
  for (let i = 0; i < 200; i++) put({ pk: 'p', sk: `a${String(i).padStart(3, '0')}` })
  for (let i = 0; i < 40; i++) put({ pk: 'p', sk: `b${String(i).padStart(3, '0')}`, ttl: over })
  for (let i = 0; i < 400; i++) put({ pk: 'p', sk: `c${i % 5}` })
  expect(partition.size).toBe(205)
})
