import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import {
  type AtomicDbInterface,
  type AtomicDbItemKey,
  AtomicLRUCache,
  AtomicMemoryDb,
  lockKey,
  RaceCondition,
  transaction,
  unchanged,
} from 'lockrow'
import {
  type AnswerOf,
  type ArgumentsOf,
  AtomicEngine,
  type ContractMethod,
  ForwardingDb,
  systemRuntime,
} from 'lockrow/backend'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { onBothBackends } from '../setup/backends.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

/** Counts the calls, and lets a rival in before the first commit. */
class Watched extends ForwardingDb {
  readonly calls: string[] = []
  beforeCommit: (() => Promise<unknown>) | undefined

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    this.calls.push(method)
    const rival = this.beforeCommit
    if (!rival || (method !== 'transact' && method !== 'getTogether')) return super.forward(method, args)
    this.beforeCommit = undefined
    return rival().then((): unknown => super.forward(method, args)) as AnswerOf<M>
  }
}

const watched = (db: AtomicDbInterface, rival?: () => Promise<unknown>): Watched => {
  const one = new Watched(db)
  one.beforeCommit = rival
  return one
}

const fast = { baseMs: 0 }

onBothBackends('values are believed', ({ open, pk }) => {
  const rivals: Record<string, (key: AtomicDbItemKey) => Promise<unknown>> = {
    set: (key) => open().set({ ...key, data: { balance: 50 } }),
    'set of the ttl alone': (key) => open().set({ ...key, data: { balance: 100 }, ttl: 9_999_999_999 }),
    update: (key) => open().update(key, { add: { balance: -50 } }),
    delete: (key) => open().delete(key),
    'setAtomic of somebody with a lock': async (key) =>
      open().setAtomic({ ...key, data: { balance: 50 } }, await open().getLock(lockKey(key))),
    'a transaction without locks': (key) =>
      transaction(open(), (tx) => tx.set({ ...key, data: { balance: 50 } }), { locks: false }),
  }
  for (const [name, rival] of Object.entries(rivals)) {
    for (const way of ['written', 'only read', 'only read, nothing written'] as const) {
      it(`${name} between read and commit, ${way}: the callback runs again`, async () => {
        const part = pk()
        const key = { pk: part, sk: 'a' }
        const db = watched(open(), () => rival(key))
        await open().set([
          { ...key, data: { balance: 100 } },
          { pk: part, sk: 'other', data: 1 },
        ])
        const seen: unknown[] = []
        await transaction(
          db,
          async (tx) => {
            const item = await tx.get<{ balance: number }>(key)
            if (way === 'only read, nothing written') await tx.get({ pk: part, sk: 'other' })
            seen.push(item?.data.balance)
            const balance = (item?.data.balance ?? 0) - 30
            if (way === 'written') tx.set({ ...key, data: { balance } })
            else if (way === 'only read') tx.set({ pk: part, sk: 'b', data: balance })
          },
          fast,
        )
        expect(seen).toHaveLength(2)
        const now = await open().get<{ balance: number }>(way === 'only read' ? { pk: part, sk: 'b' } : key)
        if (way === 'written') expect(now?.data.balance).toBe(((seen[1] as number) ?? 0) - 30)
        if (way === 'only read') expect(now?.data).toBe(((seen[1] as number) ?? 0) - 30)
      })
    }
  }

  it('what was not there must still not be there', async () => {
    const key = { pk: pk(), sk: 'a' }
    const db = watched(open(), () => open().set({ ...key, data: 'rival' }))
    let runs = 0
    const result = await transaction(
      db,
      async (tx) => {
        runs++
        const found = await tx.get<string>(key)
        if (found) return found.data
        tx.set({ ...key, data: 'mine' })
        return 'mine'
      },
      fast,
    )
    expect([runs, result]).toEqual([2, 'rival'])
  })

  it('sets, binaries and large numbers are compared by value', async () => {
    const key = { pk: pk(), sk: 'a' }
    const data = {
      names: new Set(['x', 'y']),
      numbers: new Set([1, 9007199254740993n]),
      bytes: new Uint8Array([1, 2, 3]),
      more: new Set([new Uint8Array([1]), new Uint8Array([2])]),
      big: 12345678901234567890123456789012345678n,
      list: [null, true, { deep: [0.1] }],
    }
    await open().set({ ...key, data })
    const db = watched(open())
    await transaction(db, async (tx) => {
      await tx.get(key)
      tx.set({ pk: key.pk, sk: 'b', data: 1 })
    })
    expect(db.calls).toEqual(['getMany', 'transact'])
    const raced = watched(open(), () => open().update(key, { addToSet: { names: ['z'] } }))
    let runs = 0
    await transaction(
      raced,
      async (tx) => {
        runs++
        await tx.get(key)
        tx.set({ pk: key.pk, sk: 'b', data: 2 })
      },
      fast,
    )
    expect(runs).toBe(2)
  })

  it('numbers of more digits than JS has: compared and kept to the last one, also behind a cache', async () => {
    const key = { pk: pk(), sk: 'a' }
    const tiny = 0.000_000_000_000_000_000_01
    await open().set({ ...key, data: { n: 0.5, set: 1 } })
    await open().update(key, { add: { n: tiny } })
    for (const wrap of [
      (db: AtomicDbInterface) => db,
      (db: AtomicDbInterface) => new AtomicLRUCache(db, 9),
    ]) {
      let runs = 0
      // What JS shows is 0.5 before and after.
      const db = watched(open(), () => open().update(key, { add: { n: tiny } }))
      await transaction(
        wrap(db),
        async (tx) => {
          runs++
          const item = await tx.update<{ n: number; set: number }>(key, { add: { set: 1 } })
          expect(item?.data.n).toBe(0.5)
        },
        fast,
      )
      expect(runs).toBe(2)
    }
    // 0.5 and three times the tiny one: nothing was rounded on the way.
    await open().update(key, { add: { n: -0.5 } })
    expect((await open().get<{ n: number }>(key))?.data.n).toBeCloseTo(3 * tiny, 30)
  })

  it('a condition of your own: unchanged(item)', async () => {
    const key = { pk: pk(), sk: 'a' }
    const db = open()
    await db.set({ ...key, data: { n: 1 } })
    const item = await db.get(key)
    expect(await db.update(key, { set: { n: 2 } }, { if: unchanged(item) })).toMatchObject({ applied: true })
    expect(await db.update(key, { set: { n: 3 } }, { if: unchanged(item) })).toMatchObject({ applied: false })
    const check = db.transact([{ type: 'check', key, if: unchanged(item) }])
    await expect(check).rejects.toMatchObject({
      code: 'RaceCondition',
      conflicts: [{ reason: 'value', failed: ['unchanged'], current: { data: { n: 2 } } }],
    })
    await db.transact([{ type: 'check', key: { ...key, sk: 'none' }, if: unchanged(undefined) }])
    await expect(db.transact([{ type: 'check', key, if: unchanged(undefined) }])).rejects.toBeInstanceOf(
      RaceCondition,
    )
    await expect(
      db.transact([
        { type: 'check', key, if: { n: 7 } },
        { type: 'set', item: { ...key, sk: 'b' } },
      ]),
    ).rejects.toMatchObject({ code: 'ConditionFailed', conflicts: [{ failed: ['n'] }] })
    const lock = await db.getLock(lockKey(key))
    await db.transact([{ type: 'check', key: lockKey(key), if: unchanged(undefined) }])
    expect(await db.getLock(lockKey(key))).toEqual(lock)
  })

  it('holders of a lock notice what a transaction writes, and those without locks ask for it', async () => {
    const key = { pk: pk(), sk: 'a' }
    const db = open()
    const lock = await db.getLock(lockKey(key))
    await transaction(db, (tx) => tx.set({ ...key, data: 1 }), { locks: false })
    expect(await db.getLock(lockKey(key))).toEqual(lock)
    await transaction(db, (tx) => tx.set({ ...key, data: 2 }))
    await expect(db.setAtomic({ ...key, data: 3 }, lock)).rejects.toBeInstanceOf(RaceCondition)
    const next = await db.getLock(lockKey(key))
    expect(next.ttl - Math.floor(Date.now() / 1000)).toBeGreaterThan(23 * 3600)
    await transaction(db, (tx) => tx.delete(key))
    await expect(db.setAtomic({ ...key, data: 3 }, next)).rejects.toBeInstanceOf(RaceCondition)
    expect(await db.get(key)).toBeUndefined()
  })

  it('an item at the key of the lock stays, also when it is part of the transaction', async () => {
    const key = { pk: pk(), sk: 'a' }
    const db = open()
    await db.set({ ...lockKey(key), data: 'an item' })
    await transaction(db, (tx) => tx.set({ ...key, data: 1 }))
    expect(await db.get(lockKey(key))).toMatchObject({ data: 'an item' })
    await transaction(db, async (tx) => {
      expect(await tx.get(lockKey(key))).toMatchObject({ data: 'an item' })
      await tx.update(key, { add: { '': 1 } })
    })
    await transaction(db, (tx) => {
      tx.set({ ...key, data: 3 })
      tx.set({ ...lockKey(key), data: 'another one' })
    })
    expect((await db.query({ pk: key.pk })).map(({ data }) => data)).toEqual([3, 'another one'])
    const long = { pk: key.pk, sk: 'x'.repeat(1020) }
    await transaction(db, async (tx) => {
      await tx.get(long)
      tx.set({ ...long, data: 1 })
    })
    expect(await db.get(long)).toMatchObject({ data: 1 })
    await db.getLock({ ...key, sk: 'lock' })
    await expect(transaction(db, (tx) => tx.set({ ...key, sk: 'lock', data: 1 }))).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('holds a lock'),
    })
  })

  it('one request for each read and one for the commit; reads go past a cache', async () => {
    const part = pk()
    const [a, b] = [
      { pk: part, sk: 'a' },
      { pk: part, sk: 'b' },
    ]
    await open().set([a, b].map((key) => ({ ...key, data: 1 })))
    const counted = async (fn: Parameters<typeof transaction>[1]) => {
      const db = watched(open())
      const cache = new AtomicLRUCache(db, 10)
      await cache.getMany([a, b])
      await open().update(a, { add: { '': 1 } })
      db.calls.length = 0
      await transaction(cache, fn)
      return db.calls
    }
    expect(
      await counted(async (tx) => {
        await tx.get(a)
        await tx.get(a)
        tx.set({ ...a, data: 1 })
      }),
    ).toEqual(['getMany', 'transact'])
    expect(await counted((tx) => tx.get(a))).toEqual(['getMany'])
    expect(await counted((tx) => tx.getMany([a, b]))).toEqual(['getMany', 'getTogether'])
    expect(await counted((tx) => tx.query({ pk: part }))).toEqual(['query', 'getTogether'])
    expect(await counted((tx) => tx.query({ pk: part, limit: 1 }))).toEqual(['query'])
    expect(await counted((tx) => tx.set({ ...a, data: 5 }))).toEqual(['transact'])
    expect(await counted(() => 1)).toEqual([])
  })

  it('a query: a row deleted by a rival runs the callback again and never shrinks the result', async () => {
    const part = pk()
    const all = ['a', 'b', 'c'].map((sk) => ({ pk: part, sk }))
    await open().set(all.map((key) => ({ ...key, data: 1 })))
    const db = watched(open(), () => open().delete(all[0]!))
    const seen: string[][] = []
    await transaction(
      db,
      async (tx) => {
        const items = await tx.query({ pk: part, limit: 1 })
        seen.push(items.map(({ sk }) => sk))
        tx.set({ pk: `${part}-state`, sk: 'first', data: items[0]!.sk })
      },
      fast,
    )
    expect(seen).toEqual([['a'], ['b']])
    expect(await open().get({ pk: `${part}-state`, sk: 'first' })).toMatchObject({ data: 'b' })
    await transaction(open(), async (tx) => {
      tx.set({ pk: part, sk: 'd', data: 4 })
      tx.delete(all[1]!)
      expect((await tx.query({ pk: part, limit: 1 })).map(({ sk }) => sk)).toEqual(['c'])
      expect((await tx.query({ pk: part, reverse: true })).map(({ sk }) => sk)).toEqual(['d', 'c'])
      expect((await tx.query({ pk: part, after: 'c' })).map(({ sk }) => sk)).toEqual(['d'])
      expect((await tx.query({ pk: part, from: 'c', to: 'd', exclude: 'to' })).map(({ sk }) => sk)).toEqual([
        'c',
      ])
      for (const query of [{ guard: 'range' }, { fields: ['a'] }, { consistent: false }, { lmit: 1 }])
        await expect(tx.query({ pk: part, ...query } as { pk: string })).rejects.toMatchObject({
          code: 'InvalidInput',
        })
    })
  })
})

