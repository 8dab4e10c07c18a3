// Queue metrics through CloudWatch's embedded metric format: one log line, no API call, no permission, no dependency.

import { METRIC_DIMENSIONS, METRIC_NAMES, METRIC_NAMESPACE, metricDimension } from './metric-names.ts'

/** One reading of a queue. All counts are numbers of messages at this moment. */
export interface QueueMetrics {
  /** Table name; the dimension `table`. */
  table: string
  /** Partition key of the queue; the dimension `queue`. */
  queue: string
  ready: number
  inFlight: number
  delayed: number
  /** Messages in the dead-letter queue. */
  dead: number
  /** Seconds since the oldest waiting message became available; leave out (or 0) when none waits. */
  oldestAgeSeconds?: number
  /** Messages handled since the last reading, by whoever reports. */
  handled?: number
  /** Tries that failed since the last reading. */
  failed?: number
}

/**
 * Emits one reading of a queue as one line of JSON that CloudWatch Logs turns into metrics:
 * namespace `lockrow`, dimensions `table` and `queue`, metrics `Ready`, `InFlight`, `Delayed`, `DeadLetters` (count)
 * and `OldestMessageAge` (seconds), and where they are given `Handled` and `Failed` (counts since the last reading). The
 * alarms of `AtomicTable` in `lockrow/cdk` read exactly these.
 *
 * Call it once per scheduled run, not per message: each queue is 5 to 7 custom metrics (about $0.30 a month each), and each
 * call a log line of about 400 bytes.
 *
 * @param write receives the line. The default writes to stdout past `console.log`, because Lambda in its JSON log
 * format wraps what goes through `console.log` into an object of its own, in which CloudWatch finds no metrics.
 * @throws RangeError when a value is not a finite number of at least 0: CloudWatch would drop the line in silence.
 */
export function emitQueueMetrics(metrics: QueueMetrics, write: (line: string) => void = writeLine): void {
  const values = {
    [METRIC_NAMES.ready]: metrics.ready,
    [METRIC_NAMES.inFlight]: metrics.inFlight,
    [METRIC_NAMES.delayed]: metrics.delayed,
    [METRIC_NAMES.dead]: metrics.dead,
    // An empty queue reports 0 and not nothing, so that the alarm sees it recover.
    [METRIC_NAMES.oldestAge]: metrics.oldestAgeSeconds ?? 0,
    ...(metrics.handled !== undefined && { [METRIC_NAMES.handled]: metrics.handled }),
    ...(metrics.failed !== undefined && { [METRIC_NAMES.failed]: metrics.failed }),
  }
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isFinite(value) || value < 0)
      throw new RangeError(`Queue metric ${name} must be a finite number of at least 0, not ${value}`)
  }
  write(
    JSON.stringify({
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          {
            Namespace: METRIC_NAMESPACE,
            Dimensions: [METRIC_DIMENSIONS],
            Metrics: Object.keys(values).map((name) => ({
              Name: name,
              Unit: name === METRIC_NAMES.oldestAge ? 'Seconds' : 'Count',
            })),
          },
        ],
      },
      table: metricDimension(metrics.table),
      queue: metricDimension(metrics.queue),
      ...values,
    }),
  )
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}
