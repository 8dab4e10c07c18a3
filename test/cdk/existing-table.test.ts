// Grants, workers and alarms on a table that exists, and what is refused at synth because it cannot work.

import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AttributeType, StreamViewType, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { describe, expect, test } from 'vitest'
import { AtomicTable, type AtomicTableBase, type ExistingTableProps } from '../../infra/cdk/index.ts'
import { findings, type Json, makeFunction, newApp, only, statements } from './helpers.ts'
import { isAllowed } from './iam.ts'

const HOME = { account: '111111111111', region: 'eu-west-1' }
const ARN = 'arn:aws:dynamodb:eu-west-1:111111111111:table/theirs'
const STREAM = `${ARN}/stream/2026-11-21T10:00:00.000`
const KEYS = {
  partitionKey: { name: 'pk', type: AttributeType.STRING },
  sortKey: { name: 'sk', type: AttributeType.STRING },
}

const role = (stack: Stack) =>
  new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })

function built(make: (stack: Stack) => AtomicTableBase, use: (db: AtomicTableBase, stack: Stack) => void) {
  const stack = new Stack(newApp(), 'Test', { env: HOME })
  const db = make(stack)
  use(db, stack)
  return { db, template: Template.fromStack(stack) }
}

const byArn =
  (props: ExistingTableProps = {}) =>
  (stack: Stack) =>
    AtomicTable.fromTableArn(stack, 'Db', ARN, props)

const ways: [string, (stack: Stack) => AtomicTableBase][] = [
  ['by its ARN', byArn({ tableStreamArn: STREAM })],
  ['by its name', (stack) => AtomicTable.fromTableName(stack, 'Db', 'theirs', { tableStreamArn: STREAM })],
  [
    'as an imported table that tells its stream',
    (stack) =>
      AtomicTable.fromTable(
        stack,
        'Db',
        Table.fromTableAttributes(stack, 'Theirs', { tableArn: ARN, tableStreamArn: STREAM }),
      ),
  ],
  [
    'as an imported TableV2',
    (stack) =>
      AtomicTable.fromTable(
        stack,
        'Db',
        TableV2.fromTableAttributes(stack, 'Theirs', { tableArn: ARN, tableStreamArn: STREAM }),
      ),
  ],
]

describe.each(ways)('a table that exists, %s', (_, make) => {
  test('is granted by the row, worked on, watched, and not made again', () => {
    const { template, db } = built(make, (table, stack) => {
      table.grantReadWrite(role(stack), { pkPrefixes: ['app#'] })
      table.addQueueWorker(makeFunction(stack), { pk: 'app#mails' })
    })
    for (const type of ['Table', 'GlobalTable']) template.resourceCountIs(`AWS::DynamoDB::${type}`, 0)
    const [, mapping] = only(template, 'AWS::Lambda::EventSourceMapping')
    expect(mapping.Properties.EventSourceArn).toBe(STREAM)
    expect(db.streamArn).toBe(STREAM)
    const resources = statements(template).map((statement) => JSON.stringify(statement.Resource))
    expect(resources.filter((resource) => resource.includes('table/theirs')).length).toBeGreaterThan(2)
    const dead = Object.values<Json>(template.findResources('AWS::CloudWatch::Alarm')).filter((alarm) =>
      JSON.stringify(alarm).includes('app#mails'),
    )
    expect(dead[0]!.Properties.Dimensions).toContainEqual({ Name: 'table', Value: 'theirs' })
  })
})

test('its grants hold for rows under the prefix, and for no other of the table', () => {
  const { template } = built(byArn(), (db, stack) => db.grantReadWrite(role(stack), { pkPrefixes: ['app#'] }))
  const policies = statements(template)
  const asks = (keys: string[], resource = ARN) =>
    isAllowed(policies, { action: 'dynamodb:UpdateItem', resource, keys })
  expect(asks(['app#user'])).toBe(true)
  expect(asks(['USER#1'])).toBe(false)
  expect(asks(['app#user', 'USER#1'])).toBe(false)
  expect(asks(['app#user'], ARN.replace('theirs', 'other'))).toBe(false)
})

test('alarms, dashboard and replicas are those that were asked for', () => {
  const { template, db } = built(
    byArn({ alarms: true, dashboard: { name: 'theirs' }, replicas: [{ region: 'eu-central-1' }] }),
    () => {},
  )
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1)
  template.resourceCountIs('AWS::CloudWatch::Alarm', 5)
  expect(db.alarms).toHaveLength(5)
  expect(db.dashboard).toBeDefined()
})

test('its key may be used through DynamoDB, whoever told it', () => {
  const arn = 'arn:aws:kms:eu-west-1:111111111111:key/k'
  for (const from of ['props', 'table'] as const) {
    const { template } = built(
      (stack) => {
        const encryptionKey = Key.fromKeyArn(stack, 'Key', arn)
        if (from === 'props') return byArn({ encryptionKey })(stack)
        const table = Table.fromTableAttributes(stack, 'Theirs', { tableArn: ARN, encryptionKey })
        return AtomicTable.fromTable(stack, 'Db', table)
      },
      (db, stack) => db.grantRead(role(stack)),
    )
    expect(statements(template).map(({ Action }) => Action)).toContain('kms:Decrypt')
  }
})

