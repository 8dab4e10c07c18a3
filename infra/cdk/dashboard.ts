// The dashboard of a table: what it does, where it hurts, and one row for each queue.

import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  PeriodOverride,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import {
  conditionalFailurePercent,
  OPERATIONS,
  operationMetric,
  queueMetric,
  systemErrors,
  tableMetric,
} from './metrics.ts'

/** A dashboard that grows as queues and alarms are added to the table. */
export class TableDashboard {
  readonly dashboard: Dashboard
  readonly #tableName: string
  readonly #alarms: Alarm[] = []

  constructor(scope: Construct, tableName: string, name?: string) {
    this.#tableName = tableName
    this.dashboard = new Dashboard(scope, 'Dashboard', {
      defaultInterval: Duration.hours(3),
      periodOverride: PeriodOverride.INHERIT,
      ...(name && { dashboardName: name }),
    })
    this.#addTable()
  }

  /** Shows the state of these alarms, in one widget for all. */
  addAlarms(alarms: readonly Alarm[]): void {
    if (alarms.length === 0) return
    // The widget reads its list only when the template is written, so that it can be filled afterwards.
    if (this.#alarms.length === 0)
      this.dashboard.addWidgets(
        new AlarmStatusWidget({ title: 'Alarms', alarms: this.#alarms, width: 24, height: 3 }),
      )
    this.#alarms.push(...alarms)
  }

  /** One row: how many messages, how old, how many dead. */
  addQueue(pk: string): void {
    const metric = (name: Parameters<typeof queueMetric>[2], label: string) =>
      queueMetric(this.#tableName, pk, name, label)
    this.dashboard.addWidgets(
      graph(
        `Queue ${pk}: messages`,
        [metric('ready', 'Ready'), metric('inFlight', 'In flight'), metric('delayed', 'Delayed')],
        'Messages',
      ),
      graph(`Queue ${pk}: oldest message`, [metric('oldestAge', 'Age')], 'Seconds'),
      // Both show what is wrong; rates are there where `QueueMonitor` reports.
      graph(
        `Queue ${pk}: dead letters, handled`,
        [metric('dead', 'Dead letters'), metric('handled', 'Handled'), metric('failed', 'Failed')],
        'Messages a minute',
      ),
    )
  }

  #addTable(): void {
    const table = (name: string, label: string, statistic = 'Sum') =>
      tableMetric(this.#tableName, name, statistic, label)
    this.dashboard.addWidgets(
      new TextWidget({ markdown: `# Table ${this.#tableName}`, width: 24, height: 1 }),
      graph(
        'Consumed units',
        [table('ConsumedReadCapacityUnits', 'Read'), table('ConsumedWriteCapacityUnits', 'Write')],
        'Units a minute',
      ),
      graph(
        'Throttled',
        [table('ReadThrottleEvents', 'Reads'), table('WriteThrottleEvents', 'Writes')],
        'Events a minute',
      ),
      graph(
        'Contention',
        [
          table('ConditionalCheckFailedRequests', 'Conditions failed'),
          table('TransactionConflict', 'Conflicts'),
        ],
        'Requests a minute',
        [conditionalFailurePercent(this.#tableName, 1, Duration.minutes(1))],
      ),
      graph('Latency, p99', this.#perOperation('SuccessfulRequestLatency', 'p99'), 'Milliseconds'),
      graph('Requests', this.#perOperation('SuccessfulRequestLatency', 'SampleCount'), 'Requests a minute'),
      graph(
        'Errors and expiry',
        [systemErrors(this.#tableName), table('TimeToLiveDeletedItemCount', 'Expired rows deleted')],
        'A minute',
      ),
    )
  }

  #perOperation(metricName: string, statistic: string): IMetric[] {
    return OPERATIONS.map((operation) => operationMetric(this.#tableName, metricName, operation, statistic))
  }
}

function graph(title: string, left: IMetric[], label: string, right: IMetric[] = []): GraphWidget {
  return new GraphWidget({
    title,
    left,
    leftYAxis: { min: 0, label, showUnits: false },
    width: 8,
    height: 6,
    ...(right.length > 0 && { right, rightYAxis: { min: 0, max: 100, label: '%', showUnits: false } }),
  })
}
