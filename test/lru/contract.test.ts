import {
  AtomicLRUCache,
  AtomicMemoryDb,
  lockKey,
  OutcomeUnknown,
  PartialWrite,
  Throttled,
  transaction,
  watch,
} from 'lockrow'
import { ForwardingDb, type Runtime, systemRuntime } from 'lockrow/backend'
import { Simulation } from 'lockrow/testing'
import { describe, expect, it } from 'vitest'
import { GatedDb, turn } from './gated.ts'

const key = { pk: 'p', sk: 'a' }
const data = (item: { data: unknown } | undefined) => item?.data

/** A runtime whose clocks stand still until they are moved. */
function clocks() {
  const at = { wall: 1_700_000_000_000, monotonic: 5_000 }
  const runtime: Runtime = { ...systemRuntime, now: () => at.wall, monotonic: () => at.monotonic }
  return { at, runtime }
}

describe('reads do not go back in time', () => {
  it('an older answer of getMany does not replace a newer one of get', async () => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    await db.inner.set({ ...key, data: 'v1' })
    db.hold()
    const slow = cache.getMany([key])
    await db.inner.set({ ...key, data: 'v2' })
    const fast = cache.get(key)
    await db.letGo('get')
    expect(data(await fast)).toBe('v2')
    await db.letGo('getMany')
    await slow
    db.open()
    expect(data(await cache.get(key))).toBe('v2')
  })

  it.each(['get', 'getMany'] as const)('nor a default read the answer of a strong %s', async (method) => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    await db.inner.set({ ...key, data: 'v1' })
    db.hold()
    const early = cache.get(key)
    await db.inner.set({ ...key, data: 'v2' })
    const late =
      method === 'get'
        ? cache.get(key, { consistent: true })
        : cache.getMany([key], { consistent: true }).then(([item]) => item)
    await db.letGo(method, method === 'get' ? 1 : 0)
    expect(data(await late)).toBe('v2')
    const joined = cache.get(key)
    await db.letGo('get')
    await early
    db.open()
    expect([data(await joined), data(await cache.get(key))]).toEqual(['v2', 'v2'])
  })

  it('of two overlapping reads that differ neither is kept: nobody knows which is newer', async () => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    await db.inner.set({ ...key, data: 'v1' })
    db.hold()
    const first = cache.get(key, { consistent: true })
    await db.inner.set({ ...key, data: 'v2' })
    const second = cache.get(key, { consistent: true })
    await db.letGo('get')
    await db.letGo('get')
    expect([data(await first), data(await second)]).toEqual(['v1', 'v2'])
    expect(cache.stats.size).toBe(0)
  })

  it('overlapping reads that agree are kept, however many follow each other', async () => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    await db.inner.set({ ...key, data: { n: 1 } })
    db.hold()
    const signal = new AbortController().signal
    for (let i = 0; i < 5; i++) {
      const reads = [cache.get(key, { consistent: true, signal }), cache.getMany([key], { consistent: true })]
      await db.letGo('get')
      await db.letGo('getMany')
      await Promise.all(reads)
      expect(cache.stats.size).toBe(1)
    }
  })

  it.each(['query', 'page', 'getLocked', 'getTogether'] as const)(
    'a get is not older than what %s has shown',
    async (method) => {
      const db = new GatedDb()
      const cache = new AtomicLRUCache(db, 10)
      await db.inner.set({ ...key, data: 'v1' })
      await cache.get(key)
      db.hold()
      const slow = cache.get({ pk: 'p', sk: 'b' })
      await db.inner.set([
        { ...key, data: 'v2' },
        { pk: 'p', sk: 'b', data: 'v2' },
      ])
      const calls = {
        query: () => cache.query({ pk: 'p' }),
        page: () => cache.page({ pk: 'p' }),
        getLocked: () => cache.getLocked([key, { pk: 'p', sk: 'b' }]),
        getTogether: () => cache.getTogether([key, { pk: 'p', sk: 'b' }]),
      }
      const read = calls[method]()
      await turn()
      await db.letGo(method)
      await read
      await db.letGo('get')
      expect(await slow).toBeUndefined()
      db.open()
      expect(data(await cache.get(key))).toBe('v2')
      expect(data(await cache.get({ pk: 'p', sk: 'b' }))).toBe('v2')
    },
  )

  it('a query of some fields takes nothing out', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), 10)
    await cache.set({ ...key, data: { a: 1, b: 2 } })
    await cache.get(key)
    await cache.query({ pk: 'p', fields: ['a'] })
    expect(cache.stats.size).toBe(1)
  })

  it('clear during a read: its answer is not kept', async () => {
    for (const only of [key, undefined]) {
      const db = new GatedDb()
      const cache = new AtomicLRUCache(db, 10)
      db.hold()
      const reading = cache.get(key)
      cache.clear(only)
      await db.letGo('get')
      await reading
      expect(cache.stats.size).toBe(0)
    }
    expect(() => new AtomicLRUCache(new AtomicMemoryDb(), 1).clear({ pk: 'p' } as never)).toThrow('sk')
  })
})

