// Runs a Lambda function that drives schedules, with its grant and alarms.

import * as cdk from 'aws-cdk-lib'
import type { Alarm, IAlarmAction, IMetric } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { Grant } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { schedulesPk } from '../../src/model/key-names.ts'
import { ring } from './alarms.ts'
import { forgetInTime } from './event-invoke.ts'
import { assertLiteralKey, type GrantOptions, type GrantScope } from './grants.ts'

/** How a function drives schedules. */
export interface SchedulerProps {
  /** Partition of the schedules, as the function gives it to `schedulesLambda`. @default 'lockrow#schedules' */
  readonly pk?: string
  /**
   * The queues that the messages go to, with all that a push there touches: two grants do not add up within the
   * transaction of a tick. Without them the function may write everywhere in the table.
   */
  readonly to?: Pick<GrantScope, 'pks' | 'queues' | 'pkPrefixes'>
  /**
   * How often the function runs, whole minutes. `leadMs` of `schedulesLambda` must be longer by half a minute.
   * @default one minute (44,000 runs a month, about $0.01)
   */
  readonly every?: cdk.Duration
  /** Alarms when the function throws in 3 of 5 minutes, or has not run in 5 periods. @default true */
  readonly alarms?: boolean
}

/** What it needs of its table. */
export interface SchedulesTable {
  readonly alarmActions: readonly IAlarmAction[]
  grant(grantee: IFunction, options: GrantOptions): Grant
}

/** The resources that let one function drive the schedules of a partition, in the function's stack. */
export class SchedulerFunction extends Construct {
  readonly rule: Rule
  readonly alarms: readonly Alarm[]
  /** Partition of the schedules. */
  readonly pk: string

  constructor(table: SchedulesTable, fn: IFunction, props: SchedulerProps = {}) {
    const { pk = schedulesPk, every = cdk.Duration.minutes(1), to, alarms = true } = props
    assertLiteralKey('addScheduler: pk', pk)
    const seconds = every.toSeconds()
    if (seconds < 60 || seconds > 86_400 || seconds % 60 !== 0)
      throw new Error('addScheduler: every must be whole minutes, from one to a day')
    super(fn, `Scheduler-${pk}`)
    this.pk = pk
    table.grant(fn, { features: ['schedulesLambda'], ...(to && { ...to, schedules: [pk] }) })
    forgetInTime(fn, every)
    this.rule = new Rule(this, 'Rule', {
      schedule: Schedule.rate(every),
      description: 'Drives the schedules of lockrow',
      // By then the next one is due.
      targets: [new LambdaFunction(fn, { maxEventAge: every, retryAttempts: 2 })],
    })
    this.alarms = alarms ? this.#ringOn(fn, every, table.alarmActions) : []
  }

  #ringOn(fn: IFunction, every: cdk.Duration, actions: readonly IAlarmAction[]): Alarm[] {
    const minute = { period: cdk.Duration.minutes(1), statistic: 'Sum' }
    const runs: IMetric = fn.metricInvocations({ period: every, statistic: 'Sum' })
    const [failed, missing] = [
      'Schedules are not driven: the function throws',
      'Schedules are not driven: it does not run',
    ]
    return [
      ring(this, 'FailedRuns', fn.metricErrors(minute), { threshold: 0, datapoints: 3 }, failed!, actions),
      ring(this, 'MissingRuns', runs, { threshold: 1, datapoints: 5 }, missing!, actions, { less: true }),
    ]
  }
}