describe('foreign attributes', () => {
  const key = { pk: 'p', sk: 'a' }
  const client = localClient(inject('dynamoEndpoint'))
  let table: string
  beforeAll(async () => {
    table = await freshTable(client)
  })
  afterAll(async () => {
    await dropTable(client, table)
    client.destroy()
  })

  it('are not compared, and a written row keeps them: DynamoDB Local', async () => {
    const put = (foreign: string, n: string) =>
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: { pk: { S: 'p' }, sk: { S: 'a' }, data: { M: { n: { N: n } } }, foreign: { S: foreign } },
        }),
      )
    const decimal = '0.12345678901234567890123456789012345678'
    await put('one', decimal)
    const db = watched(new AtomicDynamoDB(client, table), () => put('two', decimal))
    let runs = 0
    await transaction(db, async (tx) => {
      runs++
      await tx.update(key, { set: { more: 1 } })
    })
    expect(runs).toBe(1)
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: { pk: { S: 'p' }, sk: { S: 'a' } }, ConsistentRead: true }),
    )
    expect(Item).toMatchObject({
      foreign: { S: 'two' },
      data: { M: { n: { N: decimal }, more: { N: '1' } } },
    })
  })

  it('are not compared, and a written row keeps them: twin', async () => {
    const storage = new MemoryStorage(systemRuntime)
    await storage.write([{ put: { ...key, data: 1, foreign: 'one' } }])
    const db = new AtomicEngine(storage)
    await transaction(db, async (tx) => {
      const item = await tx.get<number>(key)
      tx.set({ ...item!, data: 2, ttl: 9_999_999_999 })
    })
    expect((await storage.read([key]))[0]).toEqual({ ...key, data: 2, ttl: 9_999_999_999, foreign: 'one' })
  })
})

