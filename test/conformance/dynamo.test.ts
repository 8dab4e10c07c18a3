import { AtomicLRUCache } from 'lockrow'
import type { Runtime } from 'lockrow/backend'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, inject, it } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const framework = { describe, it, afterAll }

async function openTable(runtime: Runtime) {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client, 'conformance')
  const close = async () => {
    await dropTable(client, table)
    client.destroy()
  }
  return { open: () => new AtomicDynamoDB(client, table, { runtime }), close }
}

conformanceSuite(framework, 'DynamoDB Local', {
  async open(runtime) {
    const { open, close } = await openTable(runtime)
    return { client: open, close }
  },
})

conformanceSuite(framework, 'LRU cache over DynamoDB Local', {
  async open(runtime) {
    const { open, close } = await openTable(runtime)
    const db = new AtomicLRUCache(open(), { maxItems: 1000 })
    return { client: () => db, close }
  },
})