describe('a table of the same app', () => {
  test('gives its own stream', () => {
    for (const streaming of ['Table', 'TableV2'] as const) {
      const { template } = built(
        (stack) => {
          const view = StreamViewType.KEYS_ONLY
          const table =
            streaming === 'Table'
              ? new Table(stack, 'Theirs', { ...KEYS, stream: view, timeToLiveAttribute: 'ttl' })
              : new TableV2(stack, 'Theirs', { ...KEYS, dynamoStream: view })
          return AtomicTable.fromTable(stack, 'Db', table)
        },
        (db, stack) => db.addQueueWorker(makeFunction(stack), { pk: 'mails' }),
      )
      const [, mapping] = only(template, 'AWS::Lambda::EventSourceMapping')
      expect(mapping.Properties.EventSourceArn).toEqual({
        'Fn::GetAtt': [expect.stringMatching(/^Theirs/), 'StreamArn'],
      })
    }
  })

  test('needs no stream for a worker on a schedule', () => {
    const { db } = built(
      (stack) => AtomicTable.fromTable(stack, 'Db', new TableV2(stack, 'Theirs', KEYS)),
      (table, stack) => table.addQueueWorker(makeFunction(stack), { pk: 'mails', onInsert: false }),
    )
    expect(db.streamArn).toBeUndefined()
  })

  test('synthesizes without a finding', () => {
    const found = findings((app) => {
      const stack = new Stack(app, 'Test', { env: HOME })
      const db = byArn({ tableStreamArn: STREAM, alarms: true, dashboard: true })(stack)
      db.grantReadWrite(role(stack), { pkPrefixes: ['app#'] })
      db.addQueueWorker(makeFunction(stack), { pk: 'app#mails', alarms: true })
    })
    // The one thing about the test's own function: its role has the managed policy that writes logs.
    expect(found.filter(({ rule }) => !rule.startsWith('AwsSolutions-IAM4'))).toEqual([])
  })
})

describe('refused at synth, naming the property', () => {
  const worker = (db: AtomicTableBase, stack: Stack) =>
    db.addQueueWorker(makeFunction(stack), { pk: 'mails' })
  const table = (props: object) => (stack: Stack) =>
    AtomicTable.fromTable(stack, 'Db', new Table(stack, 'Theirs', { ...KEYS, ...props }))

  test.each<[string, (stack: Stack) => AtomicTableBase, RegExp]>([
    [
      'an imported table without stream',
      byArn(),
      /AtomicTable 'Test\/Db': .*give tableStreamArn; or .*onInsert: false/,
    ],
    ['a Table of this app without stream', table({}), /set stream of the Table .*onInsert: false/],
    [
      'a TableV2 of this app without stream',
      (stack) => AtomicTable.fromTable(stack, 'Db', new TableV2(stack, 'Theirs', KEYS)),
      /dynamoStream of a TableV2/,
    ],
    [
      'the stream of another table',
      byArn({ tableStreamArn: STREAM.replace('theirs', 'other') }),
      /tableStreamArn .*another table/,
    ],
    [
      'the stream of another table than the named one',
      (stack) => AtomicTable.fromTableName(stack, 'Db', 'mine', { tableStreamArn: STREAM }),
      /tableStreamArn .*another table/,
    ],
    ['no ARN of a stream', byArn({ tableStreamArn: ARN }), /tableStreamArn .*no ARN of a stream/],
    [
      'two streams',
      (stack) =>
        AtomicTable.fromTable(
          stack,
          'Db',
          Table.fromTableAttributes(stack, 'Theirs', { tableArn: ARN, tableStreamArn: STREAM }),
          { tableStreamArn: `${STREAM}1` },
        ),
      /tableStreamArn contradicts/,
    ],
    ['no name', (stack) => AtomicTable.fromTableName(stack, 'Db', 'no name'), /tableName 'no name'/],
    [
      'a name for an ARN',
      (stack) => AtomicTable.fromTableArn(stack, 'Db', 'theirs'),
      /tableArn 'theirs' is no ARN/,
    ],
    [
      'the ARN of a stream for that of a table',
      (stack) => AtomicTable.fromTableArn(stack, 'Db', STREAM),
      /tableArn/,
    ],
    [
      'other keys',
      (stack) =>
        AtomicTable.fromTable(
          stack,
          'Db',
          new Table(stack, 'Theirs', { partitionKey: { name: 'id', type: AttributeType.STRING } }),
        ),
      /existing: its key is \(id S\): it must be pk and sk/,
    ],
    [
      'keys of another type',
      table({ sortKey: { name: 'sk', type: AttributeType.NUMBER } }),
      /existing: its key is \(pk S, sk N\)/,
    ],
    [
      'another TTL attribute',
      table({ timeToLiveAttribute: 'expires' }),
      /existing: TTL is on 'expires'.*'ttl'/,
    ],
    [
      "the stack's own region as a replica",
      byArn({ replicas: [{ region: 'eu-west-1' }] }),
      /replicas: region eu-west-1 is the stack's own/,
    ],
    [
      'a region named twice',
      byArn({ replicas: [{ region: 'a' }, { region: 'a' }] }),
      /replicas: region a is named twice/,
    ],
    ['an empty region', byArn({ replicas: [{ region: '' }] }), /replicas: .*empty/],
    [
      'an alarm on replicas that are not told',
      byArn({ alarms: { replicationLatency: true } }),
      /alarms\.replicationLatency/,
    ],
  ])('%s', (_, make, message) => {
    expect(() => built(make, worker)).toThrow(message)
  })
})
