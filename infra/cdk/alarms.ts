// Alarms on the table and on its queues, each asked for by an option.

import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import {
  conditionalFailurePercent,
  queueMetric,
  replicationLatency,
  systemErrors,
  tableMetric,
} from './metrics.ts'

/** How an alarm is tuned. */
export interface AlarmTuning {
  /** The alarm rings above this value. Unit and default: see the alarm. */
  readonly threshold?: number
  /** How many of the last five readings must be above it; a reading a minute, unless said. @default see the alarm */
  readonly datapoints?: number
}

/** Alarms on the table. `true` takes the defaults; what is left out is not made. */
export interface TableAlarmOptions {
  /** Throttled reads a minute. @default threshold 0, 2 of 5 */
  readonly readThrottles?: boolean | AlarmTuning
  /** Throttled writes a minute. One hot queue throttles at 1,000 write units a second. @default 0, 2 of 5 */
  readonly writeThrottles?: boolean | AlarmTuning
  /** HTTP 500 of DynamoDB a minute, which the SDK retries. @default threshold 5, 2 of 5 */
  readonly systemErrors?: boolean | AlarmTuning
  /** Failed conditions in percent of conditional writes. @default 50 %, 3 of 5, from 100 requests a minute */
  readonly conditionalCheckFailures?: boolean | (AlarmTuning & { readonly minimumRequests?: number })
  /** Milliseconds until a write reaches a replica, for each region of them. @default threshold 60,000, 3 of 5 */
  readonly replicationLatency?: boolean | AlarmTuning
}

/** Alarms on one queue, from the metrics that `emitQueueMetrics` of `lockrow` writes. */
export interface QueueAlarmOptions {
  /** Seconds that the oldest waiting message has waited. @default threshold 300, 3 of 5 */
  readonly oldestMessageAge?: boolean | AlarmTuning
  /** Messages that wait and could be taken now. @default threshold 1000, 3 of 5 */
  readonly backlog?: boolean | AlarmTuning
  /** Messages in the dead-letter queue. @default threshold 0, 1 of 5 */
  readonly deadLetters?: boolean | AlarmTuning
  /**
   * Nobody reports the queue: no worker runs, or none reaches the table. For workers that are processes and report by
   * `QueueMonitor`; a function has `missingRuns`. Rings until the first reading after a deployment. @default 5 of 5
   */
  readonly silence?: boolean | Pick<AlarmTuning, 'datapoints'>
  /**
   * How often `emitQueueMetrics` is called: fewer readings than the alarm expects would never add up to one.
   * @default the schedule of the worker, else every minute
   */
  readonly readingsEvery?: Duration
}

const ALL_TABLE_ALARMS: TableAlarmOptions = {
  readThrottles: true,
  writeThrottles: true,
  systemErrors: true,
  conditionalCheckFailures: true,
  replicationLatency: true,
}

const ALL_QUEUE_ALARMS: QueueAlarmOptions = {
  oldestMessageAge: true,
  backlog: true,
  deadLetters: true,
  silence: true,
}

/** Makes the alarms of a table that were asked for. */
export function tableAlarms(
  scope: Construct,
  tableName: string,
  options: boolean | TableAlarmOptions,
  actions: readonly IAlarmAction[],
  replicaRegions: readonly string[] = [],
): Alarm[] {
  const wanted = options === true ? ALL_TABLE_ALARMS : options || {}
  if (typeof options === 'object' && options.replicationLatency && replicaRegions.length === 0)
    throw new Error('AtomicTable: alarms.replicationLatency needs replicas, and there are none')
  const alarms: Alarm[] = []
  const add = (id: string, metric: IMetric, tuning: Required<AlarmTuning>, description: string) =>
    alarms.push(ring(scope, id, metric, tuning, description, actions))

  const reads = tuned(wanted.readThrottles, { threshold: 0, datapoints: 2 })
  if (reads)
    add(
      'ReadThrottles',
      tableMetric(tableName, 'ReadThrottleEvents'),
      reads,
      'Reads of the table are throttled',
    )
  const writes = tuned(wanted.writeThrottles, { threshold: 0, datapoints: 2 })
  if (writes)
    add(
      'WriteThrottles',
      tableMetric(tableName, 'WriteThrottleEvents'),
      writes,
      'Writes to the table are throttled',
    )
  const errors = tuned(wanted.systemErrors, { threshold: 5, datapoints: 2 })
  if (errors) add('SystemErrors', systemErrors(tableName), errors, 'DynamoDB itself fails')
  const conditions = tuned(wanted.conditionalCheckFailures, {
    threshold: 50,
    datapoints: 3,
    minimumRequests: 100,
  })
  if (conditions) {
    const percent = conditionalFailurePercent(tableName, conditions.minimumRequests, Duration.minutes(1))
    add(
      'ConditionalCheckFailures',
      percent,
      conditions,
      'Too many clients contend for the same locks or messages',
    )
  }
  const latency = tuned(wanted.replicationLatency, { threshold: 60_000, datapoints: 3 })
  for (const region of latency ? replicaRegions : [])
    add(
      `ReplicationLatency-${region}`,
      replicationLatency(tableName, region),
      latency!,
      `Writes reach ${region} late: what fails over to it misses them`,
    )
  return alarms
}

