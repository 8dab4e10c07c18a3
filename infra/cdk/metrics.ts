// The CloudWatch metrics that alarms and dashboard look at.

import { Duration } from 'aws-cdk-lib'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import {
  METRIC_DIMENSIONS,
  METRIC_NAMES,
  METRIC_NAMESPACE,
  metricDimension,
} from '../../src/otel/metric-names.ts'

/** The API calls that lockrow makes, as DynamoDB names them in the dimension `Operation`. */
export const OPERATIONS = [
  'GetItem',
  'BatchGetItem',
  'Query',
  'TransactGetItems',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
] as const

/** Those of them that can carry a condition. */
const CONDITIONAL_OPERATIONS = ['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'] as const

const MINUTE = Duration.minutes(1)

/** One metric of the table, summed per minute unless said otherwise. */
export function tableMetric(
  tableName: string,
  metricName: string,
  statistic = 'Sum',
  label?: string,
): Metric {
  return new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: { TableName: tableName },
    statistic,
    period: MINUTE,
    ...(label && { label }),
  })
}

/** One metric of one kind of API call on the table. */
export function operationMetric(
  tableName: string,
  metricName: string,
  operation: string,
  statistic: string,
): Metric {
  return new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: { TableName: tableName, Operation: operation },
    statistic,
    period: MINUTE,
    label: operation,
  })
}

/** Milliseconds until writes reach the replica in a region, on average of a minute. */
export function replicationLatency(tableName: string, receivingRegion: string): Metric {
  return new Metric({
    namespace: 'AWS/DynamoDB',
    metricName: 'ReplicationLatency',
    dimensionsMap: { TableName: tableName, ReceivingRegion: receivingRegion },
    statistic: 'Average',
    period: MINUTE,
  })
}

/** Failures inside DynamoDB a minute; it reports them by operation only, so they are added up here. */
export function systemErrors(tableName: string): MathExpression {
  return sumOf(
    'System errors',
    OPERATIONS.map((operation) => operationMetric(tableName, 'SystemErrors', operation, 'Sum')),
  )
}

/**
 * Conditional-check failures as percent of the writes that can fail so, or 0 below `minimumRequests` a period: a
 * lock service lives by failing conditions, only their share tells contention from work.
 */
export function conditionalFailurePercent(
  tableName: string,
  minimumRequests: number,
  period: Duration,
): MathExpression {
  const failed = tableMetric(tableName, 'ConditionalCheckFailedRequests').with({ period })
  // DynamoDB counts successful requests only as the samples of their latency.
  const succeeded = CONDITIONAL_OPERATIONS.map((operation) =>
    operationMetric(tableName, 'SuccessfulRequestLatency', operation, 'SampleCount').with({ period }),
  )
  const using: Record<string, IMetric> = { failed }
  succeeded.forEach((metric, index) => {
    using[`ok${index}`] = metric
  })
  const all = ['failed', ...succeeded.map((_, index) => `ok${index}`)]
    .map((id) => `FILL(${id}, 0)`)
    .join(' + ')
  return new MathExpression({
    expression: `IF((${all}) >= ${minimumRequests}, 100 * FILL(failed, 0) / (${all}), 0)`,
    usingMetrics: using,
    label: 'Conditional checks failed, %',
    period,
  })
}

/** What is counted between two readings; the others are gauges. */
const COUNTS: readonly string[] = ['handled', 'failed'] satisfies (keyof typeof METRIC_NAMES)[]

/** One of the metrics that `emitQueueMetrics` writes: of gauges the maximum of a minute is the reading, counts add up. */
export function queueMetric(
  tableName: string,
  pk: string,
  metric: keyof typeof METRIC_NAMES,
  label?: string,
): Metric {
  const [table, queue] = METRIC_DIMENSIONS
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: METRIC_NAMES[metric],
    dimensionsMap: { [table]: tableName, [queue]: metricDimension(pk) },
    statistic: COUNTS.includes(metric) ? 'Sum' : 'Maximum',
    period: MINUTE,
    ...(label && { label }),
  })
}

function sumOf(label: string, metrics: readonly Metric[]): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]))
  return new MathExpression({
    // A kind of call that was not made has no data: without FILL the whole sum would be missing.
    expression: Object.keys(usingMetrics)
      .map((id) => `FILL(${id}, 0)`)
      .join(' + '),
    usingMetrics,
    label,
    period: MINUTE,
  })
}
