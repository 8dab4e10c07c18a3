import type { Command } from 'commander'
import { fieldsOf, moment } from '../format.ts'
import { describeTable, makeTable, type TableFacts } from '../operations/table.ts'
import type { Answer, Session } from '../session.ts'
import { action, type Host } from './command.ts'

function answerOf(facts: TableFacts, head: string[] = []): Answer {
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
