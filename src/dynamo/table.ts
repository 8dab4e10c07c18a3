import {
  CreateTableCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { InvalidInput } from '../errors.ts'
import { seconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import type { SdkClient } from './no-sdk-retry.ts'
import { checkTableName } from './table-name.ts'

/** Options of `createTable`. */
export interface CreateTableOptions {
  /** Switch on DynamoDB's own deletion of expired rows (attribute `ttl`). Default true. */
  ttl?: boolean
  /** How long to wait until the table is active. Default 60 seconds. */
  waitSeconds?: number
}

export function checkTable(client: Pick<SdkClient, 'send'>, tableName: string): void {
  if (typeof client?.send !== 'function')
    throw new InvalidInput('client', 'must be a DynamoDBClient or a DynamoDBDocumentClient')
  checkTableName(tableName)
}

const checkCreateTableOptions = /* @__PURE__ */ optionsCheck<CreateTableOptions>(() => [
  {
    ttl: 'boolean',
    waitSeconds: true,
  },
])

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
  checkCreateTableOptions(options)
  const maxWaitTime = options.waitSeconds === undefined ? 60 : seconds(options.waitSeconds, 'waitSeconds')
  try {
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ResourceInUseException')) throw error
    await waitUntilTableExists({ client, maxWaitTime }, { TableName: tableName })
    return
  }
  await waitUntilTableExists({ client, maxWaitTime }, { TableName: tableName })
  if (options.ttl ?? true) {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: tableName,
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      }),
    )
  }
}
