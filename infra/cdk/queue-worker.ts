// Runs a Lambda function when messages arrive and on a schedule, with what that takes: grants, limits, alarms.

import * as cdk from 'aws-cdk-lib'
import type { Alarm, IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Grant } from 'aws-cdk-lib/aws-iam'
import { CfnFunction, EventSourceMapping, type IFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { STREAM_ACTIONS } from './actions.ts'
import { type AlarmTuning, queueAlarms, ring } from './alarms.ts'
import type { GrantScope } from './grants.ts'
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
export class QueueWorker extends Construct {
  /** Reads the stream; undefined with `onInsert: false`. */
  readonly eventSourceMapping: EventSourceMapping | undefined
  /** The schedule, five queues a rule; empty with `schedule: false`. */
  readonly rules: readonly Rule[]
  /** Wake-ups that could not be delivered. Nothing in it needs to be replayed: the messages are still in the table. */
  readonly failureQueue: IQueue
  readonly alarms: readonly Alarm[]
  /** Partition keys that the worker serves; empty with `pkPrefix`. */
  readonly pks: readonly string[]

  constructor(table: WorkerTable, fn: IFunction, props: QueueWorkerProps) {
    const worker = resolveWorker(props)
    super(fn, `QueueWorker-${worker.name}`)
    this.pks = worker.pks
    limitConcurrency(fn, props.maxConcurrency)
    table.grantQueueConsumer(fn, {
      pks: [...worker.pks, ...worker.deadLetterPks],
      pkPrefixes: worker.pkPrefix === undefined ? [] : [worker.pkPrefix],
    })
    this.failureQueue = props.failureQueue ?? makeFailureQueue(this)
    if (props.onInsert ?? true) this.eventSourceMapping = this.#wakeOnInsert(table, fn, props, worker)
    this.rules = this.#wakeOnSchedule(fn, props)
    this.alarms = this.#ringOn(table, fn, worker)
  }

  #wakeOnInsert(
    table: WorkerTable,
    fn: IFunction,
    props: QueueWorkerProps,
    worker: ResolvedWorker,
  ): EventSourceMapping {
    const streamArn = table.requireStream()
    const grant = Grant.addToPrincipal({
      grantee: fn,
      actions: [...STREAM_ACTIONS],
      resourceArns: [streamArn],
    })
    const filter = insertsOf(worker)
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

  #wakeOnSchedule(fn: IFunction, { schedule = cdk.Duration.minutes(1) }: QueueWorkerProps): Rule[] {
    if (!schedule) return []
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

  #ringOn(table: WorkerTable, fn: IFunction, { alarms, pks }: ResolvedWorker): Alarm[] {
    const actions = table.alarmActions
    const made = pks.flatMap((pk) => queueAlarms(this, table.tableName, pk, alarms, actions))
    const minute = { period: cdk.Duration.minutes(1) }
    if (alarms.failedRuns) {
      const tuning = tune(alarms.failedRuns, { threshold: 0, datapoints: 3 })
      const metric = fn.metricErrors({ ...minute, statistic: 'Sum' })
      made.push(ring(this, 'FailedRuns', metric, tuning, 'The queue worker throws', actions))
    }
    if (alarms.undelivered) {
      const tuning = tune(alarms.undelivered, { threshold: 0, datapoints: 1 })
      const metric = this.failureQueue.metricApproximateNumberOfMessagesVisible({
        ...minute,
        statistic: 'Maximum',
      })
      made.push(ring(this, 'Undelivered', metric, tuning, 'Wake-ups of the queue worker got lost', actions))
    }
    return made
  }
}

/** The filter on stream records: inserts under the worker's partition keys. */
function insertsOf({ pks, pkPrefix }: ResolvedWorker): string {
  const pattern = JSON.stringify({
    eventName: ['INSERT'],
    dynamodb: { Keys: { pk: { S: pkPrefix === undefined ? pks : [{ prefix: pkPrefix }] } } },
  })
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
