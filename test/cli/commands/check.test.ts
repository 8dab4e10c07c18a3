import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, inject, it } from 'vitest'
import { dropTable } from '../../setup/local.ts'
import { onTable, records } from '../helpers.ts'

const on = onTable()

interface Checked {
  suits: boolean
  streamArn?: string
  findings: { level: string; about: string; found: string; remedy: string }[]
}

const S = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const })
const keys = (hash: string, range?: string): CreateTableCommandInput['KeySchema'] => [
  { AttributeName: hash, KeyType: 'HASH' },
  ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' as const }]),
]
const good = { KeySchema: keys('pk', 'sk'), AttributeDefinitions: [S('pk'), S('sk')] }

/** Checks a table of this shape. */
async function checked(shape: Partial<CreateTableCommandInput>, ttl?: string, ...flags: string[]) {
  const TableName = `check-${randomUUID()}`
  const client = on.client()
  const BillingMode = 'PAY_PER_REQUEST'
  await client.send(
    new CreateTableCommand({ TableName, BillingMode, ...good, ...shape } as CreateTableCommandInput),
  )
  try {
    if (ttl !== undefined)
      await client.send(
        new UpdateTimeToLiveCommand({
          TableName,
          TimeToLiveSpecification: { AttributeName: ttl, Enabled: true },
        }),
      )
    const argv = ['check', '--table', TableName, ...flags]
    const ran = await on.lockrow([...argv, '--json'])
    const [record] = records(ran) as [Checked]
    const { Table } = await client.send(new DescribeTableCommand({ TableName }))
    return { TableName, Table, code: ran.code, record, readable: await on.lockrow(argv) }
  } finally {
    await dropTable(client, TableName)
  }
}

const problems = ({ findings }: Checked) => findings.filter(({ level }) => level === 'problem')
const about = (record: Checked, level: string) =>
  record.findings.filter((finding) => finding.level === level).map((finding) => finding.about)

const stream = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' as const } }

describe('check', () => {
  it('finds nothing wrong with a table as lockrow makes it, protected and with a stream', async () => {
    const shape = { ...stream, DeletionProtectionEnabled: false }
    const { code, record, readable, Table, TableName } = await checked(shape, 'ttl', '--worker')
    expect(code).toBe(0)
    expect(record).toMatchObject({ suits: true, streamArn: Table!.LatestStreamArn })
    expect(about(record, 'hint')).toEqual(['protection'])
    expect(readable).toMatchObject({ code: 0, err: '' })
    expect(readable.out).toMatch(
      new RegExp(
        `^hint: protection .*\n  aws dynamodb update-table .*\n'${TableName}' suits lockrow: 1 hint\n$`,
      ),
    )
  })

  it.each<[string, Partial<CreateTableCommandInput>, string | undefined, string[], string]>([
    ['no sort key', { KeySchema: keys('pk'), AttributeDefinitions: [S('pk')] }, 'ttl', ['keys'], '(pk S)'],
    [
      'other keys, and TTL elsewhere',
      { KeySchema: keys('PK', 'SK'), AttributeDefinitions: [S('PK'), S('SK')] },
      'expires',
      ['keys', 'ttl'],
      '(PK S, SK S)',
    ],
    [
      'a number as sort key',
      { AttributeDefinitions: [S('pk'), { AttributeName: 'sk', AttributeType: 'N' }] },
      'ttl',
      ['keys'],
      '(pk S, sk N)',
    ],
    [
      'an index on data',
      {
        AttributeDefinitions: [S('pk'), S('sk'), S('data')],
        GlobalSecondaryIndexes: [
          { IndexName: 'by-data', KeySchema: keys('data'), Projection: { ProjectionType: 'ALL' } },
        ],
      },
      'ttl',
      ['indexes'],
      "'by-data'",
    ],
  ])('says no to %s', async (_, shape, ttl, wrong, found) => {
    const { code, record, readable } = await checked(shape, ttl)
    expect(code).toBe(1)
    expect(record.suits).toBe(false)
    expect(about(record, 'problem')).toEqual(wrong)
    expect(problems(record)[0]!.found).toContain(found)
    expect(readable.code).toBe(1)
    expect(readable.out).toMatch(/does not suit lockrow: \d problems?\n$/)
  })

  it('a missing stream is a hint, and a problem for workers', async () => {
    const { record, code } = await checked({}, 'ttl')
    expect([code, about(record, 'hint')]).toEqual([0, ['stream', 'protection']])
    const worker = await checked({}, 'ttl', '--worker')
    expect([worker.code, about(worker.record, 'problem')]).toEqual([1, ['stream']])
    expect(problems(worker.record)[0]!.remedy).toContain(`--table-name ${worker.TableName}`)
  })

  it('hints at missing TTL, provisioned units and local indexes, which --strict does not let pass', async () => {
    const shape: Partial<CreateTableCommandInput> = {
      ...stream,
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 7 },
      AttributeDefinitions: [S('pk'), S('sk'), S('LSI1SK')],
      LocalSecondaryIndexes: [
        { IndexName: 'LSI1', KeySchema: keys('pk', 'LSI1SK'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      ],
    }
    const { code, record, readable } = await checked(shape, undefined, '--strict')
    expect(about(record, 'hint')).toEqual(['ttl', 'billing', 'protection', 'indexes'])
    expect([code, record.suits]).toEqual([1, true])
    expect(readable.out).toContain('5 read and 7 write units')
  })

  it('a table that is not there is a wrong call', async () => {
    const ran = await on.lockrow(['check', '--table', 'nowhere'])
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toContain(`there is no table 'nowhere' at ${inject('dynamoEndpoint')}`)
  })
})