describe('eventual reads', () => {
  it('are not shared: a default read sees the write that was confirmed before', async () => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    db.eventual = { ...key, data: 'old' }
    await cache.set({ ...key, data: 'new' })
    db.hold()
    const eventual = cache.get(key, { consistent: false })
    const mine = cache.get(key)
    await db.letGo('get', 1)
    await db.letGo('get')
    expect([data(await eventual), data(await mine)]).toEqual(['old', 'new'])
  })

  it('ask the database although the item is kept', async () => {
    const db = new AtomicMemoryDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.get(key)
    await db.set({ ...key, data: 1 })
    expect(data(await cache.get(key, { consistent: false }))).toBe(1)
    expect(data((await cache.getMany([key], { consistent: false }))[0])).toBe(1)
    // What was shown differs from what was kept: which of them is newer is not known.
    expect(data(await cache.get(key))).toBe(1)
  })

  it('let watch see changes through the cache, and the reader may change what it gets', async () => {
    const world = new Simulation({ seed: 1 })
    const db = new AtomicMemoryDb({ runtime: world.process() })
    const cache = new AtomicLRUCache(db, 10)
    const seen: unknown[] = []
    await world.run(async () => {
      await db.set({ ...key, data: { n: 1 } })
      await cache.get(key)
      const abort = new AbortController()
      world.schedule(100, () => void db.set({ ...key, data: { n: 2 } }))
      world.schedule(2000, () => abort.abort(new Error('enough')))
      const options = { intervalMs: 10, maxIntervalMs: 20, signal: abort.signal }
      await expect(async () => {
        for await (const item of watch<{ n: unknown }>(cache, key, options)) {
          seen.push(item!.data.n)
          item!.data.n = 'changed by the reader'
        }
      }).rejects.toThrow('enough')
    })
    expect(seen).toEqual([1, 2])
  })
})

describe('writes through the cache', () => {
  const message = { pk: 'q', sk: 'm1' }

  it('a push, a purge, a redrive and a dead letter are seen', async () => {
    let now = 1_700_000_000_000
    const db = new AtomicMemoryDb({ now: () => now })
    const cache = new AtomicLRUCache(db, 10)
    const dead = { pk: 'q#dead', sk: 'm1' }
    const read = async () => [data(await cache.get(message)), data(await cache.get(dead))]
    expect(await read()).toEqual([undefined, undefined])
    await cache.queuePush({ ...message, data: 1 })
    expect(await read()).toEqual([1, undefined])
    await cache.queuePull({ pk: 'q', ttlSeconds: 1 })
    now += 2000
    await cache.queuePull({ pk: 'q', maxReceives: 1 })
    expect(await read()).toEqual([undefined, 1])
    await cache.queueRedrive({ from: 'q#dead' })
    expect(await read()).toEqual([1, undefined])
    await cache.queuePurge('q')
    expect(await read()).toEqual([undefined, undefined])
  })

  it('in shards and in transactions too, and the acknowledgement by a bare key', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), 10)
    const shards = ['q#shard0', 'q#shard1'].map((pk) => ({ pk, sk: 'm1' }))
    const read = async () => (await cache.getMany([message, ...shards])).filter(Boolean).length
    expect(await read()).toBe(0)
    await cache.queuePush({ ...message, data: 1 }, { shards: 2 })
    expect(await read()).toBe(1)
    await cache.queuePurge('q', { shards: 2 })
    expect(await read()).toBe(0)
    await cache.transact([{ type: 'queuePush', item: { ...message, data: 2 } }])
    expect(await read()).toBe(1)
    await cache.queueAcknowledge(message)
    expect(await read()).toBe(0)
    await cache.queuePush({ ...message, data: 3 })
    expect(await read()).toBe(1)
    await cache.deleteRange({ pk: 'r' })
    await cache.delete(message)
    expect(await read()).toBe(0)
  })

  it('a range that is deleted is gone, and what lies beside it stays kept', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), 10)
    await cache.set([
      { ...key, data: 1 },
      { pk: 'other', sk: 'a', data: 1 },
    ])
    await cache.getMany([key, { pk: 'other', sk: 'a' }])
    await cache.deleteRange({ pk: 'p' })
    expect(cache.stats.size).toBe(1)
    expect(await cache.get(key)).toBeUndefined()
  })

  it.each(['queuePurge', 'queuePull', 'queueRedrive'] as const)(
    'a read that %s overtakes is not kept',
    async (method) => {
      const db = new GatedDb()
      const cache = new AtomicLRUCache(db, 10)
      await db.inner.queuePush({ ...message, data: 1 })
      db.hold()
      const calls = {
        queuePurge: () => cache.queuePurge('q'),
        queuePull: () => cache.queuePull({ pk: 'q' }),
        queueRedrive: () => cache.queueRedrive({ from: 'q' }),
      }
      const before = cache.get(message)
      const writing = calls[method]()
      const during = cache.getMany([message])
      await db.letGo(method)
      await writing
      db.open()
      await Promise.all([before, during])
      expect(cache.stats.size).toBe(0)
    },
  )

  it('a transaction reads past the cache', async () => {
    const db = new AtomicMemoryDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.get(key)
    await db.set({ ...key, data: 1 })
    await transaction(cache, async (tx) => {
      const item = await tx.get<number>(key)
      tx.set({ ...key, data: item!.data + 1 })
    })
    expect(data(await cache.get(key))).toBe(2)
  })
})

