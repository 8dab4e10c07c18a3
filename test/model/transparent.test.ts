import { AtomicLRUCache, AtomicMemoryDb } from 'lockrow'
import { withTracing } from 'lockrow/otel'
import { AtomicChaosDb, chaosFaults, Simulation } from 'lockrow/testing'
import { describe, expect, it } from 'vitest'
import { contractMethods } from '../../src/model/effects.ts'

const key = { pk: 'p', sk: 'a' }
const none = Object.fromEntries(chaosFaults.map((fault) => [fault, 0]))
const quiet = { seed: 1, log: () => {} }
const wrappers = {
  AtomicLRUCache: (db: AtomicMemoryDb) => new AtomicLRUCache(db, 10),
  AtomicChaosDb: (db: AtomicMemoryDb) => new AtomicChaosDb(db, { ...quiet, rates: none }),
  withTracing: (db: AtomicMemoryDb) => withTracing(db),
}

describe.each(Object.entries(wrappers))('%s', (_, wrap) => {
  it('refuses wrong calls as the database does', async () => {
    const inner = new AtomicMemoryDb()
    const wrapper = wrap(new AtomicMemoryDb())
    const wrong: unknown[][] = [
      [],
      [null],
      [7],
      [{ pk: 5, sk: 'a' }],
      [{ pk: '', sk: 'a' }],
      [[key, { pk: 'p' }]],
      [[{ pk: 'p', sk: '' }, key]],
      [key, { consistant: true }],
      [{ pk: 'p', limit: 5n }],
    ]
    for (const method of contractMethods.filter((name) => name !== 'stream'))
      for (const args of wrong) {
        const told = async (db: object) => {
          const answer = (db as Record<string, (...given: unknown[]) => unknown>)[method]!(...args)
          expect(answer).toBeInstanceOf(Promise)
          return await (answer as Promise<unknown>).then(
            () => 'done',
            ({ name, message }: Error) => `${name}: ${message}`,
          )
        }
        expect(await told(wrapper), `${method} ${String(args)}`).toBe(await told(inner))
      }
  })
})

describe('tracing', () => {
  it('leaves everything else of the database as it is', async () => {
    const cache = new AtomicLRUCache(new AtomicMemoryDb(), 10)
    const traced = withTracing(cache)
    expect(traced).toBeInstanceOf(AtomicLRUCache)
    expect(traced.constructor).toBe(AtomicLRUCache)
    await traced.get(key)
    expect(traced.stats).toEqual(cache.stats)
    // Not a promise: `clear` belongs to the cache, not to the contract.
    expect(traced.clear()).toBeUndefined()
    expect(traced.get).toBe(traced.get)
    expect(() => withTracing(cache, { tables: 'x' } as never)).toThrow("did you mean 'table'?")
  })

  it('sets properties of the database, and sees methods that are replaced', async () => {
    class Own extends AtomicMemoryDb {
      #limit = 1
      get limit() {
        return this.#limit
      }
      set limit(limit: number) {
        this.#limit = limit
      }
    }
    const db = new Own()
    const traced = withTracing(db)
    traced.limit = 2
    expect(db.limit).toBe(2)
    await traced.get(key)
    db.get = async () => ({ ...key, data: 'replaced' as never })
    expect((await traced.get(key))?.data).toBe('replaced')
  })
})

describe('chaos', () => {
  it('refuses rates that it does not know, and numbers that are none', () => {
    const make = (options: object) => () => new AtomicChaosDb(new AtomicMemoryDb(), { ...quiet, ...options })
    expect(make({ rates: { lostreply: 1 } })).toThrow("did you mean 'lostReply'?")
    expect(make({ rates: { delay: 2 } })).toThrow('rates.delay')
    expect(make({ maxDelayMs: -1 })).toThrow('maxDelayMs')
    expect(make({ sed: 1 })).toThrow("did you mean 'seed'?")
  })

  it('an old answer shows nothing that has expired meanwhile', async () => {
    let now = 1_700_000_000_000
    const real = new AtomicMemoryDb({ now: () => now })
    const db = new AtomicChaosDb(real, { ...quiet, rates: { ...none, staleRead: 1 } })
    const items = [
      { ...key, data: 1, ttl: now / 1000 + 10 },
      { pk: 'p', sk: 'b', data: 2 },
    ]
    await real.set(items)
    const read = async () => [
      await db.get(key, { consistent: false }),
      await db.query({ pk: 'p', consistent: false }),
    ]
    expect(await read()).toEqual([items[0], items])
    now += 10_000
    expect(await read()).toEqual([undefined, [items[1]]])
  })

  it('does not wait longer than the signal of its caller', async () => {
    const world = new Simulation({ seed: 1 })
    const real = new AtomicMemoryDb({ runtime: world.process() })
    const rates = { ...none, delay: 1 }
    const db = new AtomicChaosDb(real, { ...quiet, rates, maxDelayMs: 1_000_000 })
    const abort = new AbortController()
    world.schedule(5, () => abort.abort(new Error('enough')))
    const calls = [
      () => db.get(key, { signal: abort.signal }),
      () => db.set(key, { signal: abort.signal }),
      () => db.query({ pk: 'p', signal: abort.signal }),
      () => db.queuePull({ pk: 'p', signal: abort.signal }),
      () => db.update(key, { add: { n: 1 } }, { signal: abort.signal }),
    ]
    await world.run(async () => {
      for (const result of await Promise.allSettled(calls.map((call) => call())))
        expect(result).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
      expect(world.time).toBe(5)
    })
  })

  it('a half-written batch writes of several rows with one key the last one', async () => {
    const rates = { ...none, partialWrite: 1 }
    for (let seed = 1; seed <= 20; seed++) {
      const real = new AtomicMemoryDb()
      const db = new AtomicChaosDb(real, { ...quiet, seed, rates })
      const items = [
        { ...key, data: 'first' },
        { pk: 'p', sk: 'b', data: 'other' },
        { ...key, data: 'last' },
      ]
      await expect(db.set(items)).rejects.toMatchObject({ code: 'PartialWrite' })
      expect([undefined, 'last']).toContain((await real.get(key))?.data)
    }
  })

  it('reads a hundred items as seldom in vain as one', async () => {
    const real = new AtomicMemoryDb()
    const db = new AtomicChaosDb(real, { ...quiet, rates: { ...none, throttled: 0.05 } })
    const keys = Array.from({ length: 100 }, (_, i) => ({ pk: 'p', sk: `${i}` }))
    const results = await Promise.allSettled(Array.from({ length: 40 }, () => db.getMany(keys)))
    expect(results.filter(({ status }) => status === 'rejected').length).toBeLessThan(10)
  })
})
