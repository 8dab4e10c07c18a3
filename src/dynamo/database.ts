import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { ItemsEngine } from '../engine/items-engine.ts'
import type { SdkClient } from './no-sdk-retry.ts'
import { sdkTransport } from './sdk-transport.ts'
import { DynamoStorage } from './storage.ts'
import { checkTable } from './table.ts'

export { type CreateTableOptions, createTable } from './table.ts'

/** Options of `AtomicDynamoDB`. */
export type AtomicDynamoDBOptions = EngineOptions

/**
 * The database in one DynamoDB table with the keys `pk` and `sk` (texts) and TTL on `ttl`.
 * Takes either client of the SDK and leaves it as it is; make it once, outside of the handler. No I/O here.
 */
export class AtomicDynamoDB extends AtomicEngine {
  constructor(client: SdkClient, tableName: string, options: AtomicDynamoDBOptions = {}) {
    checkTable(client, tableName)
    super(new DynamoStorage(sdkTransport(client), tableName), options)
  }
}

/**
 * `AtomicDynamoDB` without its queues, for functions that have none: a quarter less code in their bundle. A transaction
 * with a push or an acknowledgement is refused as `InvalidInput`.
 *
 * @example
 * const db = new AtomicDynamoItems(client, tableName)
 * const [found] = await db.getLocked<{ n: number }>([key])
 * await db.setAtomic({ ...key, data: { n: found!.item!.data.n + 1 } }, found!.lock)
 */
export class AtomicDynamoItems extends ItemsEngine {
  constructor(client: SdkClient, tableName: string, options: AtomicDynamoDBOptions = {}) {
    checkTable(client, tableName)
    super(new DynamoStorage(sdkTransport(client), tableName), options)
  }
}
