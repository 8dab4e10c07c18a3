// Alarms and dashboard, each only when asked for, and on the metrics that really exist.

import { Duration } from 'aws-cdk-lib'
import type { Template } from 'aws-cdk-lib/assertions'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { describe, expect, test } from 'vitest'
import type { TableAlarmOptions } from '../../infra/cdk/index.ts'
import { emitQueueMetrics } from '../../src/otel/emf.ts'
import { type Json, makeFunction, only, synth, tableOf } from './helpers.ts'

const ALARM = 'AWS::CloudWatch::Alarm'
const alarmsIn = (template: Template): Json[] =>
  Object.values<Json>(template.findResources(ALARM)).map((alarm) => alarm.Properties)
const byMetric = (template: Template, name: string) => {
  const found = alarmsIn(template).filter((alarm) => alarm.MetricName === name)
  expect(found).toHaveLength(1)
  return found[0]
}

describe('alarms of the table', () => {
  test('all by one word', () => {
    const alarms = alarmsIn(synth({ alarms: true }))
    expect(alarms).toHaveLength(4)
    for (const alarm of alarms) {
      expect(alarm).toMatchObject({
        ComparisonOperator: 'GreaterThanThreshold',
        EvaluationPeriods: 5,
        TreatMissingData: 'notBreaching',
      })
      expect(alarm.AlarmDescription).toBeTruthy()
    }
  })

  test.each<[keyof TableAlarmOptions, RegExp]>([
    ['readThrottles', /ReadThrottleEvents/],
    ['writeThrottles', /WriteThrottleEvents/],
    ['systemErrors', /SystemErrors/],
    ['conditionalCheckFailures', /ConditionalCheckFailedRequests/],
  ])('%s alone', (option, metric) => {
    const alarms = alarmsIn(synth({ alarms: { [option]: true } }))
    expect(alarms).toHaveLength(1)
    expect(JSON.stringify(alarms[0])).toMatch(metric)
  })

  test.each(['ReadThrottleEvents', 'WriteThrottleEvents'])('%s of this table, from the first', (name) => {
    const template = synth({ alarms: true })
    expect(byMetric(template, name)).toMatchObject({
      Namespace: 'AWS/DynamoDB',
      Dimensions: [{ Name: 'TableName', Value: { Ref: tableOf(template).id } }],
      Statistic: 'Sum',
      Period: 60,
      Threshold: 0,
      DatapointsToAlarm: 2,
    })
  })

  test('system errors are summed over every call that the library makes', () => {
    const [alarm] = alarmsIn(synth({ alarms: { systemErrors: true } }))
    const stats = alarm.Metrics.filter((metric: Json) => metric.MetricStat)
    const operations = stats.map(
      (metric: Json) =>
        metric.MetricStat.Metric.Dimensions.find((dimension: Json) => dimension.Name === 'Operation').Value,
    )
    expect(operations.sort()).toEqual([
      'BatchGetItem',
      'BatchWriteItem',
      'DeleteItem',
      'GetItem',
      'PutItem',
      'Query',
      'TransactGetItems',
      'TransactWriteItems',
      'UpdateItem',
    ])
    const [expression] = alarm.Metrics.filter((metric: Json) => metric.Expression)
    expect(expression.ReturnData).toBe(true)
    for (const { Id } of stats) expect(expression.Expression).toContain(`FILL(${Id}, 0)`)
    // What CloudWatch takes in one alarm.
    expect(stats.length).toBeLessThanOrEqual(10)
  })

  test('failed conditions ring by their share, and not on little traffic', () => {
    const [alarm] = alarmsIn(synth({ alarms: { conditionalCheckFailures: true } }))
    const { Expression } = alarm.Metrics.find((metric: Json) => metric.Expression)
    const percent = (failed: number, ...ok: number[]) => compute(Expression, { failed, ...ids('ok', ok) })
    expect(alarm).toMatchObject({ Threshold: 50, DatapointsToAlarm: 3 })
    expect(percent(75, 10, 10, 0, 5)).toBe(75)
    expect(percent(0, 100, 100, 100, 100)).toBe(0)
    expect(percent(90, 0, 0, 0, 5)).toBe(0)
    expect(percent(0, 0, 0, 0, 0)).toBe(0)
  })

  test('replication latency, one for each region of the replicas', () => {
    const env = { account: '111111111111', region: 'eu-west-1' }
    const replicas = [{ region: 'eu-central-1' }, { region: 'us-east-1' }]
    const template = synth({ replicas, alarms: { replicationLatency: true } }, undefined, env)
    const alarms = alarmsIn(template)
    expect(alarms.map(({ MetricName }) => MetricName)).toEqual(['ReplicationLatency', 'ReplicationLatency'])
    const regions = alarms.map(
      ({ Dimensions }) => Dimensions.find(({ Name }: Json) => Name === 'ReceivingRegion').Value,
    )
    expect(regions.sort()).toEqual(['eu-central-1', 'us-east-1'])
    for (const alarm of alarms)
      expect(alarm).toMatchObject({ Threshold: 60_000, Statistic: 'Average', Namespace: 'AWS/DynamoDB' })
  })

  test('thresholds can be tuned', () => {
    const alarms = {
      readThrottles: { threshold: 10, datapoints: 5 },
      conditionalCheckFailures: { minimumRequests: 7 },
    }
    const template = synth({ alarms })
    expect(byMetric(template, 'ReadThrottleEvents')).toMatchObject({ Threshold: 10, DatapointsToAlarm: 5 })
    expect(JSON.stringify(alarmsIn(template))).toContain('>= 7')
  })

  test('every alarm does what the table says', () => {
    const template = synth(
      (stack) => ({ alarms: true, alarmActions: [new SnsAction(new Topic(stack, 'Topic'))] }),
      ({ stack, db }) => {
        db.addQueueWorker(makeFunction(stack), { pk: 'orders', alarms: true })
      },
    )
    const [topic] = only(template, 'AWS::SNS::Topic')
    expect(alarmsIn(template)).toHaveLength(12)
    for (const alarm of alarmsIn(template)) expect(alarm.AlarmActions).toEqual([{ Ref: topic }])
  })
})

