// A queue worker wakes on inserts of its queue and on its schedule, with its grants and limits and no more.

import { Duration, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, test } from 'vitest'
import {
  AtomicTable,
  QUEUE_CONSUMER_ACTIONS,
  type QueueWorkerProps,
  STREAM_ACTIONS,
} from '../../infra/cdk/index.ts'
import {
  actionsIn,
  evaluate,
  type Json,
  makeFunction,
  newApp,
  only,
  statements,
  synth,
  tableOf,
} from './helpers.ts'

const MAPPING = 'AWS::Lambda::EventSourceMapping'
const RULE = 'AWS::Events::Rule'

const withWorker = (props: QueueWorkerProps, table: ConstructorParameters<typeof AtomicTable>[2] = {}) =>
  synth(table, ({ stack, db }) => {
    db.addQueueWorker(makeFunction(stack), props)
  })

describe('by default', () => {
  const template = withWorker({ pk: 'orders' })
  const { id: tableId, table } = tableOf(template)
  const mapping = only(template, MAPPING)[1]
  const [functionId] = only(template, 'AWS::Lambda::Function')
  const [queueId] = only(template, 'AWS::SQS::Queue')

  test('the stream is switched on, with keys only', () => {
    expect(table.StreamSpecification).toEqual({ StreamViewType: 'KEYS_ONLY' })
  })

  test('the function reads the stream, filtered to inserts of its queue', () => {
    expect(mapping.Properties).toEqual({
      BatchSize: 100,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queueId, 'Arn'] } } },
      EventSourceArn: { 'Fn::GetAtt': [tableId, 'StreamArn'] },
      FilterCriteria: { Filters: [{ Pattern: expect.any(String) }] },
      FunctionName: { Ref: functionId },
      MaximumRecordAgeInSeconds: 3600,
      MaximumRetryAttempts: 2,
      ParallelizationFactor: 1,
      StartingPosition: 'LATEST',
    })
    expect(filterOf(template)).toEqual({
      eventName: ['INSERT'],
      dynamodb: { Keys: { pk: { S: ['orders'] } } },
    })
  })

  test('the mapping waits for the permission to read the stream', () => {
    const [policyId] = only(template, 'AWS::IAM::Policy')
    expect(mapping.DependsOn).toContain(policyId)
  })

  test('a schedule passes the queue every minute', () => {
    const [ruleId, rule] = only(template, RULE)
    expect(rule.Properties.ScheduleExpression).toBe('rate(1 minute)')
    expect(rule.Properties.State).toBe('ENABLED')
    expect(rule.Properties.Targets).toHaveLength(1)
    expect(rule.Properties.Targets[0]).toMatchObject({
      Arn: { 'Fn::GetAtt': [functionId, 'Arn'] },
      Input: JSON.stringify({ queue: 'orders' }),
      RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 2 },
      DeadLetterConfig: { Arn: { 'Fn::GetAtt': [queueId, 'Arn'] } },
    })
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [ruleId, 'Arn'] },
    })
  })

  test('the grants: its queue and dead letters, its stream, its failure queue, nothing else', () => {
    const found = statements(template)
    expect(found).toHaveLength(3)
    const [consumer, queue, stream] = ['dynamodb:Query', 'sqs:SendMessage', 'dynamodb:GetRecords'].map(
      (action) => found.find((statement) => actionsIn(statement).includes(action)),
    )
    expect(actionsIn(consumer)).toEqual([...QUEUE_CONSUMER_ACTIONS])
    expect(consumer.Resource).toEqual({ 'Fn::GetAtt': [tableId, 'Arn'] })
    expect(consumer.Condition).toEqual({
      'ForAllValues:StringLike': {
        'dynamodb:LeadingKeys': [
          'orders',
          'orders#payload#*',
          'orders#dead',
          'orders#dead#payload#*',
          'orders#work',
          'orders#scheduled',
          'orders#limits',
          'orders#job#*',
        ],
      },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    })
    expect(actionsIn(stream)).toEqual([...STREAM_ACTIONS])
    expect(stream.Resource).toEqual({ 'Fn::GetAtt': [tableId, 'StreamArn'] })
    expect(actionsIn(queue)).toEqual(['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'])
    expect(queue.Resource).toEqual({ 'Fn::GetAtt': [queueId, 'Arn'] })
  })

  test('the failure queue is encrypted, TLS only, and kept 14 days', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    })
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    })
  })

  test('a scheduled run that is throttled is forgotten when the next one is due', () => {
    expect(only(template, 'AWS::Lambda::EventInvokeConfig')[1].Properties).toMatchObject({
      FunctionName: { Ref: functionId },
      MaximumEventAgeInSeconds: 60,
      MaximumRetryAttempts: 0,
    })
  })

  test('it does not bound the function', () => {
    const fn = only(template, 'AWS::Lambda::Function')[1]
    expect(fn.Properties.ReservedConcurrentExecutions).toBeUndefined()
  })
})

