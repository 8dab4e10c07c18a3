import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Command } from 'commander'
import { misfitsOf } from '../../model/table-shape.ts'
import { count, type Line } from '../format.ts'
import { type Answer, action, type Host, type Session } from '../session.ts'
import { describeTable, type TableFacts } from '../table-facts.ts'

/** Something that the check has to say. */
interface Finding {
  /** A problem keeps lockrow from working; a hint is for you to decide. */
  level: 'problem' | 'hint'
  about: string
  found: string
  remedy: string
}

interface CheckFlags {
  worker?: boolean
  strict?: boolean
}

/** Continuous backups; undefined where nobody tells. */
async function recoveryOf(
  client: DynamoDBClient,
  table: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { DescribeContinuousBackupsCommand } = await import('@aws-sdk/client-dynamodb')
  try {
    const command = new DescribeContinuousBackupsCommand({ TableName: table })
    const { ContinuousBackupsDescription } = await client.send(command, { abortSignal: signal })
    const { PointInTimeRecoveryDescription } = ContinuousBackupsDescription ?? {}
    return PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED'
  } catch (error) {
    // DynamoDB Local has none, and a role that may describe tables need not be let into backups.
    if (error instanceof Error && /^(UnknownOperation|AccessDenied)Exception$/.test(error.name))
      return undefined
    throw error
  }
}

function problemsOf(facts: TableFacts, { worker }: CheckFlags): Omit<Finding, 'level'>[] {
  const problems: Omit<Finding, 'level'>[] = [...misfitsOf(facts)]
  if (facts.status !== 'ACTIVE' && facts.status !== 'UPDATING')
    problems.push({
      about: 'status',
      found: `it is ${facts.status}`,
      remedy: 'wait until it is ACTIVE',
    })
  if (facts.isStrong)
    problems.push({
      about: 'regions',
      found: 'its replicas are strongly consistent',
      remedy: 'such a table has no transactions and no TTL, and cannot be changed: make another one',
    })
  if (worker && facts.stream === undefined)
    problems.push({ about: 'stream', found: 'it has no stream', remedy: streamRemedy(facts.table) })
  return problems
}

const streamRemedy = (table: string): string =>
  `aws dynamodb update-table --table-name ${table} --stream-specification StreamEnabled=true,StreamViewType=KEYS_ONLY`

function hintsOf(
  facts: TableFacts,
  recovery: boolean | undefined,
  { worker }: CheckFlags,
): Omit<Finding, 'level'>[] {
  const { table, provisioned, localIndexes } = facts
  const hints: Omit<Finding, 'level'>[] = []
  if (facts.ttl === undefined)
    hints.push({
      about: 'ttl',
      found: 'it has no TTL: expired rows are absent to lockrow, and stay and cost',
      remedy: `aws dynamodb update-time-to-live --table-name ${table} --time-to-live-specification Enabled=true,AttributeName=ttl`,
    })
  if (!worker && facts.stream === undefined)
    hints.push({
      about: 'stream',
      found: 'it has no stream, which addQueueWorker wakes on unless it has onInsert: false',
      remedy: streamRemedy(table),
    })
  if (provisioned)
    hints.push({
      about: 'billing',
      found: `it is provisioned with ${provisioned.read} read and ${provisioned.write} write units a second`,
      remedy:
        'transactions take twice the units, and what is above is throttled: scale, or change to on demand',
    })
  if (recovery === false)
    hints.push({
      about: 'recovery',
      found: 'it has no point-in-time recovery',
      remedy: `aws dynamodb update-continuous-backups --table-name ${table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
    })
  if (!facts.isProtected)
    hints.push({
      about: 'protection',
      found: 'anybody with the right may delete it',
      remedy: `aws dynamodb update-table --table-name ${table} --deletion-protection-enabled`,
    })
  if (localIndexes.length > 0)
    hints.push({
      about: 'indexes',
      found: `local indexes (${localIndexes.join(', ')}) bound each partition key to 10 GB`,
      remedy: 'keep a queue or a partition of items below that',
    })
  return hints
}

async function check(session: Session, flags: CheckFlags): Promise<Answer> {
  const { table } = session
  const [client, signal] = [await session.client(), await session.reading()]
  const facts = await describeTable(client, table, signal)
  const recovery = await recoveryOf(client, table, signal)
  const findings: Finding[] = [
    ...problemsOf(facts, flags).map((one) => ({ level: 'problem' as const, ...one })),
    ...hintsOf(facts, recovery, flags).map((one) => ({ level: 'hint' as const, ...one })),
  ]
  const problems = findings.filter(({ level }) => level === 'problem')
  const suits = problems.length === 0
  return {
    records: [{ table, suits, streamArn: facts.streamArn, findings }],
    lines: [
      ...findings.flatMap(linesOf),
      suits
        ? `'${table}' suits lockrow${findings.length > 0 ? `: ${count(findings.length, 'hint')}` : ''}`
        : `'${table}' does not suit lockrow: ${count(problems.length, 'problem')}`,
    ],
    code: suits && !(flags.strict && findings.length > 0) ? 0 : 1,
  }
}

const linesOf = ({ level, about, found, remedy }: Finding): Line[] => [
  [{ style: level === 'problem' ? 'red' : 'bold', text: `${level}: ${about}` }, `  ${found}`],
  [{ style: 'dim', text: `  ${remedy}` }],
]

export function addCheck(program: Command, host: Host): void {
  program
    .command('check')
    .description('whether a table that exists suits lockrow, and what to change (exit code 1: it does not)')
    .option('--worker', 'for queue workers that wake on messages: a stream is needed')
    .option('--strict', 'exit code 1 for hints too')
    .action(action(host, check))
}
