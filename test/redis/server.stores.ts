import Redis from 'ioredis'
import { BackendError, InvalidInput, OutcomeUnknown } from 'lockrow'
import { scanRows } from 'lockrow/backend'
import { AtomicRedisDb, type RedisClient } from 'lockrow/redis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rowKey } from '../../src/redis/names.ts'
import { libraries, newPrefix } from '../stores/redis.ts'
import { type OwnServer, onRedisServer, startRedis } from '../stores/redis-server.ts'

const key = { pk: 'users', sk: 'ann' }
const noRetry = { retry: { attempts: 1 } }

onRedisServer(() => {
  let server: OwnServer
  const ends: (() => void)[] = []
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    for (const end of ends) end()
    await server?.stop()
  })
  const connected = async (library: string, url = server.url) => {
    const { client, close } = await libraries[library]!(url)
    ends.push(close)
    return client
  }

  describe.each(Object.keys(libraries))('by %s', (library) => {
    test('scripts are loaded again after they were flushed', async () => {
      const db = new AtomicRedisDb(await connected(library), { prefix: newPrefix() })
      await db.set({ ...key, data: 1 })
      await server.admin('SCRIPT', 'FLUSH')
      await db.set({ ...key, data: { n: 1 } })
      await server.admin('SCRIPT', 'FLUSH')
      await db.set({ ...key, sk: 'bob', data: 2 })
      await server.admin('SCRIPT', 'FLUSH')
      const found: unknown[] = []
      for await (const { sk } of db.stream({ pk: 'users' })) found.push(sk)
      expect(found).toEqual(['ann', 'bob'])
    })

    test('a user without rights is told which, before anything is written', async () => {
      const prefix = newPrefix()
      await server.admin('ACL', 'SETUSER', 'some', 'on', '>pw', '~*', '+@all', '-zadd')
      const url = server.url.replace('//', '//some:pw@')
      const db = new AtomicRedisDb(await connected(library, url), { prefix, ...noRetry })
      const error = await db.set({ ...key, data: 1 }).catch((error) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toMatch(/ACL SETUSER/)
      const client = createClient({ url: server.url })
      await client.connect()
      expect(await client.exists(rowKey(`{${prefix}}`, key))).toBe(0)
      client.destroy()
      // Granted meanwhile: the same database works.
      await server.admin('ACL', 'SETUSER', 'some', '+zadd')
      await db.set({ ...key, data: 1 })
      expect((await db.get(key))?.data).toBe(1)
    })

    test('the user of the guide is enough', async () => {
      const prefix = newPrefix()
      const rights = '+@read +@write +@scripting +@connection +info +time +wait'.split(' ')
      await server.admin('ACL', 'SETUSER', 'shop', 'on', '>pw', `~{${prefix}}*`, ...rights)
      const url = server.url.replace('//', '//shop:pw@')
      const db = new AtomicRedisDb(await connected(library, url), { prefix })
      await db.set({ ...key, data: { n: 1 } })
      await db.update(key, { add: { n: 1 } })
      await db.queuePush({ pk: 'work', data: 1 })
      expect((await db.queuePull({ pk: 'work', ttlSeconds: 5 })).item?.data).toBe(1)
      const { rows } = await scanRows(db, {})
      expect(rows.length).toBeGreaterThan(1)
    })

    test('a server that is killed and started again has all that was confirmed', async () => {
      const own = await startRedis()
      try {
        const client = await connected(library, own.url)
        const db = new AtomicRedisDb(client, { prefix: newPrefix(), retry: { attempts: 60 } })
        await db.set({ ...key, data: { n: 0 } })
        await own.kill()
        const adding = db.update(key, { add: { n: 1 } })
        await own.start()
        await adding
        expect((await db.get<{ n: number }>(key))?.data.n).toBe(1)
      } finally {
        await own.stop()
      }
    })
  })

  test('the server itself frees rows that have expired, and what lists them', async () => {
    const prefix = newPrefix()
    const client = await createClient({ url: server.url }).connect()
    ends.push(() => client.destroy())
    const db = new AtomicRedisDb(client, { prefix })
    const base = `{${prefix}}`
    const ttl = Math.floor(Date.now() / 1000) + 30
    for (const sk of ['a', 'b', 'c']) await db.set({ pk: 'p', sk, data: 1, ttl })
    await db.set({ pk: 'p', sk: 'd', data: 1 })
    const left = await client.pTTL(rowKey(base, { pk: 'p', sk: 'a' }))
    expect(left).toBeGreaterThan(3_500_000)
    expect(left).toBeLessThanOrEqual(3_632_000)
    expect(await client.pTTL(rowKey(base, { pk: 'p', sk: 'd' }))).toBe(-1)
    // The server's expiry strikes.
    await client.unlink(['a', 'b'].map((sk) => rowKey(base, { pk: 'p', sk })))
    const found: string[] = []
    for await (const { sk } of db.stream({ pk: 'p' })) found.push(sk)
    expect(found).toEqual(['c', 'd'])
    expect(await client.zRange(`${base}:p:p`, 0, -1)).toEqual(['c', 'd'])
    // And where nobody reads, the next writes that expire clean up.
    await client.unlink(rowKey(base, { pk: 'p', sk: 'c' }))
    for (const { value } of await client.zRangeWithScores(`${base}:ttl`, 0, -1))
      await client.zAdd(`${base}:ttl`, { score: 1, value })
    await db.set({ pk: 'q', sk: 'e', data: 1, ttl })
    expect(await client.zRange(`${base}:p:p`, 0, -1)).toEqual(['d'])
    expect(await client.zRange(`${base}:ttl`, 0, -1)).toEqual(['1:q:e'])
    await db.delete({ pk: 'q', sk: 'e' })
    expect(await client.zRange(`${base}:ttl`, 0, -1)).toEqual([])
    expect(await client.zRange(`${base}:parts`, 0, -1)).toEqual(['p'])
  })

  test('another layout, and keys of another program, are refused and left as they are', async () => {
    const client = await createClient({ url: server.url }).connect()
    ends.push(() => client.destroy())
    const prefix = newPrefix()
    await client.set(`{${prefix}}:layout`, '99')
    await expect(new AtomicRedisDb(client, { prefix }).get(key)).rejects.toThrow(/layout '99'/)
    expect(await client.get(`{${prefix}}:layout`)).toBe('99')
    const other = newPrefix()
    await client.set(`{${other}}:parts`, 'text')
    await expect(new AtomicRedisDb(client, { prefix: other }).get(key)).rejects.toThrow(/'prefix'/)
    // Met in the middle of a transaction: nothing of it is written.
    const third = newPrefix()
    const db = new AtomicRedisDb(client, { prefix: third })
    await client.set(`{${third}}:p:taken`, 'text')
    await expect(
      db.transact([
        { type: 'set', item: { ...key, data: 1 } },
        { type: 'set', item: { pk: 'taken', sk: 'a', data: 1 } },
      ]),
    ).rejects.toThrow(/'prefix'/)
    expect(await db.get(key)).toBeUndefined()
  })

  test('a full memory refuses writes as a whole; a server that evicts is refused', async () => {
    const own = await startRedis('--maxmemory', '3mb', '--maxmemory-policy', 'noeviction')
    try {
      const client = await connected('redis', own.url)
      const db = new AtomicRedisDb(client, { prefix: newPrefix(), ...noRetry })
      const data = 'x'.repeat(300_000)
      const writing = async () => {
        for (let i = 0; i < 20; i++) await db.set({ ...key, sk: `${i}`, data })
      }
      await expect(writing()).rejects.toThrow(/maxmemory.*Nothing was written/)
      await own.admin('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
      await expect(new AtomicRedisDb(client, { prefix: newPrefix() }).get(key)).rejects.toThrow(/noeviction/)
    } finally {
      await own.stop()
    }
  })

  test('a replica in the place of the primary, and replicas that do not answer', async () => {
    const replica = await startRedis('--replicaof', '127.0.0.1', String(server.port))
    try {
      const client = await connected('redis', replica.url)
      const error = await new AtomicRedisDb(client, noRetry).set({ ...key, data: 1 }).catch((error) => error)
      expect(error).toBeInstanceOf(BackendError)
      const options = { prefix: newPrefix(), waitForReplicas: 1, replicaTimeoutMs: 60_000 }
      const db = new AtomicRedisDb(await connected('redis'), options)
      await db.set({ ...key, data: 1 })
      const more = { ...options, waitForReplicas: 2, replicaTimeoutMs: 20 }
      const strict = new AtomicRedisDb(await connected('ioredis'), more)
      await expect(strict.set({ ...key, data: 2 })).rejects.toThrow(OutcomeUnknown)
      expect((await strict.get(key))?.data).toBe(2)
    } finally {
      await replica.stop()
    }
  })

  test('a cluster: every key lies in one slot', async () => {
    const own = await startRedis('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1')
    try {
      await own.admin('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
      for (let i = 0; i < 600; i++) {
        if (String(await own.admin('CLUSTER', 'INFO')).includes('cluster_state:ok')) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const node = createCluster({ rootNodes: [{ url: own.url }] })
      await node.connect()
      ends.push(() => node.destroy())
      const nodes = [{ host: '127.0.0.1', port: own.port }]
      const io = new Redis.Cluster(nodes, { retryDelayOnFailover: 0 })
      ends.push(() => io.disconnect())
      for (const client of [node, io] as RedisClient[]) {
        const db = new AtomicRedisDb(client, { prefix: newPrefix() })
        await db.transact([
          { type: 'set', item: { ...key, data: { n: 1 } } },
          { type: 'queuePush', item: { pk: 'work', data: 1 } },
        ])
        await db.update(key, { add: { n: 1 } })
        expect((await db.get<{ n: number }>(key))?.data.n).toBe(2)
        expect((await scanRows(db, {})).rows.length).toBeGreaterThan(1)
      }
      expect(() => new AtomicRedisDb(node, { waitForReplicas: 1 })).toThrow(InvalidInput)
      expect(() => new AtomicRedisDb(new Redis.Cluster(nodes, { lazyConnect: true }))).toThrow(
        /retryDelayOnFailover/,
      )
    } finally {
      for (const end of ends.splice(-2)) end()
      await own.stop()
    }
  })

  test('a scan goes on where it was, in segments of whole partitions', async () => {
    const db = new AtomicRedisDb(await connected('redis'), { prefix: newPrefix() })
    const keys = Array.from({ length: 60 }, (_, i) => ({ pk: `p${i % 7}`, sk: `s${i}`, data: i }))
    await db.set(keys)
    const found: string[] = []
    for (let segment = 0; segment < 3; segment++) {
      let after: { pk: string; sk: string } | undefined
      do {
        const page = await scanRows(db, { segment, segments: 3, limit: 4, ...(after && { after }) })
        found.push(...page.rows.map(({ pk, sk }) => `${pk} ${sk}`))
        after = page.next
        // The row where it stopped may be gone.
        if (after?.sk === 's8') await db.delete(after)
      } while (after)
    }
    expect(found.sort()).toEqual(keys.map(({ pk, sk }) => `${pk} ${sk}`).sort())
  })

  test('no connection: nothing was written, and it is said', async () => {
    const own = await startRedis()
    const client = await connected('redis', own.url)
    const closed = createClient({ url: own.url })
    await own.stop()
    await expect(new AtomicRedisDb(closed).get(key)).rejects.toThrow(/await client\.connect/)
    const db = new AtomicRedisDb(client, { ...noRetry, answerTimeoutMs: 50 })
    await expect(db.set({ ...key, data: 1 })).rejects.toThrow(BackendError)
  })

  test.each([
    { prefix: 'a{b}' },
    { waitForReplicas: -1 },
    { replicaTimeoutMs: 0 },
    { answerTimeoutMs: 'soon' },
    { keyPrefix: 'a' },
  ])('refuses %j', async (options) => {
    const client = await connected('redis')
    expect(() => new AtomicRedisDb(client, options as never)).toThrow(InvalidInput)
  })
})
