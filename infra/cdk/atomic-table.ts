// The table that lockrow runs on, with its grants, queue workers, alarms and dashboard.

import { Annotations, RemovalPolicy, Stack, Token } from 'aws-cdk-lib'
import type { Alarm, Dashboard, IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch'
import {
  AttributeType,
  Billing,
  type CfnGlobalTable,
  ContributorInsightsMode,
  MultiRegionConsistency,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb'
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { type QueueAlarmOptions, queueAlarms, tableAlarms } from './alarms.ts'
import { TableDashboard } from './dashboard.ts'
import { type GrantScope, grantTable } from './grants.ts'
import type { AtomicTableProps } from './props.ts'
import { QueueWorkerFunction } from './queue-worker-function.ts'
import { STRONG_REFUSED, validateProps } from './validate.ts'
import type { QueueWorkerProps } from './worker-props.ts'

/** Names of the key and TTL attributes, as the library writes them. */
const KEYS = { partition: 'pk', sort: 'sk', ttl: 'ttl' } as const

/**
 * One DynamoDB table for lockrow: keys `pk` and `sk` (strings), expiry by `ttl`, on-demand, encrypted, backed up,
 * protected from deletion.
 *
 * ```ts
 * const db = new AtomicTable(this, 'Db', { alarms: true, dashboard: true })
 * db.grantReadWrite(api)
 * db.addQueueWorker(worker, { pk: 'orders#outbox', maxConcurrency: 5 })
 * ```
 */
export class AtomicTable extends Construct {
  /** The table itself, for whatever is not covered here. Its own `grant*` methods give more than lockrow needs. */
  readonly table: TableV2
  readonly tableName: string
  readonly tableArn: string
  readonly encryptionKey: IKey | undefined
  /** What every alarm of this table does. */
  readonly alarmActions: readonly IAlarmAction[]
  readonly #resource: CfnGlobalTable
  readonly #dashboard: TableDashboard | undefined
  readonly #alarms: Alarm[] = []
  readonly #forbidsStream: boolean
  #hasStream: boolean
  readonly #streamReaders: { readonly most: number; count: number }
  readonly #queues = new Set<string>()

  constructor(scope: Construct, id: string, props: AtomicTableProps = {}) {
    super(scope, id)
    validateProps(this, props)
    this.encryptionKey = props.encryptionKey
    this.alarmActions = [...(props.alarmActions ?? [])]
    this.#forbidsStream = props.stream === false
    this.#streamReaders = { most: props.replicas?.length ? 1 : 2, count: 0 }

    this.table = makeTable(this, props)
    this.tableName = this.table.tableName
    this.tableArn = this.table.tableArn
    this.#resource = this.table.node.defaultChild as CfnGlobalTable
    if (props.encryptionKey && Token.isUnresolved(Stack.of(this).region)) {
      // TableV2 takes a key only where the region is known, though the only replica is then the stack's own.
      this.#resource.addPropertyOverride('Replicas.0.SSESpecification', {
        KMSMasterKeyId: props.encryptionKey.keyArn,
      })
    }
    this.#hasStream = Boolean(props.stream || props.replicas?.length)
    // Once more at synthesis, for a table changed through its L1 in between.
    this.node.addValidation({
      validate: () =>
        this.#resource.multiRegionConsistency === MultiRegionConsistency.STRONG ? [STRONG_REFUSED] : [],
    })

    if (props.dashboard) {
      const name = typeof props.dashboard === 'object' ? props.dashboard.name : undefined
      this.#dashboard = new TableDashboard(this, this.tableName, name)
    }
    const regions = (props.replicas ?? []).map(({ region }) => region)
    this.#register(tableAlarms(this, this.tableName, props.alarms ?? false, this.alarmActions, regions))
  }

  /** Every alarm on the table and its queues made so far. */
  get alarms(): readonly Alarm[] {
    return this.#alarms
  }

  /** The dashboard, if one was asked for. */
  get dashboard(): Dashboard | undefined {
    return this.#dashboard?.dashboard
  }

  /** ARN of the change stream; undefined while there is none. */
  get streamArn(): string | undefined {
    return this.#hasStream ? this.#resource.attrStreamArn : undefined
  }

  /** May read items, locks and queue statistics; changes nothing, not even a lock (`getLock` may have to create one). */
  grantRead(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantTable(this, this, grantee, 'read', scope)
  }

  /** May do everything that the library does with rows, and nothing else: no Scan, no change of the table. */
  grantReadWrite(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantTable(this, this, grantee, 'readWrite', scope)
  }

  /** May push messages, and not read them. With a scope, name the queue (with `shards`, by `queues`). */
  grantQueueProducer(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantTable(this, this, grantee, 'queueProducer', scope)
  }

  /** May pull, acknowledge, release and extend messages. With a scope, name the queue (by `queues`). */
  grantQueueConsumer(grantee: IGrantable, scope?: GrantScope): Grant {
    return grantTable(this, this, grantee, 'queueConsumer', scope)
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
        requireStream: () => this.#requireStream(),
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

  /** Alarms on a queue that no `addQueueWorker` serves, from what `emitQueueMetrics` reports. */
  addQueueAlarms(pk: string, options: boolean | QueueAlarmOptions = true): Alarm[] {
    const alarms = queueAlarms(this, this.tableName, pk, options, this.alarmActions)
    this.#register(alarms)
    this.#dashboard?.addQueue(pk)
    return alarms
  }

  #requireStream(): string {
    if (this.#forbidsStream)
      throw new Error(
        `AtomicTable '${this.node.path}': stream: false leaves addQueueWorker nothing to wake on; ` +
          'allow the stream, or give the worker onInsert: false',
      )
    if (!this.#hasStream) this.#resource.streamSpecification = { streamViewType: StreamViewType.KEYS_ONLY }
    this.#hasStream = true
    this.#streamReaders.count++
    if (this.#streamReaders.count > this.#streamReaders.most)
      Annotations.of(this).addWarningV2(
        'lockrow:too-many-stream-readers',
        `More than ${this.#streamReaders.most} workers read the stream, which DynamoDB throttles: ` +
          'give one worker several pk, or some of them onInsert: false',
      )
    return this.#resource.attrStreamArn
  }

  #register(alarms: readonly Alarm[]): void {
    this.#alarms.push(...alarms)
    // Alarms in the stack of a function may depend on the table: showing them here would close a circle.
    const here = Stack.of(this)
    this.#dashboard?.addAlarms(alarms.filter((alarm) => Stack.of(alarm) === here))
  }
}

function makeTable(scope: Construct, props: AtomicTableProps): TableV2 {
  const { encryptionKey, replicas = [], contributorInsights = 'throttled', stream } = props
  const deletionProtection = props.deletionProtection ?? true
  const pointInTimeRecovery = props.pointInTimeRecovery ?? true
  const keyArns = Object.fromEntries(
    replicas.flatMap(({ region, keyArn }) => (keyArn ? [[region, keyArn]] : [])),
  )
  return new TableV2(scope, 'Table', {
    partitionKey: { name: KEYS.partition, type: AttributeType.STRING },
    sortKey: { name: KEYS.sort, type: AttributeType.STRING },
    timeToLiveAttribute: KEYS.ttl,
    ...(props.tableName !== undefined && { tableName: props.tableName }),
    billing: Billing.onDemand({
      ...(props.maxReadRequestUnits !== undefined && { maxReadRequestUnits: props.maxReadRequestUnits }),
      ...(props.maxWriteRequestUnits !== undefined && { maxWriteRequestUnits: props.maxWriteRequestUnits }),
    }),
    ...(props.warmThroughput && { warmThroughput: props.warmThroughput }),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    deletionProtection,
    pointInTimeRecoverySpecification: {
      pointInTimeRecoveryEnabled: pointInTimeRecovery,
      ...(props.recoveryPeriodInDays !== undefined && { recoveryPeriodInDays: props.recoveryPeriodInDays }),
    },
    encryption:
      encryptionKey && !Token.isUnresolved(Stack.of(scope).region)
        ? TableEncryptionV2.customerManagedKey(encryptionKey, keyArns)
        : TableEncryptionV2.awsManagedKey(),
    ...(stream && { dynamoStream: stream }),
    contributorInsightsSpecification: contributorInsights
      ? {
          enabled: true,
          mode:
            contributorInsights === 'all'
              ? ContributorInsightsMode.ACCESSED_AND_THROTTLED_KEYS
              : ContributorInsightsMode.THROTTLED_KEYS,
        }
      : { enabled: false },
    ...(replicas.length > 0 && {
      replicas: replicas.map((replica) => ({
        region: replica.region,
        deletionProtection: replica.deletionProtection ?? deletionProtection,
      })),
    }),
  })
}
