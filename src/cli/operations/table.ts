import type { DynamoDBClient, TableDescription } from '@aws-sdk/client-dynamodb'

export interface TableFacts {
  table: string
  status: string
  billing: string
  /** TTL attribute; absent when DynamoDB deletes nothing by itself. */
  ttl?: string
  /** Counted by DynamoDB about every six hours. */
  items: number
  bytes: number
  createdAt?: number
  /** What keeps lockrow from working on it; empty: nothing. */
  problems: string[]
}

const isMissing = (error: unknown) => error instanceof Error && error.name === 'ResourceNotFoundException'

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
  const ttl = /^ENABL/.test(TimeToLiveDescription?.TimeToLiveStatus ?? '')
    ? TimeToLiveDescription?.AttributeName
    : undefined
  return {
    table,
    status: Table.TableStatus ?? 'UNKNOWN',
    billing: Table.BillingModeSummary?.BillingMode ?? 'PROVISIONED',
    ttl,
    items: Table.ItemCount ?? 0,
    bytes: Table.TableSizeBytes ?? 0,
    createdAt: Table.CreationDateTime?.getTime(),
    problems: problemsOf(Table, ttl),
  }
}

function problemsOf(table: TableDescription, ttl: string | undefined): string[] {
  const typeOf = (name: string | undefined) =>
    table.AttributeDefinitions?.find((one) => one.AttributeName === name)?.AttributeType
  const keys = (table.KeySchema ?? []).map((key) => `${key.AttributeName} ${typeOf(key.AttributeName)}`)
  const problems: string[] = []
  if (keys.join() !== 'pk S,sk S')
    problems.push(`its key is (${keys.join(', ')}): it must be pk and sk, both texts (S)`)
  if (ttl !== undefined && ttl !== 'ttl') problems.push(`TTL is on '${ttl}': it must be on 'ttl'`)
  return problems
}

export interface TableCreated extends TableFacts {
  /** false: it was there. */
  created: boolean
}

export async function makeTable(
  client: DynamoDBClient,
  table: string,
  signal: AbortSignal,
): Promise<TableCreated> {
  let created = false
  try {
    await describeTable(client, table, signal)
  } catch (error) {
    if (!isMissing(error)) throw error
    const { createTable } = await import('../../dynamo/table.ts')
    await createTable(client, table)
    created = true
  }
  return { ...(await describeTable(client, table, signal)), created }
}
