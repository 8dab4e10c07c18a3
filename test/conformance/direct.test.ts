import { AtomicLRUCache } from 'lockrow'
import { type Runtime, systemRuntime } from 'lockrow/backend'
import { AtomicDynamoDB, type DirectClientOptions, directClient } from 'lockrow/direct'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { tlsProxy } from '../direct/tls-proxy.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const framework = { describe, it, afterAll }
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

async function openTable(runtime: Runtime, to: Pick<DirectClientOptions, 'endpoint' | 'ca'> = {}) {
  const endpoint = inject('dynamoEndpoint')
  const admin = localClient(endpoint)
  const table = await freshTable(admin, 'direct')
  const client = directClient({ endpoint, region: 'local', credentials, maxSockets: 128, ...to })
  const close = async () => {
    await dropTable(admin, table)
    admin.destroy()
    client.destroy()
  }
  return { open: () => new AtomicDynamoDB(client, table, { runtime }), close }
}

conformanceSuite(framework, 'DynamoDB Local without the SDK', {
  async open(runtime) {
    const { open, close } = await openTable(runtime)
    return { client: open, close }
  },
})

conformanceSuite(framework, 'DynamoDB Local without the SDK, over TLS', {
  async open(runtime) {
    const proxy = await tlsProxy(inject('dynamoEndpoint'))
    const { open, close } = await openTable(runtime, { endpoint: proxy.endpoint, ca: proxy.ca })
    return {
      client: open,
      async close() {
        await close()
        await proxy.stop()
      },
    }
  },
})

// In short: the cache is the same over any database, and passes the suite over the SDK.
describe('LRU cache over DynamoDB Local without the SDK', () => {
  it('reads once, and again after a write', async () => {
    const { open, close } = await openTable(systemRuntime)
    const db = new AtomicLRUCache(open(), { maxItems: 10 })
    const key = { pk: 'p', sk: 's' }
    await db.set({ ...key, data: { n: 1, bytes: Uint8Array.of(1, 2) } })
    const both = [await db.get(key), await db.get(key)]
    expect(both[0]).toEqual({ ...key, data: { n: 1, bytes: Uint8Array.of(1, 2) } })
    expect(both[1]).toEqual(both[0])
    await db.update(key, { add: { n: 1 } })
    expect(await db.get(key)).toMatchObject({ data: { n: 2 } })
    expect(db.stats.hits).toBeGreaterThan(0)
    await close()
  })
})
