// Runs a Lambda function when messages arrive and on a schedule, with what that takes: grants, limits, alarms.

import * as cdk from 'aws-cdk-lib'
import type { Alarm, IAlarmAction, IMetric } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Grant } from 'aws-cdk-lib/aws-iam'
import { CfnFunction, EventSourceMapping, type IFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { scheduledName, shardName } from '../../src/model/key-names.ts'
import { shardsOf } from '../../src/model/shards.ts'
import { STREAM_ACTIONS } from './actions.ts'
import { type AlarmTuning, queueAlarms, ring } from './alarms.ts'
import { forgetInTime } from './event-invoke.ts'
import type { GrantScope } from './grants.ts'
import { WakeUps } from './wake-ups.ts'
import { type QueueWorkerProps, type ResolvedWorker, resolveWorker } from './worker-props.ts'

/** What a worker needs of its table. */
export interface WorkerTable {
  readonly tableName: string
  readonly alarmActions: readonly IAlarmAction[]
  /** ARN of the stream, switched on if it was not; throws where it is forbidden. */
  requireStream(): string
  grantQueueConsumer(grantee: IFunction, scope: GrantScope): Grant
}

const MAX_TARGETS_OF_A_RULE = 5
const MAX_PARALLEL_BATCHES = 10
const MAX_FILTER_LENGTH = 4096

/** The resources that let one function work off one queue. It lives beside the function, in the function's stack. */
export class QueueWorkerFunction extends Construct {
  /** Reads the stream; undefined with `onInsert: false`. */
  readonly eventSourceMapping: EventSourceMapping | undefined
  /** The schedule, five queues a rule; empty with `schedule: false`. */
  readonly rules: readonly Rule[]
  /** What lets the function make its schedules; undefined without `wakeUp: 'one-shot'`. */
  readonly wakeUps: WakeUps | undefined
  /** Wake-ups that could not be delivered. Nothing in it needs to be replayed: the messages are still in the table. */
  readonly failureQueue: IQueue
  readonly alarms: readonly Alarm[]
  /** Partition keys that the worker serves; empty with `pkPrefix`. */
  readonly pks: readonly string[]

  constructor(table: WorkerTable, fn: IFunction, props: QueueWorkerProps) {
    const worker = resolveWorker(props)
    const filter = (props.onInsert ?? true) ? insertsOf(worker) : undefined
    super(fn, `QueueWorker-${worker.name}`)
    this.pks = worker.pks
    this.wakeUps = worker.wakeUp === 'one-shot' ? WakeUps.of(fn) : undefined
    limitConcurrency(fn, props.maxConcurrency)
    table.grantQueueConsumer(fn, scopeOf(worker))
    this.failureQueue = props.failureQueue ?? makeFailureQueue(this)
    if (filter !== undefined) this.eventSourceMapping = this.#wakeOnInsert(table, fn, props, filter)
    this.rules = this.#wakeOnSchedule(fn, worker)
    this.alarms = [...this.#ringOnQueues(table, worker), ...this.#ringOnRuns(table, fn, worker)]
  }

  #wakeOnInsert(
    table: WorkerTable,
    fn: IFunction,
    props: QueueWorkerProps,
    filter: string,
  ): EventSourceMapping {
    const streamArn = table.requireStream()
    const grant = Grant.addToPrincipal({
      grantee: fn,
      actions: [...STREAM_ACTIONS],
      resourceArns: [streamArn],
    })
    const mapping = new EventSourceMapping(this, 'Inserts', {
      target: fn,
      eventSourceArn: streamArn,
      filters: [{ pattern: filter }],
      // Without a schedule nobody else would find what was inserted while the mapping was being made.
      startingPosition: props.schedule === false ? StartingPosition.TRIM_HORIZON : StartingPosition.LATEST,
      batchSize: props.batchSize ?? 100,
      ...(props.maxBatchingWindow && { maxBatchingWindow: props.maxBatchingWindow }),
      parallelizationFactor: Math.min(props.maxConcurrency ?? 1, MAX_PARALLEL_BATCHES),
      // A wake-up that fails must not hold up the shard: the schedule comes within a minute.
      retryAttempts: props.retryAttempts ?? 2,
      maxRecordAge: cdk.Duration.hours(1),
      onFailure: new SqsDlq(this.failureQueue),
    })
    grant.applyBefore(mapping)
    return mapping
  }

  #wakeOnSchedule(fn: IFunction, { schedule, wakeUp }: ResolvedWorker): Rule[] {
    if (!schedule) return []
    forgetInTime(fn, schedule, wakeUp === 'one-shot' ? 2 : 0)
    const rules: Rule[] = []
    for (let first = 0; first < this.pks.length; first += MAX_TARGETS_OF_A_RULE) {
      const rule = new Rule(this, `Schedule${first / MAX_TARGETS_OF_A_RULE || ''}`, {
        schedule: Schedule.rate(schedule),
        description: 'Redeliveries and delayed messages of lockrow queues',
      })
      for (const pk of this.pks.slice(first, first + MAX_TARGETS_OF_A_RULE)) {
        rule.addTarget(
          new LambdaFunction(fn, {
            event: RuleTargetInput.fromObject({ queue: pk }),
            // By then the next one is due.
            maxEventAge: schedule,
            retryAttempts: 2,
            deadLetterQueue: this.failureQueue,
          }),
        )
      }
      rules.push(rule)
    }
    return rules
  }

  #ringOnQueues(table: WorkerTable, { alarms, pks }: ResolvedWorker): Alarm[] {
    return pks.flatMap((pk) => queueAlarms(this, table.tableName, pk, alarms, table.alarmActions))
  }

  #ringOnRuns({ alarmActions }: WorkerTable, fn: IFunction, { schedule, alarms }: ResolvedWorker): Alarm[] {
    const made: Alarm[] = []
    const sum = { period: cdk.Duration.minutes(1), statistic: 'Sum' }
    const most = { period: cdk.Duration.minutes(1), statistic: 'Maximum' }
    const add = (
      id: string,
      option: boolean | AlarmTuning | undefined,
      metric: IMetric,
      [threshold, datapoints]: readonly [number, number],
      description: string,
      less?: { less: true },
    ) => {
      if (!option) return
      const tuning = tune(option, { threshold, datapoints })
      made.push(ring(this, id, metric, tuning, description, alarmActions, less))
    }
    add('FailedRuns', alarms.failedRuns, fn.metricErrors(sum), [0, 3], 'The queue worker throws')
    add(
      'ThrottledRuns',
      alarms.throttledRuns,
      fn.metricThrottles(sum),
      [0, 3],
      'The queue worker is throttled',
    )
    if (schedule) {
      const runs = fn.metricInvocations({ period: schedule, statistic: 'Sum' })
      add('MissingRuns', alarms.missingRuns, runs, [1, 5], 'The queue worker does not run', { less: true })
    }
    if (this.eventSourceMapping) {
      const age = fn.metric('IteratorAge', most)
      add('IteratorAge', alarms.iteratorAge, age, [300_000, 3], 'The queue worker is behind the stream')
    }
    const undelivered = this.failureQueue.metricApproximateNumberOfMessagesVisible(most)
    add('Undelivered', alarms.undelivered, undelivered, [0, 1], 'Wake-ups of the queue worker got lost')
    return made
  }
}

