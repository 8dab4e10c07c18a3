import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { InvalidInput } from '../errors.ts'
import { DynamoStorage } from './storage.ts'

export { type CreateTableOptions, createTable } from './table.ts'

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
    if (typeof client?.send !== 'function')
      throw new InvalidInput('client', 'must be a DynamoDBClient or a DynamoDBDocumentClient')
    if (typeof tableName !== 'string' || tableName === '')
      throw new InvalidInput('tableName', 'must be the name of a table')
    super(new DynamoStorage(client, tableName), options)
  }
}