describe('alarms of a queue', () => {
  const emitted = emittedMetrics('orders')

  test('read exactly what the library emits', () => {
    const template = synth({}, ({ db }) => {
      db.addQueueAlarms('orders')
    })
    const { id } = tableOf(template)
    const alarms = alarmsIn(template)
    expect(alarms.map((alarm) => alarm.MetricName).sort()).toEqual([
      'DeadLetters',
      'OldestMessageAge',
      'Ready',
      'Ready',
    ])
    for (const alarm of alarms) {
      expect(emitted.names).toContain(alarm.MetricName)
      expect(alarm.Namespace).toBe(emitted.namespace)
      expect(alarm.Statistic).toBe(alarm.TreatMissingData === 'breaching' ? 'SampleCount' : 'Maximum')
      expect(
        Object.fromEntries(alarm.Dimensions.map((dimension: Json) => [dimension.Name, dimension.Value])),
      ).toEqual({
        table: { Ref: id },
        queue: 'orders',
      })
      expect(alarm.Dimensions.map((dimension: Json) => dimension.Name).sort()).toEqual(
        [...emitted.dimensions].sort(),
      )
    }
    expect(byMetric(template, 'OldestMessageAge')).toMatchObject({ Threshold: 300, DatapointsToAlarm: 3 })
    expect(byMetric(template, 'DeadLetters')).toMatchObject({ Threshold: 0, DatapointsToAlarm: 1 })
    expect(
      alarms.filter(({ MetricName, Statistic }) => MetricName === 'Ready' && Statistic === 'Maximum'),
    ).toMatchObject([{ Threshold: 1000, DatapointsToAlarm: 3 }])
  })

  test('silence rings where nobody has reported for five readings', () => {
    const template = synth({}, ({ db }) => {
      db.addQueueAlarms('orders', { silence: true, readingsEvery: Duration.minutes(5) })
    })
    const [alarm] = alarmsIn(template)
    expect(alarm).toMatchObject({
      MetricName: 'Ready',
      Statistic: 'SampleCount',
      Period: 300,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      EvaluationPeriods: 5,
      DatapointsToAlarm: 5,
      TreatMissingData: 'breaching',
    })
  })

  test('meet on the same name for keys that no dimension can be', () => {
    const pk = ':bestellungen-für#münchen'
    const template = synth({}, ({ db }) => {
      db.addQueueAlarms(pk, { deadLetters: true })
    })
    const queue = byMetric(template, 'DeadLetters').Dimensions.find(
      (dimension: Json) => dimension.Name === 'queue',
    )
    expect(queue.Value).toBe(emittedMetrics(pk).queue)
  })

  test('a worker has those of its dead letters, runs and wake-ups without being asked', () => {
    const template = synth({}, ({ stack, db }) => {
      db.addQueueWorker(makeFunction(stack), { pk: 'orders' })
    })
    const [fn] = only(template, 'AWS::Lambda::Function')
    const [queue] = only(template, 'AWS::SQS::Queue')
    expect(alarmsIn(template)).toHaveLength(6)
    expect(byMetric(template, 'Throttles')).toMatchObject({ Statistic: 'Sum', Threshold: 0, Period: 60 })
    expect(byMetric(template, 'IteratorAge')).toMatchObject({ Statistic: 'Maximum', Threshold: 300_000 })
    // No runs at all are no data at all.
    expect(byMetric(template, 'Invocations')).toMatchObject({
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      DatapointsToAlarm: 5,
      TreatMissingData: 'breaching',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: fn } }],
    })
    expect(byMetric(template, 'DeadLetters').Threshold).toBe(0)
    expect(byMetric(template, 'Errors')).toMatchObject({
      Namespace: 'AWS/Lambda',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: fn } }],
      Threshold: 0,
      DatapointsToAlarm: 3,
    })
    expect(byMetric(template, 'ApproximateNumberOfMessagesVisible').Dimensions).toEqual([
      { Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } },
    ])
  })

  test('count the readings of a worker that runs less often', () => {
    const template = synth({}, ({ stack, db }) => {
      db.addQueueWorker(makeFunction(stack), { pk: 'orders', schedule: Duration.minutes(15), alarms: true })
      db.addQueueAlarms('mails', { oldestMessageAge: true, readingsEvery: Duration.hours(1) })
    })
    const periods = alarmsIn(template).map((alarm) => `${alarm.MetricName} ${alarm.Period}`)
    expect(periods.sort()).toEqual([
      'ApproximateNumberOfMessagesVisible 60',
      'DeadLetters 900',
      'Errors 60',
      'Invocations 900',
      'IteratorAge 60',
      'OldestMessageAge 3600',
      'OldestMessageAge 900',
      'Ready 900',
      'Throttles 60',
    ])
  })

  test('a worker has all or none on request, and one per queue', () => {
    const count = (pk: string | string[], alarms: boolean) =>
      alarmsIn(synth({}, ({ stack, db }) => void db.addQueueWorker(makeFunction(stack), { pk, alarms })))
        .length
    expect(count('orders', true)).toBe(8)
    expect(count('orders', false)).toBe(0)
    expect(count(['orders#0', 'orders#1'], true)).toBe(11)
  })

  test('there is none on what a worker does not have', () => {
    const names = (props: object) =>
      alarmsIn(
        synth({}, ({ stack, db }) => void db.addQueueWorker(makeFunction(stack), { pk: 'a', ...props })),
      ).map((alarm) => alarm.MetricName)
    expect(names({ schedule: false })).not.toContain('Invocations')
    expect(names({ onInsert: false })).not.toContain('IteratorAge')
  })
})

