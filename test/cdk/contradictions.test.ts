// Whatever contradicts itself fails at synthesis, with a message that names the properties.

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions'
import { type CfnGlobalTable, MultiRegionConsistency, StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Alias, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { describe, expect, test } from 'vitest'
import { AtomicTable, type QueueWorkerProps } from '../../infra/cdk/index.ts'
import { fixture, makeFunction, newApp, type Props, synth } from './helpers.ts'

const HOME = { account: '111111111111', region: 'eu-west-1' }
const ARN = 'arn:aws:kms:eu-central-1:111111111111:key/k'
const key = (stack: Stack) => Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111111111111:key/k')

/** Each of the words must be in the message. */
function expectRefusal(run: () => unknown, words: readonly string[]): void {
  let message = 'accepted'
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    message = (error as Error).message
  }
  for (const word of words) expect(message).toContain(word)
}

describe('of the table', () => {
  test.each<[string, Props, string[]]>([
    [
      'destroyed and protected',
      { removalPolicy: RemovalPolicy.DESTROY, deletionProtection: true },
      ['removalPolicy', 'deletionProtection'],
    ],
    [
      'destroyed and protected by default',
      { removalPolicy: RemovalPolicy.DESTROY },
      ['removalPolicy', 'deletionProtection'],
    ],
    ['snapshot on removal', { removalPolicy: RemovalPolicy.SNAPSHOT }, ['removalPolicy SNAPSHOT']],
    [
      'a recovery period without recovery',
      { pointInTimeRecovery: false, recoveryPeriodInDays: 7 },
      ['pointInTimeRecovery', 'recoveryPeriodInDays'],
    ],
    ['a recovery period too long', { recoveryPeriodInDays: 36 }, ['recoveryPeriodInDays']],
    ['a recovery period of none', { recoveryPeriodInDays: 0 }, ['recoveryPeriodInDays']],
    [
      'latency of no replica',
      { alarms: { replicationLatency: true } },
      ['alarms.replicationLatency', 'replicas'],
    ],
    ['a bad name', { tableName: 'no spaces' }, ['tableName']],
    ['a name too short', { tableName: 'db' }, ['tableName']],
    ['no reads at all', { maxReadRequestUnits: 0 }, ['maxReadRequestUnits']],
    ['half a write', { maxWriteRequestUnits: 1.5 }, ['maxWriteRequestUnits']],
    ['nothing warm', { warmThroughput: {} }, ['warmThroughput']],
    [
      'less warm than new',
      { warmThroughput: { readUnitsPerSecond: 5000 } },
      ['warmThroughput.readUnitsPerSecond'],
    ],
    [
      'less warm than new',
      { warmThroughput: { writeUnitsPerSecond: 1000 } },
      ['warmThroughput.writeUnitsPerSecond'],
    ],
    [
      'warmer than allowed to read',
      { warmThroughput: { readUnitsPerSecond: 15_000 }, maxReadRequestUnits: 1000 },
      ['warmThroughput.readUnitsPerSecond', 'maxReadRequestUnits'],
    ],
    [
      'warmer than allowed to write',
      { warmThroughput: { writeUnitsPerSecond: 5000 }, maxWriteRequestUnits: 1000 },
      ['warmThroughput.writeUnitsPerSecond', 'maxWriteRequestUnits'],
    ],
    [
      'strong consistency',
      { multiRegionConsistency: MultiRegionConsistency.STRONG },
      ['multiRegionConsistency'],
    ],
    [
      'an alarm on six of five',
      { alarms: { readThrottles: { datapoints: 6 } } },
      ['ReadThrottles', 'datapoints'],
    ],
    [
      'an alarm below nothing',
      { alarms: { systemErrors: { threshold: -1 } } },
      ['SystemErrors', 'threshold'],
    ],
    [
      'replicas of a stack without region',
      { replicas: [{ region: 'eu-west-1' }] },
      ['replicas', 'env.region'],
    ],
  ])('%s', (_, props, words) => {
    expectRefusal(() => synth(props), words)
  })

  test.each<[string, Props, string[]]>([
    [
      'strong consistency of replicas',
      { multiRegionConsistency: MultiRegionConsistency.STRONG, replicas: [{ region: 'eu-central-1' }] },
      ['multiRegionConsistency', 'transactions', 'TTL'],
    ],
    ["a replica in the stack's region", { replicas: [{ region: 'eu-west-1' }] }, ['replicas', 'eu-west-1']],
    [
      'two replicas in a region',
      { replicas: [{ region: 'eu-central-1' }, { region: 'eu-central-1' }] },
      ['replicas', 'eu-central-1', 'twice'],
    ],
    [
      'replicas without stream',
      { replicas: [{ region: 'eu-central-1' }], stream: false },
      ['replicas', 'stream'],
    ],
    [
      'replicas with half a stream',
      { replicas: [{ region: 'eu-central-1' }], stream: StreamViewType.KEYS_ONLY },
      ['replicas', 'stream', 'NEW_AND_OLD_IMAGES'],
    ],
    [
      'a replica without key',
      (stack) => ({ encryptionKey: key(stack), replicas: [{ region: 'eu-central-1' }] }),
      ['replicas', 'keyArn', 'encryptionKey'],
    ],
    [
      'a replica with a key of its own only',
      { replicas: [{ region: 'eu-central-1', keyArn: ARN }] },
      ['replicas', 'keyArn', 'encryptionKey'],
    ],
  ])('%s', (_, props, words) => {
    expectRefusal(() => synth(props, undefined, HOME), words)
  })

  test('strong consistency through the back door', () => {
    const { app, db } = fixture({}, HOME)
    const resource = db.table.node.defaultChild as CfnGlobalTable
    resource.multiRegionConsistency = MultiRegionConsistency.STRONG
    expectRefusal(() => app.synth(), ['multiRegionConsistency'])
  })
})

