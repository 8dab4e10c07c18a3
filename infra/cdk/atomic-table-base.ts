// What every table of lockrow has, made here or there already: grants, queue workers, alarms and dashboard.

import { Annotations, Stack } from 'aws-cdk-lib'
import type { Alarm, Dashboard, IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { streamReadersKey } from '../../src/model/key-names.ts'
import { STREAM_ACTIONS } from './actions.ts'
import { type QueueAlarmOptions, queueAlarms, type TableAlarmOptions, tableAlarms } from './alarms.ts'
import { TableDashboard } from './dashboard.ts'
import { type GrantOptions, type GrantScope, type GrantTable, grantPurpose, grantUses } from './grants.ts'
import { QueueWorkerFunction } from './queue-worker-function.ts'
import { SchedulerFunction, type SchedulerProps } from './scheduler-function.ts'
import type { QueueWorkerProps } from './worker-props.ts'

/** How a table is watched. */
export interface WatchProps {
  /** `true` for every alarm of the table, or one by one. About $0.10 a month per metric looked at. @default none */
  readonly alarms?: boolean | TableAlarmOptions
  /** What every alarm of this table and of its queues does, such as notifying a topic. @default nothing */
  readonly alarmActions?: readonly IAlarmAction[]
  /** A CloudWatch dashboard ($3 a month; an account's first three are free); `{ name }` names it. @default none */
  readonly dashboard?: boolean | { readonly name?: string }
}

/** A table that lockrow runs on: `AtomicTable` makes one, `AtomicTable.fromTable` takes one that exists. */
export abstract class AtomicTableBase extends Construct {
  abstract readonly tableName: string
  abstract readonly tableArn: string
  abstract readonly encryptionKey: IKey | undefined
  /** ARN of the change stream; undefined while there is none. */
  abstract readonly streamArn: string | undefined
  /** What every alarm of this table does. */
  readonly alarmActions: readonly IAlarmAction[]
  /** Copies in other regions. */
  readonly replicas: readonly { readonly region: string; readonly keyArn?: string }[]
  readonly #alarms: Alarm[] = []
  readonly #queues = new Set<string>()
  #dashboard: TableDashboard | undefined
  #streamReaders = 0

  constructor(scope: Construct, id: string, props: WatchProps, replicas: GrantTable['replicas'] = []) {
    super(scope, id)
    this.alarmActions = [...(props.alarmActions ?? [])]
    this.replicas = replicas
  }

  /** ARN of the stream, switched on where that can be done. Throws an Error that names the property to change. */
  protected abstract requireStream(): string

  /** Alarms and dashboard, once the name of the table is known. */
  protected watch({ alarms = false, dashboard }: WatchProps): void {
    if (dashboard) {
      const name = typeof dashboard === 'object' ? dashboard.name : undefined
      this.#dashboard = new TableDashboard(this, this.tableName, name)
    }
    const regions = this.replicas.map(({ region }) => region)
    this.#register(tableAlarms(this, this.tableName, alarms, this.alarmActions, regions))
  }

  /** Every alarm on the table and its queues made so far. */
  get alarms(): readonly Alarm[] {
    return this.#alarms
  }

  /** The dashboard, if one was asked for. */
  get dashboard(): Dashboard | undefined {
    return this.#dashboard?.dashboard
  }

  /** May read items, locks and queue statistics; changes nothing, not even a lock (`getLock` may have to create one). */
  grantRead(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantPurpose(this, this, grantee, 'read', scope)
  }

  /** May do everything that the library does with rows, and nothing else: no Scan, no change of the table. */
  grantReadWrite(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantPurpose(this, this, grantee, 'readWrite', scope)
  }

  /** May push messages, and not read them. With a scope, name the queue (with `shards`, by `queues`). */
  grantQueueProducer(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantPurpose(this, this, grantee, 'queueProducer', scope)
  }

  /** May pull, acknowledge, release and extend messages. With a scope, name the queue (by `queues`). */
  grantQueueConsumer(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantPurpose(this, this, grantee, 'queueConsumer', scope)
  }

  /**
   * May do what a handler does, method by method, and nothing else.
   *
   * ```ts
   * db.grant(api, { methods: ['get', 'queuePush'], features: ['Mutex'], pks: ['mails', 'locks'] })
   * ```
   */
  grant(grantee: IGrantable, options: GrantOptions): Grant {
    return grantUses(this, this, grantee, options)
  }

  /**
   * May be woken by the table's stream (`streamsWakeUp` of `lockrow/streams`): reads it, and takes part in the election of
   * its readers. For roles that may see all keys of the table: the stream shows them. Not for those of a tenant.
   */
  grantStreamsWakeUp(grantee: IGrantable): Grant {
    const streamArn = this.#readStream()
    const [list, ...read] = [...STREAM_ACTIONS].sort((a) => (a === 'dynamodb:ListStreams' ? -1 : 1))
    // IAM knows no resource for the list of streams.
    return Grant.addToPrincipal({ grantee, actions: read, resourceArns: [streamArn] })
      .combine(Grant.addToPrincipal({ grantee, actions: [list!], resourceArns: ['*'] }))
      .combine(this.grant(grantee, { features: ['streamsWakeUp'], pks: [streamReadersKey('').pk] }))
  }

  /**
   * Runs a function when messages arrive in a queue and on a schedule, with its grants (for this queue and its dead
   * letters only: what else the handler touches needs a grant of its own), limits and alarms.
   * The resources are made beside the function, in its stack.
   */
  addQueueWorker(fn: IFunction, props: QueueWorkerProps): QueueWorkerFunction {
    const worker = new QueueWorkerFunction(
      {
        tableName: this.tableName,
        alarmActions: this.alarmActions,
        requireStream: () => this.#readStream(),
        grantQueueConsumer: (grantee, scope) => this.grantQueueConsumer(grantee, scope),
      },
      fn,
      props,
    )
    for (const pk of worker.pks) {
      if (this.#queues.has(pk)) throw new Error(`addQueueWorker: pk '${pk}' has a worker already`)
      this.#queues.add(pk)
      this.#dashboard?.addQueue(pk)
    }
    this.#register(worker.alarms)
    return worker
  }

  /**
   * Runs a function of `schedulesLambda` (`lockrow/schedules`), with its grant and alarms. The resources are made beside
   * the function, in its stack.
   */
  addScheduler(fn: IFunction, props: SchedulerProps = {}): SchedulerFunction {
    const scheduler = new SchedulerFunction(this, fn, props)
    this.#register(scheduler.alarms)
    return scheduler
  }

  /** Alarms on a queue that no `addQueueWorker` serves, from what `emitQueueMetrics` reports. */
  addQueueAlarms(pk: string, options: boolean | QueueAlarmOptions = true): Alarm[] {
    const alarms = queueAlarms(this, this.tableName, pk, options, this.alarmActions)
    this.#register(alarms)
    this.#dashboard?.addQueue(pk)
    return alarms
  }

  #readStream(): string {
    const streamArn = this.requireStream()
    const most = this.replicas.length > 0 ? 1 : 2
    this.#streamReaders++
    if (this.#streamReaders > most)
      Annotations.of(this).addWarningV2(
        'lockrow:too-many-stream-readers',
        `More than ${most} workers read the stream, which DynamoDB throttles: ` +
          'give one worker several pk, or some of them onInsert: false',
      )
    return streamArn
  }

  #register(alarms: readonly Alarm[]): void {
    this.#alarms.push(...alarms)
    // Alarms in the stack of a function may depend on the table: showing them here would close a circle.
    const here = Stack.of(this)
    this.#dashboard?.addAlarms(alarms.filter((alarm) => Stack.of(alarm) === here))
  }
}