/** The queues and their dead letters, which one list names for all of them. */
function scopeOf({ pks, shards, pkPrefix, deadLetterPks }: ResolvedWorker): GrantScope {
  if (pkPrefix !== undefined) {
    const queues = deadLetterPks.map((deadLetterPk) => ({ pk: deadLetterPk }))
    return { pkPrefixes: [pkPrefix], queues }
  }
  const queues = pks.flatMap((pk) =>
    deadLetterPks.map((deadLetterPk) => ({ pk, deadLetterPk, ...(shards !== undefined && { shards }) })),
  )
  return { queues }
}

/** The filter on stream records: inserts under the worker's partition keys. */
function insertsOf({ pks, shards, pkPrefix, wakeUp }: ResolvedWorker): string {
  // Who plans when to run must hear of what is delayed; a schedule finds it when it is due.
  const delayed = wakeUp === 'one-shot' ? pks.map(scheduledName) : []
  const write = (pk: readonly unknown[]) =>
    JSON.stringify({ eventName: ['INSERT'], dynamodb: { Keys: { pk: { S: pk } } } })
  const prefix = shards === undefined ? pkPrefix : shardName(pks[0]!, 0).slice(0, -1)
  let pattern = write([...(shards === undefined ? pks : shardsOf(pks[0]!, shards)), ...delayed])
  // Inserts of large payloads then wake the function too: a pull that finds nothing, or its message already.
  if (prefix !== undefined && (pks.length === 0 || pattern.length > MAX_FILTER_LENGTH))
    pattern = write([{ prefix }, ...delayed])
  if (pattern.length > MAX_FILTER_LENGTH)
    throw new Error(
      `addQueueWorker: pk makes a filter of ${pattern.length} characters (at most ${MAX_FILTER_LENGTH}); use pkPrefix`,
    )
  return pattern
}

function limitConcurrency(fn: IFunction, maxConcurrency: number | undefined): void {
  if (maxConcurrency === undefined) return
  const resource = fn.node.defaultChild
  if (!(resource instanceof CfnFunction))
    throw new Error(
      'addQueueWorker: maxConcurrency needs a function made in this app, no alias, version or import',
    )
  const reserved = resource.reservedConcurrentExecutions
  if (reserved !== undefined && reserved !== maxConcurrency)
    throw new Error(
      `addQueueWorker: maxConcurrency ${maxConcurrency} contradicts reservedConcurrentExecutions ${reserved} of the function`,
    )
  resource.reservedConcurrentExecutions = maxConcurrency
}

function makeFailureQueue(scope: Construct): Queue {
  const queue = new Queue(scope, 'Failures', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: cdk.Duration.days(14),
  })
  // Not in older versions of aws-cdk-lib, which cdk-nag 3 does not run on either.
  cdk.Validations?.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'It is a dead-letter queue itself: of an event source mapping and of EventBridge targets.',
  })
  return queue
}

function tune(option: true | AlarmTuning, defaults: Required<AlarmTuning>): Required<AlarmTuning> {
  return option === true ? defaults : { ...defaults, ...option }
}