describe('of a queue worker', () => {
  const add = (props: QueueWorkerProps, table: Props = {}) =>
    synth(table, ({ stack, db }) => {
      db.addQueueWorker(makeFunction(stack), props)
    })

  test.each<[string, QueueWorkerProps, string[]]>([
    ['no queue', {}, ['pk', 'pkPrefix']],
    ['no queue in the list', { pk: [] }, ['pk', 'pkPrefix']],
    ['queue and prefix', { pk: 'a', pkPrefix: 'b#', schedule: false }, ['pk', 'pkPrefix']],
    ['an empty queue', { pk: '' }, ['pk', 'empty']],
    ['a queue twice', { pk: ['a', 'a'] }, ['pk', 'twice']],
    ['a wildcard', { pk: 'orders*' }, ['pk', 'wildcard']],
    ['one shard', { pk: 'mails#shard0' }, ['addQueueWorker', 'pk', "'mails'", 'shards']],
    ['no shards', { pk: 'mails', shards: 0 }, ['addQueueWorker', 'shards', '10000']],
    ['half a shard', { pk: 'mails', shards: 1.5 }, ['shards']],
    ['an unknown wake-up', { pk: 'a', wakeUp: 'sometimes' as 'one-shot' }, ['wakeUp', "'one-shot'"]],
    [
      'one wake-up each for queues that nobody lists',
      { pkPrefix: 'a#', schedule: false, wakeUp: 'one-shot' },
      ['wakeUp', 'pkPrefix'],
    ],
    ['wake-ups that nobody plans', { pk: 'a', onInsert: false, wakeUp: 'one-shot' }, ['wakeUp', 'onInsert']],
    ['wake-ups without a net', { pk: 'a', schedule: false, wakeUp: 'one-shot' }, ['wakeUp', 'schedule']],
    [
      'wake-ups beside a schedule that is as soon',
      { pk: 'a', schedule: Duration.minutes(1), wakeUp: 'one-shot' },
      ['wakeUp', 'schedule', 'five minutes'],
    ],
    [
      'missing runs without schedule',
      { pk: 'a', schedule: false, alarms: { missingRuns: true } },
      ['alarms.missingRuns', 'schedule'],
    ],
    [
      'the age of no stream',
      { pk: 'a', onInsert: false, alarms: { iteratorAge: true } },
      ['alarms.iteratorAge', 'onInsert'],
    ],
    ['shards of two queues', { pk: ['a', 'b'], shards: 4 }, ['shards', 'pk']],
    ['shards of a prefix', { pkPrefix: 'a#', schedule: false, shards: 4 }, ['shards', 'pk']],
    ['an open prefix', { pkPrefix: 'orders', schedule: false }, ['pkPrefix', 'separator']],
    ['a schedule of unknown queues', { pkPrefix: 'orders#' }, ['schedule', 'pkPrefix']],
    [
      'a prefix without stream',
      { pkPrefix: 'orders#', schedule: false, onInsert: false },
      ['pkPrefix', 'onInsert'],
    ],
    ['nothing that wakes', { pk: 'a', onInsert: false, schedule: false }, ['onInsert', 'schedule']],
    ['a batch of no stream', { pk: 'a', onInsert: false, batchSize: 5 }, ['batchSize', 'onInsert']],
    ['retries of no stream', { pk: 'a', onInsert: false, retryAttempts: 5 }, ['retryAttempts', 'onInsert']],
    [
      'a window of no stream',
      { pk: 'a', onInsert: false, maxBatchingWindow: Duration.seconds(1) },
      ['maxBatchingWindow', 'onInsert'],
    ],
    ['a window too long', { pk: 'a', maxBatchingWindow: Duration.minutes(6) }, ['maxBatchingWindow']],
    ['a schedule too often', { pk: 'a', schedule: Duration.seconds(30) }, ['schedule']],
    ['a schedule of a minute and a half', { pk: 'a', schedule: Duration.seconds(90) }, ['schedule']],
    ['a schedule every two days', { pk: 'a', schedule: Duration.days(2) }, ['schedule']],
    ['an empty batch', { pk: 'a', batchSize: 0 }, ['batchSize']],
    ['no concurrency', { pk: 'a', maxConcurrency: 0 }, ['maxConcurrency']],
    ['negative retries', { pk: 'a', retryAttempts: -1 }, ['retryAttempts']],
    ['dead letters in the queue itself', { pk: 'a', deadLetterPk: 'a' }, ['deadLetterPk', 'pk']],
    ['wildcard for dead letters', { pk: 'a', deadLetterPk: 'a*' }, ['deadLetterPk']],
    [
      'alarms of unknown queues',
      { pkPrefix: 'orders#', schedule: false, alarms: { deadLetters: true } },
      ['alarms.deadLetters', 'pkPrefix'],
    ],
    [
      'more queues than a filter holds',
      { pk: Array.from({ length: 100 }, (_, shard) => `${'x'.repeat(50)}${shard}`) },
      ['pk', '4096'],
    ],
  ])('%s', (_, props, words) => {
    expectRefusal(() => add(props), words)
  })

  test('wakes on a stream that is forbidden', () => {
    expectRefusal(() => add({ pk: 'a' }, { stream: false }), ['stream: false', 'addQueueWorker', 'onInsert'])
  })

  test('has a limit that contradicts that of the function', () => {
    const { stack, db } = fixture()
    const fn = makeFunction(stack, 'Fn', { reservedConcurrentExecutions: 3 })
    expectRefusal(
      () => db.addQueueWorker(fn, { pk: 'a', maxConcurrency: 5 }),
      ['maxConcurrency', 'reservedConcurrentExecutions'],
    )
  })

  test('limits a function that is not made here', () => {
    const { stack, db } = fixture()
    const imported = LambdaFunction.fromFunctionName(stack, 'Imported', 'somebody-elses')
    expectRefusal(() => db.addQueueWorker(imported, { pk: 'a', maxConcurrency: 5 }), ['maxConcurrency'])
    const alias = new Alias(stack, 'Alias', {
      aliasName: 'live',
      version: makeFunction(stack).currentVersion,
    })
    expectRefusal(() => db.addQueueWorker(alias, { pk: 'a', maxConcurrency: 5 }), ['maxConcurrency'])
  })

  test('is the second of its queue', () => {
    const { stack, db } = fixture()
    db.addQueueWorker(makeFunction(stack, 'One'), { pk: ['a', 'b'] })
    expectRefusal(() => db.addQueueWorker(makeFunction(stack, 'Two'), { pk: 'b' }), ["pk 'b'"])
  })

  test('is the third reader of a stream, which serves two: a warning', () => {
    const readers = (count: number) => {
      const { stack, db } = fixture()
      for (let n = 0; n < count; n++) db.addQueueWorker(makeFunction(stack, `Fn${n}`), { pk: `queue${n}` })
      return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('stream.*onInsert: false'))
    }
    expect(readers(2)).toHaveLength(0)
    expect(readers(3)).not.toHaveLength(0)
  })
})

test('what does not contradict itself is accepted in a stack of its own', () => {
  const stack = new Stack(newApp(), 'S', { env: HOME })
  new AtomicTable(stack, 'Db', {
    removalPolicy: RemovalPolicy.DESTROY,
    deletionProtection: false,
    multiRegionConsistency: MultiRegionConsistency.EVENTUAL,
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    replicas: [{ region: 'eu-central-1' }],
    maxReadRequestUnits: 15_000,
    warmThroughput: { readUnitsPerSecond: 15_000 },
  })
  expect(() => Template.fromStack(stack)).not.toThrow()
})
