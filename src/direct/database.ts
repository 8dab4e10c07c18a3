import { DynamoStorage } from '../dynamo/storage.ts'
import { checkTableName } from '../dynamo/table-name.ts'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { ItemsEngine } from '../engine/items-engine.ts'
import { InvalidInput } from '../errors.ts'
import { type DirectClient, directClient } from './client.ts'
import type { DirectClientOptions } from './options.ts'
import { takesRows } from './row-reader.ts'

/** Options of `AtomicDynamoDB`. */
export type AtomicDynamoDBOptions = EngineOptions

/**
 * The database in one DynamoDB table, as in `lockrow/dynamo`, without the AWS SDK. Takes a client or the options of one;
 * make it once, outside of the handler. No I/O here.
 *
 * @example
 * ```ts
 * const db = new AtomicDynamoDB({ region: 'eu-west-1' }, 'orders')
 * ```
 */
export class AtomicDynamoDB extends AtomicEngine {
  constructor(
    client: DirectClient | DirectClientOptions,
    tableName: string,
    options: AtomicDynamoDBOptions = {},
  ) {
    super(storageOf(client, tableName), options)
  }
}

/**
 * `AtomicDynamoDB` without its queues, for functions that have none: less code in their bundle. A transaction with a push
 * or an acknowledgement is refused as `InvalidInput`.
 *
 * @example
 * const db = new AtomicDynamoItems({ region: 'eu-west-1' }, 'orders')
 */
export class AtomicDynamoItems extends ItemsEngine {
  constructor(
    client: DirectClient | DirectClientOptions,
    tableName: string,
    options: AtomicDynamoDBOptions = {},
  ) {
    super(storageOf(client, tableName), options)
  }
}

function storageOf(client: DirectClient | DirectClientOptions, tableName: string): DynamoStorage {
  const sender = checkedClient(client)
  checkTableName(tableName)
  const withRows = new Set(['Query', 'Scan', 'BatchGetItem'])
  const call = (operation: string, input: object, options: object) =>
    sender.call(
      operation,
      input,
      withRows.has(operation) ? { ...options, [takesRows]: true } : options,
    ) as Promise<never>
  return new DynamoStorage({ call }, tableName)
}

function checkedClient(client: DirectClient | DirectClientOptions): DirectClient {
  if (typeof (client as Partial<DirectClient> | undefined)?.call === 'function') return client as DirectClient
  if (typeof (client as { send?: unknown } | undefined)?.send === 'function')
    throw new InvalidInput('client', 'is one of the AWS SDK: that goes with lockrow/dynamo')
  if (typeof client !== 'object' || client === null)
    throw new InvalidInput('client', 'must be a directClient(...), or its options')
  return directClient(client as DirectClientOptions)
}
