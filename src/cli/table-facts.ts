/** What DynamoDB tells of a table. */
import type { DynamoDBClient, KeySchemaElement, TableDescription } from '@aws-sdk/client-dynamodb'
import type { TableShape } from '../model/table-shape.ts'

export interface TableFacts extends TableShape {
  table: string
  status: string
  billing: string
  /** Units of a provisioned table. */
  provisioned?: { read: number; write: number } | undefined
  /** Counted by DynamoDB about every six hours. */
  items: number
  bytes: number
  createdAt: number | undefined
  /** What records of its stream hold; undefined: it has none. */
  stream: string | undefined
  streamArn: string | undefined
  isProtected: boolean
  /** Multi-region strong consistency. */
  isStrong: boolean
  localIndexes: string[]
}

export async function describeTable(
  client: DynamoDBClient,
  table: string,
  signal: AbortSignal,
): Promise<TableFacts> {
  const { DescribeTableCommand, DescribeTimeToLiveCommand } = await import('@aws-sdk/client-dynamodb')
  const options = { abortSignal: signal }
  const { Table = {} } = await client.send(new DescribeTableCommand({ TableName: table }), options)
  const { TimeToLiveDescription } = await client.send(
    new DescribeTimeToLiveCommand({ TableName: table }),
    options,
  )
  const deletes = /^ENABL/.test(TimeToLiveDescription?.TimeToLiveStatus ?? '')
  return {
    table,
    status: Table.TableStatus ?? 'UNKNOWN',
    ...billingOf(Table),
    ttl: deletes ? TimeToLiveDescription?.AttributeName : undefined,
    items: Table.ItemCount ?? 0,
    bytes: Table.TableSizeBytes ?? 0,
    createdAt: Table.CreationDateTime?.getTime(),
    ...streamOf(Table),
    isProtected: Table.DeletionProtectionEnabled === true,
    isStrong: Table.MultiRegionConsistency === 'STRONG',
    ...keysOf(Table),
  }
}

function billingOf(table: TableDescription): Pick<TableFacts, 'billing' | 'provisioned'> {
  const billing = table.BillingModeSummary?.BillingMode ?? 'PROVISIONED'
  if (billing !== 'PROVISIONED') return { billing }
  const { ReadCapacityUnits: read = 0, WriteCapacityUnits: write = 0 } = table.ProvisionedThroughput ?? {}
  return { billing, provisioned: { read, write } }
}

function streamOf(table: TableDescription): Pick<TableFacts, 'stream' | 'streamArn'> {
  const { StreamEnabled, StreamViewType } = table.StreamSpecification ?? {}
  return StreamEnabled
    ? { stream: StreamViewType, streamArn: table.LatestStreamArn }
    : { stream: undefined, streamArn: undefined }
}

function keysOf(table: TableDescription): Pick<TableFacts, 'keys' | 'indexes' | 'localIndexes'> {
  const typed = (schema: readonly KeySchemaElement[] = []) =>
    schema.map(({ AttributeName: name = '?' }) => ({
      name,
      type: table.AttributeDefinitions?.find((one) => one.AttributeName === name)?.AttributeType ?? '?',
    }))
  const local = table.LocalSecondaryIndexes ?? []
  const all = [...(table.GlobalSecondaryIndexes ?? []), ...local]
  return {
    keys: typed(table.KeySchema),
    indexes: all.map(({ IndexName: name = '?', KeySchema }) => ({ name, keys: typed(KeySchema) })),
    localIndexes: local.map(({ IndexName = '?' }) => IndexName),
  }
}