describe('expiry', () => {
  const key = { pk: 'p', sk: 'a' }
  const at = (start: number) => {
    const clock = { ms: start * 1000 }
    const runtime = { ...systemRuntime, now: () => clock.ms, sleep: async () => {} }
    return { clock, db: new AtomicEngine(new MemoryStorage(runtime), { runtime }) }
  }

  it('an item read alive must still be unexpired at the commit', async () => {
    const { clock, db } = at(1000)
    await db.set({ ...key, data: 1, ttl: 1010 })
    for (const write of [key, { pk: 'p', sk: 'other' }]) {
      clock.ms = 1_000_000
      const seen: unknown[] = []
      await transaction(db, async (tx) => {
        seen.push(await tx.get(key))
        clock.ms = 1_010_000
        tx.set({ ...write, data: 2 })
      })
      expect(seen.map((item) => item !== undefined)).toEqual([true, false])
      await db.set({ ...key, data: 1, ttl: 1010 })
    }
    clock.ms = 1_000_000
    const reads: unknown[] = []
    await transaction(db, async (tx) => {
      const [item] = await tx.getMany([key, { pk: 'p', sk: 'other' }])
      reads.push(item)
      clock.ms = 1_010_000
    })
    expect(reads.map((item) => item !== undefined)).toEqual([true, false])
  })

  it('an expired one counts as absent, and is replaced whole', async () => {
    const { clock, db } = at(1000)
    await db.set({ ...key, data: { old: 1 }, ttl: 1010 })
    clock.ms = 1_010_000
    const calls = watched(db)
    await transaction(calls, async (tx) => {
      expect(await tx.get(key)).toBeUndefined()
      tx.set({ pk: 'p', sk: 'b', data: 1 })
    })
    await transaction(calls, async (tx) => {
      expect(await tx.get(key)).toBeUndefined()
      tx.set({ ...key, data: 'new' })
    })
    await transaction(calls, async (tx) => {
      tx.set({ ...key, data: 'newer', ttl: 1020 })
    })
    expect(calls.calls).toEqual(['getMany', 'transact', 'getMany', 'transact', 'transact'])
    expect(await db.get(key)).toEqual({ ...key, data: 'newer', ttl: 1020 })
  })
})

