import {
  type AtomicDbInterface,
  type AtomicDbItem,
  AtomicLRUCache,
  AtomicMemoryDb,
  type InvalidInput,
  lockKey,
} from 'lockrow'
import { describe, expect, it, vi } from 'vitest'

const key = { pk: 'p', sk: 'a' }

/** A database whose reads and writes can be held back and let go one by one, to try every order. */
function gated() {
  const inner = new AtomicMemoryDb()
  const waiting: { name: string; go: () => void }[] = []
  const counts = { get: 0, getMany: 0 }
  let hold = false
  const db = new Proxy(inner, {
    get(target, name: keyof AtomicDbInterface) {
      const member = target[name]
      if (typeof member !== 'function') return member
      return async (...args: never[]) => {
        if (name === 'get' || name === 'getMany') counts[name]++
        // The read sees the data as they are when it arrives, the reply may come later.
        const result = await (member as (...given: never[]) => Promise<unknown>).apply(target, args)
        if (hold) await new Promise<void>((resolve) => waiting.push({ name, go: resolve }))
        return result
      }
    },
  }) as unknown as AtomicDbInterface
  return {
    db,
    inner,
    counts,
    hold: () => {
      hold = true
    },
    open() {
      hold = false
      for (const { go } of waiting.splice(0)) go()
    },
    async letGo(name: string) {
      for (let i = 0; i < 50 && !waiting.some((one) => one.name === name); i++) await Promise.resolve()
      const at = waiting.findIndex((one) => one.name === name)
      expect(at, `${name} is waiting`).toBeGreaterThanOrEqual(0)
      waiting.splice(at, 1)[0]!.go()
    },
  }
}