describe('the filter on stream records', () => {
  test.each([
    ['an insert of the queue', 'orders', record('INSERT', 'orders'), true],
    ['a claim, release or other change', 'orders', record('MODIFY', 'orders'), false],
    ['an acknowledgement or expiry', 'orders', record('REMOVE', 'orders'), false],
    ['another queue', 'orders', record('INSERT', 'orders2'), false],
    ['its dead letters', 'orders', record('INSERT', 'orders#dead'), false],
    ['one of several queues', ['orders#0', 'orders#1'], record('INSERT', 'orders#1'), true],
    ['a queue that is not named', ['orders#0', 'orders#1'], record('INSERT', 'orders#2'), false],
  ])('%s', (_, pk, event, wakes) => {
    expect(matches(filterOf(withWorker({ pk })), event)).toBe(wakes)
  })

  test('a prefix covers all that begin so', () => {
    const template = withWorker({ pkPrefix: 'orders#', schedule: false })
    const filter = filterOf(template)
    expect(filter.dynamodb.Keys.pk.S).toEqual([{ prefix: 'orders#' }])
    expect(matches(filter, record('INSERT', 'orders#17'))).toBe(true)
    expect(matches(filter, record('INSERT', 'orders'))).toBe(false)
    const consumer = statements(template).find((statement) => actionsIn(statement).includes('dynamodb:Query'))
    expect(consumer.Condition['ForAllValues:StringLike']).toEqual({ 'dynamodb:LeadingKeys': ['orders#*'] })
  })
})