it('limits: rows and bytes, at the call that passes them, and never in place of the own error', async () => {
  const db = new AtomicMemoryDb()
  const keys = Array.from({ length: 101 }, (_, i) => ({ pk: 'p', sk: `${i}` }))
  const tooMany = { code: 'InvalidInput', limit: 100 }
  await transaction(db, async (tx) => {
    await tx.getMany(keys.slice(0, 97))
    await expect(tx.getMany(keys)).rejects.toMatchObject(tooMany)
    await tx.get(keys[97]!)
    tx.set({ ...keys[0]!, data: 1 })
    tx.set({ ...keys[1]!, data: 1 })
    expect(() => tx.set({ ...keys[2]!, data: 1 })).toThrow(expect.objectContaining(tooMany))
    expect(() => tx.queuePush({ pk: 'q' })).toThrow(expect.objectContaining(tooMany))
    await expect(tx.get(keys[98]!)).rejects.toMatchObject(tooMany)
    await expect(tx.update(keys[3]!, { add: { '': 1 } })).rejects.toMatchObject(tooMany)
  })
  expect(await db.count({ pk: 'p' })).toBe(2)
  await transaction(
    db,
    (tx) => {
      for (const key of keys.slice(0, 100)) tx.set({ ...key, data: 2 })
    },
    { locks: false },
  )
  const own = transaction(db, async (tx) => {
    await tx.getMany(keys.slice(0, 100))
    throw new Error('out of money')
  })
  await expect(own).rejects.toThrow('out of money')
  const large = 'x'.repeat(390_000)
  await db.set(keys.slice(0, 12).map((key) => ({ ...key, data: large })))
  const tooLarge = { code: 'InvalidInput', limit: 4 * 1024 * 1024 }
  await transaction(db, async (tx) => {
    await tx.getMany(keys.slice(0, 10))
    await expect(tx.get(keys[10]!)).rejects.toMatchObject(tooLarge)
    expect(() => tx.set({ ...keys[0]!, data: large })).toThrow(expect.objectContaining(tooLarge))
    expect(() => tx.queuePush({ pk: 'q', data: large })).toThrow(expect.objectContaining(tooLarge))
    tx.set({ ...keys[0]!, data: 'small' })
  })
  expect(await db.get(keys[0]!)).toMatchObject({ data: 'small' })
  const operations = keys
    .slice(1, 12)
    .map((key) => ({ type: 'check' as const, key, if: { '': { eq: large } } }))
  await expect(db.transact(operations)).rejects.toMatchObject(tooLarge)
})

it('reads of a transaction are strong', async () => {
  const db = new AtomicMemoryDb()
  const asked = [vi.spyOn(db, 'getMany'), vi.spyOn(db, 'query')]
  await transaction(db, async (tx) => {
    await tx.get({ pk: 'p', sk: 'a' })
    await tx.query({ pk: 'p' })
  })
  const options = [
    ...asked[0]!.mock.calls.map(([, given]) => given),
    ...asked[1]!.mock.calls.map(([given]) => given),
  ]
  expect(options).toHaveLength(2)
  for (const given of options) expect(given).toMatchObject({ consistent: true })
})