describe('dashboard', () => {
  const body = (template: Template): Json => {
    const { 'Fn::Join': join } = only(template, 'AWS::CloudWatch::Dashboard')[1].Properties.DashboardBody
    const text = join[1].map((part: Json) =>
      typeof part === 'string' ? part : JSON.stringify(part).replace(/"/g, "'"),
    )
    return JSON.parse(text.join(''))
  }

  test('shows the table, its queues and the state of its alarms', () => {
    const template = synth({ alarms: true, dashboard: { name: 'orders' } }, ({ stack, db }) => {
      db.addQueueWorker(makeFunction(stack), { pk: 'orders' })
      db.addQueueAlarms('mails')
    })
    expect(only(template, 'AWS::CloudWatch::Dashboard')[1].Properties.DashboardName).toBe('orders')
    const { widgets } = body(template)
    const text = JSON.stringify(widgets)
    for (const metric of [
      'ConsumedReadCapacityUnits',
      'ConsumedWriteCapacityUnits',
      'ReadThrottleEvents',
      'WriteThrottleEvents',
      'ConditionalCheckFailedRequests',
      'TransactionConflict',
      'SuccessfulRequestLatency',
      'SystemErrors',
      'TimeToLiveDeletedItemCount',
      'Ready',
      'InFlight',
      'Delayed',
      'OldestMessageAge',
      'DeadLetters',
      'Handled',
      'Failed',
    ])
      expect(text).toContain(`"${metric}"`)
    for (const queue of ['orders', 'mails']) expect(text).toContain(`"queue","${queue}"`)
    const status = widgets.filter((widget: Json) => widget.type === 'alarm')
    expect(status).toHaveLength(1)
    expect(status[0].properties.alarms).toHaveLength(alarmsIn(template).length)
  })

  test('without alarms there is no widget of them', () => {
    const { widgets } = body(synth({ dashboard: true }))
    expect(widgets.some((widget: Json) => widget.type === 'alarm')).toBe(false)
  })
})

function emittedMetrics(queue: string) {
  let line = ''
  emitQueueMetrics({ table: 't', queue, ready: 0, inFlight: 0, delayed: 0, dead: 0 }, (text) => {
    line = text
  })
  const record = JSON.parse(line)
  const [directive] = record._aws.CloudWatchMetrics
  return {
    namespace: directive.Namespace,
    dimensions: directive.Dimensions[0] as string[],
    names: directive.Metrics.map((metric: Json) => metric.Name),
    queue: record.queue,
  }
}

const ids = (prefix: string, values: number[]) =>
  Object.fromEntries(values.map((value, index) => [`${prefix}${index}`, value]))

/** Metric math as far as used here: IF, FILL and arithmetic are those of JavaScript. */
function compute(expression: string, values: Record<string, number>): number {
  const names = Object.keys(values)
  const run = new Function('IF', 'FILL', ...names, `return ${expression}`)
  const IF = (condition: boolean, then: number, otherwise: number) => (condition ? then : otherwise)
  return run(IF, (value: number) => value, ...names.map((name) => values[name]))
}
