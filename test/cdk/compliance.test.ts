// No finding of CloudFormation's own rules or of cdk-nag, in anything that the construct can be asked for.

import { Stack } from 'aws-cdk-lib'
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb'
import { CfnRole, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { CfnQueue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, test } from 'vitest'
import { AtomicTable, type AtomicTableProps, type QueueWorkerProps } from '../../infra/cdk/index.ts'
import { LockrowStack } from '../../infra/cdk/stack.ts'
import { findings, type Json, makeFunction, synth, tableOf } from './helpers.ts'

const HOME = { account: '111111111111', region: 'eu-west-1' }

/** Findings on what the construct made; the function and its role are the test's own. */
function findingsOf(
  props: AtomicTableProps | ((stack: Stack) => AtomicTableProps),
  workers: QueueWorkerProps[] = [],
) {
  const ours = findings((app) => {
    const stack = new Stack(app, 'Test', { env: HOME })
    const db = new AtomicTable(stack, 'Db', typeof props === 'function' ? props(stack) : props)
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    db.grantRead(role)
    db.grantReadWrite(role, { pkPrefixes: ['tenant1#'] })
    db.grantQueueProducer(role, { pks: ['orders'] })
    db.grantQueueConsumer(role)
    workers.forEach((worker, index) => {
      db.addQueueWorker(makeFunction(stack, `Fn${index}`), worker)
    })
  })
  // The one thing about the test's own function: its role has the managed policy that writes logs.
  return ours.filter(
    ({ rule, construct }) => !(rule.startsWith('AwsSolutions-IAM4') && construct.includes('/Fn')),
  )
}

describe('the validation report is empty', () => {
  test('for the stack that the app deploys', () => {
    expect(findings((app) => new LockrowStack(app, 'Lockrow'))).toEqual([])
  })

  test('for the defaults and every grant', () => {
    expect(findingsOf({})).toEqual([])
  })

  test('for a table with everything', () => {
    const props = (stack: Stack): AtomicTableProps => ({
      tableName: 'orders-db',
      maxReadRequestUnits: 50_000,
      maxWriteRequestUnits: 20_000,
      warmThroughput: { readUnitsPerSecond: 15_000, writeUnitsPerSecond: 5000 },
      recoveryPeriodInDays: 7,
      encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }),
      replicas: [{ region: 'eu-central-1', keyArn: 'arn:aws:kms:eu-central-1:111111111111:key/k' }],
      contributorInsights: 'all',
      alarms: true,
      dashboard: true,
    })
    expect(findingsOf(props, [{ pk: ['orders#0', 'orders#1'], maxConcurrency: 5, alarms: true }])).toEqual([])
  })

  test('for a worker that is woken when its next message is due', () => {
    expect(findingsOf({}, [{ pk: ['rare', 'rarer'], wakeUp: 'one-shot', alarms: true }])).toEqual([])
  })

  test('for workers of every kind', () => {
    const workers: QueueWorkerProps[] = [
      { pk: 'orders' },
      { pkPrefix: 'mails#', schedule: false },
      { pk: 'slow', onInsert: false, alarms: true },
    ]
    expect(findingsOf({ alarms: true, dashboard: true }, workers)).toEqual([])
  })
})

describe('the report would tell', () => {
  test("what breaks CloudFormation's schema", () => {
    const found = findings((app) => {
      new CfnQueue(new Stack(app, 'Test'), 'Queue').addPropertyOverride('Nonsense', 1)
    })
    expect(found.map(({ rule }) => rule)).toContain('F3002')
  })

  test('what cdk-nag holds against a table, a queue and a policy', () => {
    const found = findings((app) => {
      const stack = new Stack(app, 'Test')
      new CfnTable(stack, 'Table', { keySchema: [{ attributeName: 'pk', keyType: 'HASH' }] })
      new CfnQueue(stack, 'Queue')
      const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
      role.addToPolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] }))
      expect(role.node.defaultChild).toBeInstanceOf(CfnRole)
    })
    const rules = found.map(({ rule }) => rule)
    expect(rules).toContain('AwsSolutions-DDB3')
    expect(rules).toContain('AwsSolutions-SQS3')
    expect(rules).toContain('AwsSolutions-IAM5[Action::dynamodb:*]')
  })

  test('a third reader of the stream', () => {
    const workers = ['a', 'b', 'c'].map((pk) => ({ pk }))
    expect(findingsOf({}, workers).map(({ construct }) => construct)).toEqual(['Test/Db'])
  })
})

// cdk-nag looks at AWS::DynamoDB::Table only; what it would ask of this one is asked here.
describe('what cdk-nag does not see on a global table', () => {
  test.each<[string, AtomicTableProps]>([
    ['by default', {}],
    ['with replicas', { replicas: [{ region: 'eu-central-1' }, { region: 'us-east-1' }] }],
  ])('backup, protection and encryption of every copy, %s', (_, props) => {
    const { table } = tableOf(synth(props, undefined, HOME))
    expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' })
    expect(table.Replicas).toHaveLength(1 + (props.replicas?.length ?? 0))
    for (const replica of table.Replicas as Json[]) {
      expect(replica.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true)
      expect(replica.DeletionProtectionEnabled).toBe(true)
    }
  })
})
