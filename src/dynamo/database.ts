import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
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
  constructor(
    client: DynamoDBClient | DynamoDBDocumentClient,
    tableName: string,
    options: AtomicDynamoDBOptions = {},
  ) {
    checkTable(client, tableName)
    super(new DynamoStorage(sdkTransport(client), tableName), options)
  }
}