describe('writes of which nobody knows what came', () => {
  /** A database that fails as told, and lands the write when told. */
  class Failing extends ForwardingDb {
    error: unknown
    land: () => Promise<never[]> = async () => []
    override set(...args: Parameters<AtomicMemoryDb['set']>): Promise<never[]> {
      this.land = () => this.db.set(...args) as Promise<never[]>
      return this.error === undefined ? this.land() : Promise.reject(this.error)
    }
  }

  const failures: Record<string, { error: unknown; isDoubtful: boolean }> = {
    'the reply was lost': { error: new OutcomeUnknown('lost'), isDoubtful: true },
    'the caller aborted': { error: new DOMException('stop', 'AbortError'), isDoubtful: true },
    'a batch was written in part': { error: new PartialWrite('part', { keys: [key] }), isDoubtful: true },
    'it was refused for lack of throughput': { error: new Throttled('refused'), isDoubtful: false },
  }

  it.each(Object.entries(failures))('%s', async (_, { error, isDoubtful }) => {
    const { at, runtime } = clocks()
    const inner = new AtomicMemoryDb({ runtime })
    const db = new Failing(inner)
    const cache = new AtomicLRUCache(db, 10)
    await inner.set({ ...key, data: 'old' })
    db.error = error
    await expect(cache.set({ ...key, data: 'new' })).rejects.toBe(error)
    expect(data(await cache.get(key))).toBe('old')
    expect(cache.stats.size).toBe(isDoubtful ? 0 : 1)
    if (!isDoubtful) return
    at.monotonic += 9 * 60_000
    expect(data(await cache.get(key))).toBe('old')
    await db.land()
    expect(data(await cache.get(key))).toBe('new')
    // After ten minutes nothing can arrive any more.
    at.monotonic += 60_000
    await cache.get(key)
    expect(cache.stats.size).toBe(1)
  })

  it('only the rows that are not certain are left out', async () => {
    const inner = new AtomicMemoryDb()
    const db = new Failing(inner)
    const cache = new AtomicLRUCache(db, 10)
    const other = { pk: 'p', sk: 'b' }
    db.error = new PartialWrite('part', { keys: [other] })
    await expect(cache.set([key, other])).rejects.toBe(db.error)
    await cache.getMany([key, other])
    expect(cache.stats.size).toBe(1)
    // A later write that is confirmed does not tell what became of the earlier one.
    db.error = undefined
    await cache.set(other)
    await cache.get(other)
    expect(cache.stats.size).toBe(1)
  })
})

