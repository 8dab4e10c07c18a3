import type { DynamoDBClient, TableDescription } from '@aws-sdk/client-dynamodb'
import type { Command } from 'commander'
import { fieldsOf, type Line, moment } from '../format.ts'
import { type Answer, action, type Host, type Session } from '../session.ts'

interface TableFacts {
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

async function describeTable(
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

interface TableCreated extends TableFacts {
  /** false: it was there. */
  created: boolean
}

async function makeTable(client: DynamoDBClient, table: string, signal: AbortSignal): Promise<TableCreated> {
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

function answerOf(facts: TableFacts, head: Line[] = []): Answer {
  const { problems } = facts
  const lines = fieldsOf([
    ['table', facts.table],
    ['status', facts.status],
    ['billing', facts.billing],
    ['expiry', facts.ttl === undefined ? 'not deleted (no TTL)' : `TTL on '${facts.ttl}'`],
    ['items', `about ${facts.items.toLocaleString('en-US')}`],
    ['bytes', `about ${facts.bytes.toLocaleString('en-US')}`],
    ['created', facts.createdAt === undefined ? undefined : moment(facts.createdAt, Date.now())],
    ['for lockrow', problems.length === 0 ? 'good' : problems.join('; ')],
  ])
  return { records: [facts], lines: [...head, ...lines], code: problems.length === 0 ? 0 : 1 }
}

async function create(session: Session): Promise<Answer> {
  const { table } = session
  const made = await makeTable(await session.client(), table, await session.reading())
  return answerOf(made, [
    made.created ? `made the table '${table}'` : `the table '${table}' was there already`,
  ])
}

async function describe(session: Session): Promise<Answer> {
  const { table } = session
  return answerOf(await describeTable(await session.client(), table, await session.reading()))
}

export function addTable(program: Command, host: Host): void {
  const table = program.command('table').description('make the table, or look at it')
  table
    .command('create')
    .description('make the table as lockrow needs it (on demand, TTL); no error when it is there')
    .action(action(host, create))
  table
    .command('describe')
    .description('state, size, and whether it suits lockrow (exit code 1: it does not)')
    .action(action(host, describe))
}