describe('on request', () => {
  test('batches, retries and concurrency', () => {
    const template = withWorker({
      pk: 'orders',
      batchSize: 10,
      maxBatchingWindow: Duration.seconds(5),
      retryAttempts: 0,
      maxConcurrency: 4,
    })
    expect(only(template, MAPPING)[1].Properties).toMatchObject({
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 5,
      MaximumRetryAttempts: 0,
      ParallelizationFactor: 4,
    })
    expect(only(template, 'AWS::Lambda::Function')[1].Properties.ReservedConcurrentExecutions).toBe(4)
  })

  test('a stream has at most ten parallel batches a shard, however high the limit', () => {
    const template = withWorker({ pk: 'orders', maxConcurrency: 50 })
    expect(only(template, MAPPING)[1].Properties.ParallelizationFactor).toBe(10)
    expect(only(template, 'AWS::Lambda::Function')[1].Properties.ReservedConcurrentExecutions).toBe(50)
  })

  test('a sharded queue: woken by each shard, scheduled once, with grants for all of it', () => {
    const template = withWorker({ pk: 'mails', shards: 8, alarms: true })
    const filter = filterOf(template)
    for (const [pk, wakes] of [
      ['mails#shard0', true],
      ['mails#shard7', true],
      ['mails#shard8', false],
      ['mails', false],
      ['mails#dead', false],
      ['mails#shard0#payload#01K', false],
    ] as const)
      expect([pk, matches(filter, record('INSERT', pk))]).toEqual([pk, wakes])
    const targets = only(template, RULE)[1].Properties.Targets
    expect(targets.map((target: Json) => target.Input)).toEqual(['{"queue":"mails"}'])
    const consumer = statements(template).find((statement) => actionsIn(statement).includes('dynamodb:Query'))
    const allowed = (...keys: string[]) => evaluate(consumer.Condition, keys)
    // What moves to the dead letters goes from its shard to those of the whole queue, in one request.
    expect(allowed('mails#shard7', 'mails#dead')).toBe(true)
    expect(allowed('mails#shard7#payload#01K')).toBe(true)
    // Which shards have work; whether the queue is paused, which stands in the queue too.
    expect(allowed('mails#work', 'mails')).toBe(true)
    for (const pk of ['mails#shard8', 'mails#shard0#dead', 'mails2#dead', 'mails2'])
      expect([pk, allowed(pk)]).toEqual([pk, false])
    // The name under which the function reports the whole queue.
    const queues = Object.values<Json>(template.findResources('AWS::CloudWatch::Alarm'))
      .flatMap((alarm) => alarm.Properties.Dimensions)
      .filter(({ Name }: Json) => Name === 'queue')
    expect(queues).toHaveLength(3)
    for (const queue of queues) expect(queue).toEqual({ Name: 'queue', Value: 'mails' })
  })

  test('more shards than a filter can list wake by what their names begin with', () => {
    const filter = filterOf(withWorker({ pk: 'mails', shards: 1000 }))
    expect(filter.dynamodb.Keys.pk.S).toEqual([{ prefix: 'mails#shard' }])
    expect(matches(filter, record('INSERT', 'mails#shard999'))).toBe(true)
    expect(matches(filter, record('INSERT', 'mails#dead'))).toBe(false)
  })

  test('every queue is in the schedule, five targets a rule', () => {
    const pk = Array.from({ length: 7 }, (_, shard) => `orders#${shard}`)
    const rules = Object.values<Json>(withWorker({ pk, schedule: Duration.minutes(5) }).findResources(RULE))
    expect(rules.map((rule) => rule.Properties.Targets.length).sort()).toEqual([2, 5])
    expect(new Set(rules.map((rule) => rule.Properties.ScheduleExpression))).toEqual(
      new Set(['rate(5 minutes)']),
    )
    const inputs = rules.flatMap((rule) =>
      rule.Properties.Targets.map((target: Json) => JSON.parse(target.Input).queue),
    )
    expect(inputs.sort()).toEqual(pk)
  })

  test('by schedule alone there is no stream and no mapping', () => {
    const template = withWorker({ pk: 'orders', onInsert: false }, { stream: false })
    template.resourceCountIs(MAPPING, 0)
    template.resourceCountIs(RULE, 1)
    expect(tableOf(template).table.StreamSpecification).toBeUndefined()
    expect(
      statements(template).some((statement) => actionsIn(statement).includes('dynamodb:GetRecords')),
    ).toBe(false)
  })

  test('scheduled runs are kept for six hours at most, and as a function of its own says', () => {
    const CONFIG = 'AWS::Lambda::EventInvokeConfig'
    const daily = withWorker({ pk: 'orders', schedule: Duration.days(1) })
    expect(only(daily, CONFIG)[1].Properties.MaximumEventAgeInSeconds).toBe(21_600)
    withWorker({ pk: 'orders', schedule: false }).resourceCountIs(CONFIG, 0)
    const own = synth({}, ({ stack, db }) => {
      const fn = makeFunction(stack)
      fn.configureAsyncInvoke({ retryAttempts: 2 })
      db.addQueueWorker(fn, { pk: 'orders' })
      db.addQueueWorker(fn, { pk: 'mails' })
    })
    expect(only(own, CONFIG)[1].Properties.MaximumRetryAttempts).toBe(2)
  })

  test('by inserts alone nothing is missed from the start', () => {
    const template = withWorker({ pk: 'orders', schedule: false })
    template.resourceCountIs(RULE, 0)
    expect(only(template, MAPPING)[1].Properties.StartingPosition).toBe('TRIM_HORIZON')
  })

  test('a stream that is there is used as it is', () => {
    const template = withWorker({ pk: 'orders' }, { stream: StreamViewType.NEW_IMAGE })
    expect(tableOf(template).table.StreamSpecification).toEqual({ StreamViewType: 'NEW_IMAGE' })
  })

  test('dead letters and failures elsewhere', () => {
    const template = synth({}, ({ stack, db }) => {
      const failureQueue = new Queue(stack, 'Mine')
      db.addQueueWorker(makeFunction(stack), { pk: 'orders', deadLetterPk: 'graveyard', failureQueue })
    })
    template.resourceCountIs('AWS::SQS::Queue', 1)
    const consumer = statements(template).find((statement) => actionsIn(statement).includes('dynamodb:Query'))
    expect(consumer.Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']).toEqual([
      'orders',
      'orders#payload#*',
      'graveyard',
      'graveyard#payload#*',
      'orders#dead',
      'orders#dead#payload#*',
      'orders#work',
      'orders#scheduled',
      'orders#limits',
      'orders#job#*',
    ])
  })

  test('two queues on one function', () => {
    const template = synth({}, ({ stack, db }) => {
      const fn = makeFunction(stack)
      db.addQueueWorker(fn, { pk: 'orders' })
      db.addQueueWorker(fn, { pk: 'mails' })
    })
    template.resourceCountIs(MAPPING, 2)
  })

  test('a function of another stack, whose stack then depends on the table and not the other way round', () => {
    const app = newApp()
    const tables = new Stack(app, 'Tables')
    const functions = new Stack(app, 'Functions')
    const db = new AtomicTable(tables, 'Db', { alarms: true, dashboard: true })
    const worker = db.addQueueWorker(makeFunction(functions), { pk: 'orders' })
    Template.fromStack(functions).resourceCountIs(MAPPING, 1)
    Template.fromStack(tables).resourceCountIs(MAPPING, 0)
    expect(functions.dependencies.map((stack) => stack.stackName)).toEqual(['Tables'])
    expect(tables.dependencies.map((stack) => stack.stackName)).toEqual([])
    expect(Stack.of(worker).stackName).toBe('Functions')
  })
})

function record(eventName: string, pk: string): Json {
  return { eventName, dynamodb: { Keys: { pk: { S: pk }, sk: { S: '01K' } }, StreamViewType: 'KEYS_ONLY' } }
}

function filterOf(template: Template): Json {
  const [filter, ...more] = only(template, MAPPING)[1].Properties.FilterCriteria.Filters
  expect(more).toEqual([])
  return JSON.parse(filter.Pattern)
}

/** Lambda's rules as far as used here: objects go down, a list holds alternatives, each a value or a prefix. */
function matches(pattern: Json, value: Json): boolean {
  if (!Array.isArray(pattern)) return Object.keys(pattern).every((key) => matches(pattern[key], value?.[key]))
  return pattern.some((wanted) =>
    typeof wanted === 'object' ? String(value).startsWith(wanted.prefix) : wanted === value,
  )
}
