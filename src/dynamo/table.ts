import {
  CreateTableCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { InvalidInput } from '../errors.ts'
import { type CreateTableOptions, checkedTableOptions, newTable, ttlOf } from './new-table.ts'
import type { SdkClient } from './no-sdk-retry.ts'
import { checkTableName } from './table-name.ts'

export type { CreateTableOptions }

export function checkTable(client: Pick<SdkClient, 'send'>, tableName: string): void {
  if (typeof client?.send !== 'function')
    throw new InvalidInput('client', 'must be a DynamoDBClient or a DynamoDBDocumentClient')
  checkTableName(tableName)
}

/**
 * Creates a table as lockrow needs it (pk, sk, TTL on `ttl`, on demand) and waits until it can be used. No error
 * when it is there already. For local use and tests: deploy with the construct of `lockrow/cdk`.
 */
export async function createTable(
  client: DynamoDBClient,
  tableName: string,
  options: CreateTableOptions = {},
): Promise<void> {
  checkTable(client, tableName)
  const { ttl, waitSeconds: maxWaitTime } = checkedTableOptions(options)
  try {
    await client.send(new CreateTableCommand(newTable(tableName)))
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ResourceInUseException')) throw error
    await waitUntilTableExists({ client, maxWaitTime }, { TableName: tableName })
    return
  }
  await waitUntilTableExists({ client, maxWaitTime }, { TableName: tableName })
  if (ttl) await client.send(new UpdateTimeToLiveCommand(ttlOf(tableName)))
}
