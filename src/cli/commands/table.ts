import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Command } from 'commander'
import { misfitsOf } from '../../model/table-shape.ts'
import type { Settings } from '../connect.ts'
import { fieldsOf, type Line, moment } from '../format.ts'
import { type Answer, action, type Host, type Session } from '../session.ts'
import { storeKinds } from '../stores/kinds.ts'
import { describeTable, type TableFacts } from '../table-facts.ts'

const isMissing = (error: unknown) => error instanceof Error && error.name === 'ResourceNotFoundException'

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
  // What keeps lockrow from working on it; empty: nothing.
  const problems = misfitsOf(facts).map(({ found, remedy }) => `${found}: ${remedy}`)
  const lines = fieldsOf([
    ['table', facts.table],
    ['status', facts.status],
    ['billing', facts.billing],
    ['stream', facts.stream ?? 'none'],
    ['expiry', facts.ttl === undefined ? 'not deleted (no TTL)' : `TTL on '${facts.ttl}'`],
    ['items', `about ${facts.items.toLocaleString('en-US')}`],
    ['bytes', `about ${facts.bytes.toLocaleString('en-US')}`],
    ['created', facts.createdAt === undefined ? undefined : moment(facts.createdAt, Date.now())],
    ['for lockrow', problems.length === 0 ? 'good' : problems.join('; ')],
  ])
  return {
    records: [{ ...facts, problems }],
    lines: [...head, ...lines],
    code: problems.length === 0 ? 0 : 1,
  }
}

async function createIn(store: NonNullable<Settings['store']>): Promise<Answer> {
  const { record } = await (await storeKinds[store.kind].load()).create(store)
  const is = record.created ? `made '${store.table}'` : `'${store.table}' is`
  return { records: [record], lines: [`${is} in ${store.where}`] }
}

async function create(session: Session): Promise<Answer> {
  const { store } = session.settings
  if (store) return createIn(store)
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
