// Every property of the table, where TableV2 puts it in the template.

import { RemovalPolicy } from 'aws-cdk-lib'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Key } from 'aws-cdk-lib/aws-kms'
import { describe, expect, test } from 'vitest'
import { fixture, only, synth, tableOf } from './helpers.ts'

const HOME = { account: '111111111111', region: 'eu-west-1' }

describe('by default', () => {
  const { resource, table, replica } = tableOf(synth())

  test('the keys are pk and sk, both strings, and nothing else is indexed', () => {
    expect(table.KeySchema).toEqual([
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ])
    expect(table.AttributeDefinitions).toEqual([
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ])
    expect(table.GlobalSecondaryIndexes ?? table.LocalSecondaryIndexes).toBeUndefined()
  })

  test('rows expire by ttl', () => {
    expect(table.TimeToLiveSpecification).toEqual({ AttributeName: 'ttl', Enabled: true })
  })

  test('it is on demand without a ceiling', () => {
    expect(table.BillingMode).toBe('PAY_PER_REQUEST')
    expect(table.WriteOnDemandThroughputSettings).toBeUndefined()
    expect(replica.ReadOnDemandThroughputSettings).toBeUndefined()
    expect(table.WarmThroughput).toBeUndefined()
  })

  test('it is backed up, protected from deletion and retained', () => {
    expect(replica.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true })
    expect(replica.DeletionProtectionEnabled).toBe(true)
    expect(resource.DeletionPolicy).toBe('Retain')
    expect(resource.UpdateReplacePolicy).toBe('Retain')
  })

  test('it is encrypted with the AWS-managed key', () => {
    expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' })
    expect(replica.SSESpecification).toBeUndefined()
  })

  test('throttled keys are watched', () => {
    expect(replica.ContributorInsightsSpecification).toEqual({ Enabled: true, Mode: 'THROTTLED_KEYS' })
  })

  test('there is no stream, no copy, no alarm and no dashboard', () => {
    const template = synth()
    expect(table.StreamSpecification).toBeUndefined()
    expect(table.Replicas).toEqual([expect.objectContaining({ Region: { Ref: 'AWS::Region' } })])
    expect(table.MultiRegionConsistency).toBeUndefined()
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0)
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 0)
  })
})

describe('on request', () => {
  test('name, ceilings and warm throughput', () => {
    const { table, replica } = tableOf(
      synth({
        tableName: 'orders-db',
        maxReadRequestUnits: 50_000,
        maxWriteRequestUnits: 20_000,
        warmThroughput: { readUnitsPerSecond: 15_000, writeUnitsPerSecond: 5000 },
      }),
    )
    expect(table.TableName).toBe('orders-db')
    expect(replica.ReadOnDemandThroughputSettings).toEqual({ MaxReadRequestUnits: 50_000 })
    expect(table.WriteOnDemandThroughputSettings).toEqual({ MaxWriteRequestUnits: 20_000 })
    expect(table.WarmThroughput).toEqual({ ReadUnitsPerSecond: 15_000, WriteUnitsPerSecond: 5000 })
  })

  test('a table to throw away', () => {
    const { resource, replica } = tableOf(
      synth({ removalPolicy: RemovalPolicy.DESTROY, deletionProtection: false, pointInTimeRecovery: false }),
    )
    expect(resource.DeletionPolicy).toBe('Delete')
    expect(resource.UpdateReplacePolicy).toBe('Delete')
    expect(replica.DeletionProtectionEnabled).toBe(false)
    expect(replica.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: false })
  })

  test('a shorter window of recovery', () => {
    expect(tableOf(synth({ recoveryPeriodInDays: 7 })).replica.PointInTimeRecoverySpecification).toEqual({
      PointInTimeRecoveryEnabled: true,
      RecoveryPeriodInDays: 7,
    })
  })

  test.each([
    ['any region', undefined],
    ['one region', HOME],
  ])("a key of the user's, in a stack for %s", (_, env) => {
    const template = synth((stack) => ({ encryptionKey: new Key(stack, 'Key') }), undefined, env)
    const { table, replica } = tableOf(template)
    const [keyId] = only(template, 'AWS::KMS::Key')
    expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' })
    expect(replica.SSESpecification).toEqual({ KMSMasterKeyId: { 'Fn::GetAtt': [keyId, 'Arn'] } })
  })

  test('a stream, of any view', () => {
    for (const view of Object.values(StreamViewType)) {
      expect(tableOf(synth({ stream: view })).table.StreamSpecification).toEqual({ StreamViewType: view })
    }
    expect(tableOf(synth({ stream: false })).table.StreamSpecification).toBeUndefined()
  })

  test('contributor insights on everything, or off', () => {
    const all = tableOf(synth({ contributorInsights: 'all' })).replica
    expect(all.ContributorInsightsSpecification).toEqual({
      Enabled: true,
      Mode: 'ACCESSED_AND_THROTTLED_KEYS',
    })
    const off = tableOf(synth({ contributorInsights: false })).replica
    expect(off.ContributorInsightsSpecification).toEqual({ Enabled: false })
  })
})

describe('in several regions', () => {
  test('each copy is protected, backed up and watched like the first', () => {
    const { table } = tableOf(synth({ replicas: [{ region: 'eu-central-1' }] }, undefined, HOME))
    const settings = {
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      ContributorInsightsSpecification: { Enabled: true, Mode: 'THROTTLED_KEYS' },
    }
    expect(table.Replicas).toHaveLength(2)
    expect(table.Replicas).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Region: 'eu-west-1', ...settings }),
        expect.objectContaining({ Region: 'eu-central-1', ...settings }),
      ]),
    )
    expect(table.StreamSpecification).toEqual({ StreamViewType: 'NEW_AND_OLD_IMAGES' })
    expect(table.MultiRegionConsistency).toBeUndefined()
  })

  test('each copy has its own key and may be unprotected', () => {
    const arn = (region: string) => `arn:aws:kms:${region}:${HOME.account}:key/k`
    const template = synth(
      (stack) => ({
        encryptionKey: Key.fromKeyArn(stack, 'K', arn('eu-west-1')),
        replicas: [{ region: 'eu-central-1', keyArn: arn('eu-central-1'), deletionProtection: false }],
      }),
      undefined,
      HOME,
    )
    const copy = tableOf(template).table.Replicas.find(
      (replica: { Region: string }) => replica.Region === 'eu-central-1',
    )
    expect(copy.SSESpecification).toEqual({ KMSMasterKeyId: arn('eu-central-1') })
    expect(copy.DeletionProtectionEnabled).toBe(false)
  })
})

test('the name given to the library is that of the table', () => {
  const { stack, db } = fixture()
  expect(stack.resolve(db.tableName)).toEqual({ Ref: only(synth(), 'AWS::DynamoDB::GlobalTable')[0] })
  expect(db.streamArn).toBeUndefined()
})