/** Makes the alarms of one queue that were asked for. */
export function queueAlarms(
  scope: Construct,
  tableName: string,
  pk: string,
  options: boolean | QueueAlarmOptions,
  actions: readonly IAlarmAction[],
): Alarm[] {
  const wanted = options === true ? ALL_QUEUE_ALARMS : options || {}
  const every = { period: (typeof options === 'object' && options.readingsEvery) || Duration.minutes(1) }
  const alarms: Alarm[] = []
  const age = tuned(wanted.oldestMessageAge, { threshold: 300, datapoints: 3 })
  if (age) {
    const metric = queueMetric(tableName, pk, 'oldestAge').with(every)
    alarms.push(
      ring(scope, `OldestMessageAge-${pk}`, metric, age, `Queue ${pk} is not worked off in time`, actions),
    )
  }
  const backlog = tuned(wanted.backlog, { threshold: 1000, datapoints: 3 })
  if (backlog) {
    const metric = queueMetric(tableName, pk, 'ready').with(every)
    alarms.push(
      ring(scope, `Backlog-${pk}`, metric, backlog, `Queue ${pk} grows faster than its work`, actions),
    )
  }
  const dead = tuned(wanted.deadLetters, { threshold: 0, datapoints: 1 })
  if (dead) {
    const metric = queueMetric(tableName, pk, 'dead').with(every)
    alarms.push(ring(scope, `DeadLetters-${pk}`, metric, dead, `Queue ${pk} has dead letters`, actions))
  }
  const silence = tuned(wanted.silence, { threshold: 1, datapoints: 5 })
  if (silence) {
    const readings = queueMetric(tableName, pk, 'ready').with({ ...every, statistic: 'SampleCount' })
    const less = { less: true }
    alarms.push(
      ring(
        scope,
        `Silence-${pk}`,
        readings,
        silence,
        `Nobody works on queue ${pk}, or reports it`,
        actions,
        less,
      ),
    )
  }
  return alarms
}

/** One alarm on the last five readings. Silence is not an alarm unless `less` is: an idle table reports nothing. */
export function ring(
  scope: Construct,
  id: string,
  metric: IMetric,
  { threshold, datapoints }: Required<AlarmTuning>,
  description: string,
  actions: readonly IAlarmAction[],
  { less = false }: { less?: boolean } = {},
): Alarm {
  const window = 5
  if (!Number.isInteger(datapoints) || datapoints < 1 || datapoints > window)
    throw new Error(`Alarm ${id}: datapoints must be a whole number from 1 to ${window}, not ${datapoints}`)
  if (!Number.isFinite(threshold) || threshold < 0)
    throw new Error(`Alarm ${id}: threshold must be a number of at least 0, not ${threshold}`)
  const props: AlarmProps = {
    metric,
    threshold,
    evaluationPeriods: window,
    datapointsToAlarm: datapoints,
    comparisonOperator: less
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: less ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    alarmDescription: description,
  }
  const alarm = new Alarm(scope, id, props)
  alarm.addAlarmAction(...actions)
  return alarm
}

function tuned<D extends Required<AlarmTuning>>(
  option: boolean | Partial<D> | undefined,
  defaults: D,
): D | undefined {
  if (!option) return undefined
  return option === true ? defaults : { ...defaults, ...option }
}