describe('maxAgeMs', () => {
  it('counts from when the read was sent', async () => {
    const { at, runtime } = clocks()
    const db = new GatedDb(new AtomicMemoryDb({ runtime }))
    const cache = new AtomicLRUCache(db, { maxItems: 10, maxAgeMs: 100 })
    db.hold()
    const reading = cache.get(key)
    at.monotonic += 60
    at.wall += 60
    await db.letGo('get')
    await reading
    db.open()
    at.monotonic += 39
    at.wall += 39
    await cache.get(key)
    expect(cache.stats.hits).toBe(1)
    at.monotonic += 1
    at.wall += 1
    await cache.get(key)
    expect(cache.stats).toMatchObject({ hits: 1, misses: 2 })
  })

  it.each(['wall', 'monotonic'] as const)('ends also when only the %s clock goes on', async (clock) => {
    const { at, runtime } = clocks()
    const cache = new AtomicLRUCache(new AtomicMemoryDb({ runtime }), { maxItems: 10, maxAgeMs: 100 })
    await cache.get(key)
    at[clock === 'wall' ? 'monotonic' : 'wall'] -= 50
    at[clock] += 100
    await cache.get(key)
    expect(cache.stats.hits).toBe(0)
  })

  it('nobody joins a read that was sent longer ago', async () => {
    const { at, runtime } = clocks()
    const db = new GatedDb(new AtomicMemoryDb({ runtime }))
    const cache = new AtomicLRUCache(db, { maxItems: 10, maxAgeMs: 100 })
    db.hold()
    const reads = [cache.get(key)]
    at.monotonic += 99
    reads.push(cache.get(key))
    expect(cache.stats).toMatchObject({ misses: 1, coalesced: 1 })
    at.monotonic += 1
    reads.push(cache.get(key))
    expect(cache.stats).toMatchObject({ misses: 2, coalesced: 1 })
    await turn()
    db.open()
    await Promise.all(reads)
  })
})

describe('a hit', () => {
  it('is refused where the database would refuse the call', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), 10)
    await cache.get(key)
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(cache.get(key, { signal })).rejects.toThrow('stopped')
    await expect(cache.getMany([key], { signal })).rejects.toThrow('stopped')
    expect((await cache.get(key, { signal: new AbortController().signal })) === undefined).toBe(true)
    expect(cache.stats.hits).toBe(1)
  })

  it('is no answer to options that the cache does not know', async () => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.get(key)
    await cache.get(key, { later: 1 } as never).catch(() => {})
    expect(db.counts.get).toBe(2)
  })

  it('of one key asked for twice in a list gives two copies of one read', async () => {
    const db = new GatedDb()
    const cache = new AtomicLRUCache(db, 10)
    await cache.set({ ...key, data: { list: [1] } })
    const [a, b] = await cache.getMany<{ list: number[] }>([key, key])
    a!.data.list.push(2)
    expect(b!.data.list).toEqual([1])
    expect((await cache.get<{ list: number[] }>(key))!.data.list).toEqual([1])
    expect(db.counts.getMany).toBe(1)
  })
})

it('locks made on the way are no items: a read of their key stays right', async () => {
  const cache = new AtomicLRUCache(new AtomicMemoryDb(), 10)
  expect(await cache.get(lockKey(key))).toBeUndefined()
  await cache.getLock(lockKey(key))
  expect(await cache.get(lockKey(key))).toBeUndefined()
  await cache.delete(lockKey(key))
  expect(await cache.get(lockKey(key))).toBeUndefined()
})

it('a field that another program named __proto__ is a field of copies, never their prototype', async () => {
  const stored = JSON.parse('{"__proto__": {"admin": true}, "name": "x"}') as object
  class Foreign extends ForwardingDb {
    override async get<T>() {
      return { ...key, data: stored as T }
    }
    override async getMany<T>() {
      return [{ ...key, data: stored as T }]
    }
    override async getLocked<T>() {
      const lock = { ...lockKey(key), version: 'v', ttl: 1 }
      return [{ item: { ...key, data: stored as T }, lock }]
    }
    override getTogether<T>() {
      return this.getMany<T>()
    }
  }
  const db = new Foreign(new AtomicMemoryDb())
  const cache = new AtomicLRUCache(db, 10)
  const found = [
    await cache.get<{ admin?: boolean }>(key),
    await cache.get<{ admin?: boolean }>(key),
    (await cache.getMany<{ admin?: boolean }>([key]))[0],
    await transaction(cache, (tx) => tx.get<{ admin?: boolean }>(key), { attempts: 1 }),
  ]
  for (const item of found) {
    expect(item!.data.admin).toBeUndefined()
    expect(Object.getPrototypeOf(item!.data)).toBe(Object.prototype)
    expect(Object.keys(item!.data)).toEqual(['__proto__', 'name'])
  }
})
