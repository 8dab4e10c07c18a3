import type { RedisClient } from '../../redis/index.ts'
import { Refusal } from '../failures.ts'
import type { ChosenStore, Store } from './store.ts'

/** As the commands on DynamoDB: who gets no connection for so long need not wait for more, ms. */
const connectionMs = 4000

async function connect({ address, where }: ChosenStore): Promise<RedisClient & { destroy(): void }> {
  const { createClient } = await import('redis').catch((error: unknown) => {
    throw new Refusal('the driver of Redis is missing: npm install redis', { cause: error })
  })
  const client = createClient({
    url: address,
    disableOfflineQueue: true,
    socket: { connectTimeout: connectionMs, reconnectStrategy: false },
  })
  // Each command that fails says so itself.
  client.on('error', () => {})
  await client.connect().catch((error: Error) => {
    throw new Refusal(`cannot connect to ${where}: ${error.message}: check --redis`, { cause: error })
  })
  return client
}

/** Databases of `--redis`. `--table` is their prefix. */
export const redisStore: Store = {
  async open(chosen) {
    const client = await connect(chosen)
    const { AtomicRedisDb } = await import('../../redis/index.ts')
    const { readRow } = await import('../../redis/read-row.ts')
    const db = new AtomicRedisDb(client, { prefix: chosen.table })
    const close = async () => client.destroy()
    return { db, readRow: (key) => readRow(client, chosen.table, key), close }
  },
  async create(chosen) {
    const { db, close } = await redisStore.open(chosen)
    try {
      // There is no table to make. The first call looks whether the server will do.
      await db.get({ pk: 'lockrow', sk: 'lockrow' })
      return { record: { database: chosen.where, table: chosen.table, created: false } }
    } finally {
      await close()
    }
  },
}