/** The database with some methods replaced. */
function replacing(db: AtomicMemoryDb, methods: object): AtomicDbInterface {
  return new Proxy(db, {
    get(target, name) {
      const member = (
        Object.hasOwn(methods, name) ? Reflect.get(methods, name) : Reflect.get(target, name)
      ) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** Every way to write the item through the cache. */
const writes: Record<string, (cache: AtomicLRUCache) => Promise<unknown>> = {
  set: (cache) => cache.set({ ...key, data: 'new' }),
  'set of many': (cache) =>
    cache.set([
      { ...key, data: 'new' },
      { pk: 'p', sk: 'b', data: 1 },
    ]),
  update: (cache) => cache.update(key, { set: { '': 'new' } }),
  transact: (cache) => cache.transact([{ type: 'set', item: { ...key, data: 'new' } }]),
  'update in a transaction': (cache) =>
    cache.transact([{ type: 'update', key, changes: { set: { '': 'new' } } }]),
  setAtomic: async (cache) => cache.setAtomic({ ...key, data: 'new' }, await cache.getLock(lockKey(key))),
}
const names: Record<string, string> = { 'set of many': 'set', 'update in a transaction': 'transact' }

describe('LRU cache', () => {
  for (const [title, write] of Object.entries(writes)) {
    for (const read of ['get', 'getMany'] as const) {
      it(`${read} under way when ${title} passes never puts the old value back`, async () => {
        const gate = gated()
        const cache = new AtomicLRUCache(gate.db, 10)
        await gate.inner.set({ ...key, data: 'old' })
        await gate.inner.getLock(lockKey(key))
        gate.hold()
        const reading = read === 'get' ? cache.get(key) : cache.getMany([key])
        await new Promise((resolve) => setImmediate(resolve))
        const writing = write(cache)
        if (title === 'setAtomic') await gate.letGo('getLock')
        // The write is answered first, then the older read.
        await gate.letGo(names[title] ?? title)
        await writing
        await gate.letGo(read)
        await reading
        gate.open()
        expect((await cache.get(key))?.data).toBe('new')
      })
    }
  }

  for (const read of ['get', 'getMany'] as const) {
    for (const way of ['delete', 'transact', 'update'] as const) {
      it(`${read} under way when ${way} deletes never brings the item back`, async () => {
        const gate = gated()
        const cache = new AtomicLRUCache(gate.db, 10)
        await gate.inner.set({ ...key, data: 'old' })
        gate.hold()
        const reading = read === 'get' ? cache.get(key) : cache.getMany([key])
        await new Promise((resolve) => setImmediate(resolve))
        const deleting: Promise<unknown> = {
          delete: () => cache.delete([key]),
          transact: () => cache.transact([{ type: 'delete', key }]),
          update: () => cache.update(key, { delete: true }),
        }[way]()
        await gate.letGo(way)
        await deleting
        await gate.letGo(read)
        await reading
        gate.open()
        expect(await cache.get(key)).toBeUndefined()
      })
    }
  }

  it('a read that begins and ends while a write is under way is not kept', async () => {
    const gate = gated()
    const cache = new AtomicLRUCache(gate.db, 10)
    await gate.inner.set({ ...key, data: 'old' })
    gate.hold()
    const writing = cache.set({ ...key, data: 'new' })
    await new Promise((resolve) => setImmediate(resolve))
    const reading = cache.get(key)
    await gate.letGo('get')
    await reading
    await gate.inner.set({ ...key, data: 'newer' })
    await gate.letGo('set')
    await writing
    gate.open()
    expect((await cache.get(key))?.data).toBe('newer')
  })

  it('1,000 concurrent misses of one key make one read, and each caller gets a copy of its own', async () => {
    const gate = gated()
    const cache = new AtomicLRUCache(gate.db, 10)
    await gate.inner.set({ ...key, data: { list: [1] } })
    const found = await Promise.all(Array.from({ length: 1000 }, () => cache.get<{ list: number[] }>(key)))
    expect(gate.counts.get).toBe(1)
    expect(cache.stats).toEqual({ hits: 0, misses: 1, coalesced: 999, size: 1 })
    found[0]!.data.list.push(2)
    expect(found[1]!.data.list).toEqual([1])
    expect((await cache.get<{ list: number[] }>(key))?.data.list).toEqual([1])
    expect(cache.stats.hits).toBe(1)
  })

  it('without copies hits share one object', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), { maxItems: 10, copy: false })
    await cache.set({ ...key, data: {} })
    await cache.get(key)
    expect(await cache.get(key)).toBe(await cache.get(key))
  })

  it('remembers that there is no item, until it is written', async () => {
    const gate = gated()
    const cache = new AtomicLRUCache(gate.db, 10)
    expect(await cache.get(key)).toBeUndefined()
    expect(await cache.get(key)).toBeUndefined()
    expect(gate.counts.get).toBe(1)
    await cache.set({ ...key, data: 1 })
    expect((await cache.get(key))?.data).toBe(1)
  })

  it('an expired item and one too old are misses', async () => {
    let now = 1_700_000_000_000
    const db = new AtomicMemoryDb({ now: () => now })
    const cache = new AtomicLRUCache(db, { maxItems: 10, maxAgeMs: 5000 })
    await cache.set({ ...key, data: 1, ttl: now / 1000 + 3 })
    await cache.get(key)
    now += 2000
    expect((await cache.get(key))?.data).toBe(1)
    now += 1000
    expect(await cache.get(key)).toBeUndefined()
    await cache.set({ ...key, data: 2 })
    await cache.get(key)
    await db.set({ ...key, data: 3 })
    now += 4999
    expect((await cache.get(key))?.data).toBe(2)
    now += 1
    expect((await cache.get(key))?.data).toBe(3)
  })

  it('consistent reads go through and refresh', async () => {
    const db = new AtomicMemoryDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.set({ ...key, data: 1 })
    await cache.get(key)
    await db.set({ ...key, data: 2 })
    expect((await cache.get(key))?.data).toBe(1)
    expect((await cache.get(key, { consistent: true }))?.data).toBe(2)
    expect((await cache.get(key))?.data).toBe(2)
    await db.set({ ...key, data: 3 })
    expect((await cache.getMany([key], { consistent: true }))[0]?.data).toBe(3)
    expect((await cache.get(key))?.data).toBe(3)
  })

  it('an eventual read is not kept: it may be older than a write of ours', async () => {
    const db = new AtomicMemoryDb()
    let stale: AtomicDbItem | undefined
    const old = replacing(db, {
      get: async (at: typeof key, options?: { consistent?: boolean }) =>
        options?.consistent === false ? stale : db.get(at),
    })
    const cache = new AtomicLRUCache(old, 10)
    await db.set({ ...key, data: 'old' })
    stale = await db.get(key)
    await db.set({ ...key, data: 'new' })
    expect((await cache.get(key, { consistent: false }))?.data).toBe('old')
    expect((await cache.get(key))?.data).toBe('new')
  })

  it('a write that fails leaves no trace, and one that may have happened neither', async () => {
    const db = new AtomicMemoryDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.set({ ...key, data: 'old' })
    await cache.get(key)
    const lock = await cache.getLock(lockKey(key))
    await db.setAtomic([], lock)
    await expect(cache.setAtomic({ ...key, data: 'new' }, lock)).rejects.toMatchObject({
      code: 'RaceCondition',
    })
    expect((await cache.get(key))?.data).toBe('old')
    await expect(
      cache.transact([
        { type: 'set', item: { ...key, data: 'new' } },
        { type: 'bump', lock },
      ]),
    ).rejects.toMatchObject({ code: 'RaceCondition' })
    expect((await cache.get(key))?.data).toBe('old')
    await expect(cache.update(key, { set: { '': 'new' } }, { if: { '': 'other' } })).resolves.toMatchObject({
      applied: false,
    })
    expect((await cache.get(key))?.data).toBe('old')
    const failing = replacing(db, {
      async set(item: never) {
        await db.set(item)
        throw new Error('no reply')
      },
    })
    const doubtful = new AtomicLRUCache(failing, 10)
    await doubtful.get(key)
    await expect(doubtful.set({ ...key, data: 'new' })).rejects.toThrow('no reply')
    expect((await doubtful.get(key))?.data).toBe('new')
  })

  it('a failed read is not kept, and fails for those only who waited for it', async () => {
    const db = new AtomicMemoryDb()
    let failures = 1
    const flaky = replacing(db, {
      get: async (at: typeof key) => {
        if (failures-- > 0) throw new Error('down')
        return db.get(at)
      },
    })
    const cache = new AtomicLRUCache(flaky, 10)
    await db.set({ ...key, data: 1 })
    expect(
      (await Promise.allSettled([cache.get(key), cache.get(key)])).map((result) => result.status),
    ).toEqual(['rejected', 'rejected'])
    expect((await cache.get(key))?.data).toBe(1)
  })

  it('a signal ends the read of its own caller only', async () => {
    const gate = gated()
    const cache = new AtomicLRUCache(gate.db, 10)
    await gate.inner.set({ ...key, data: 1 })
    const abort = new AbortController()
    const [other, mine] = [cache.get(key), cache.get(key, { signal: abort.signal })]
    abort.abort(new Error('enough'))
    expect((await other)?.data).toBe(1)
    await mine.catch((error: Error) => expect(error.message).toBe('enough'))
  })

  it('locks, queries and transactions go past it', async () => {
    const db = new AtomicMemoryDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.set({ ...key, data: 1 })
    await cache.get(key)
    await db.set({ ...key, data: 2 })
    expect((await cache.query({ pk: 'p' }))[0]?.data).toBe(2)
    expect((await cache.getLocked([key]))[0]?.item?.data).toBe(2)
    const lock = await cache.getLock(lockKey(key))
    const [next] = await db.setAtomic([], lock)
    expect(await cache.getLock(lockKey(key))).toEqual(next)
  })

  it('keeps the newest items, clears, and checks its options', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), { maxItems: 2 })
    for (const sk of ['a', 'b', 'c']) {
      await cache.set({ pk: 'p', sk, data: sk })
      await cache.get({ pk: 'p', sk })
    }
    expect(cache.stats.size).toBe(2)
    cache.clear({ pk: 'p', sk: 'c' })
    expect(cache.stats.size).toBe(1)
    cache.clear()
    expect(cache.stats.size).toBe(0)
    const refused = (make: () => unknown) => {
      try {
        make()
      } catch (error) {
        return (error as InvalidInput).field
      }
      return undefined
    }
    expect(refused(() => new AtomicLRUCache(new AtomicMemoryDb(), 0))).toBe('maxItems')
    expect(refused(() => new AtomicLRUCache(new AtomicMemoryDb(), { maxItems: 1, maxAgeMs: 0 }))).toBe(
      'maxAgeMs',
    )
  })
})

it('a list of keys that are all kept asks the database for nothing', async () => {
  const inner = new AtomicMemoryDb()
  const db = new AtomicLRUCache(inner, { maxItems: 10 })
  const keys = [
    { pk: 'p', sk: 'a' },
    { pk: 'p', sk: 'b' },
  ]
  await inner.set({ ...keys[0]!, data: 1 })
  const asked = vi.spyOn(inner, 'getMany')
  const first = await db.getMany(keys)
  expect(asked).toHaveBeenCalledTimes(1)
  expect(await db.getMany(keys)).toEqual(first)
  expect(asked).toHaveBeenCalledTimes(1)
})
