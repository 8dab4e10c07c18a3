// The table that lockrow runs on, and the way to one that exists already.

import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib'
import {
  AttributeType,
  Billing,
  type CfnGlobalTable,
  ContributorInsightsMode,
  type ITable,
  MultiRegionConsistency,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { AtomicTableBase } from './atomic-table-base.ts'
import { ExistingAtomicTable, type ExistingTableProps, tableByArn, tableByName } from './existing-table.ts'
import type { AtomicTableProps } from './props.ts'
import { KEYS } from './table-keys.ts'
import { STRONG_REFUSED, validateProps } from './validate.ts'

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
export class AtomicTable extends AtomicTableBase {
  /**
   * Grants, workers, alarms and dashboard on a table that exists, or that this app makes otherwise. What is known of
   * its keys, TTL attribute and stream is checked at synth; `npx lockrow check` looks at the table itself.
   *
   * ```ts
   * const db = AtomicTable.fromTable(this, 'Db', Table.fromTableAttributes(this, 'Theirs', { tableName, tableStreamArn }))
   * ```
   */
  static fromTable(
    scope: Construct,
    id: string,
    existing: ITable,
    props: ExistingTableProps = {},
  ): AtomicTableBase {
    return new ExistingAtomicTable(scope, id, existing, props)
  }

  /** As `fromTable`, for a table in the account and region of the stack. */
  static fromTableName(
    scope: Construct,
    id: string,
    tableName: string,
    props: ExistingTableProps = {},
  ): AtomicTableBase {
    return new ExistingAtomicTable(scope, id, (own) => tableByName(own, tableName), props)
  }

  /** As `fromTable`, for a table by its ARN. */
  static fromTableArn(
    scope: Construct,
    id: string,
    tableArn: string,
    props: ExistingTableProps = {},
  ): AtomicTableBase {
    return new ExistingAtomicTable(scope, id, (own) => tableByArn(own, tableArn), props)
  }

  /** The table itself, for whatever is not covered here. Its own `grant*` methods give more than lockrow needs. */
  readonly table: TableV2
  readonly tableName: string
  readonly tableArn: string
  readonly encryptionKey: IKey | undefined
  readonly #resource: CfnGlobalTable
  readonly #forbidsStream: boolean
  #hasStream: boolean

  constructor(scope: Construct, id: string, props: AtomicTableProps = {}) {
    super(scope, id, props, props.replicas)
    validateProps(this, props)
    this.encryptionKey = props.encryptionKey
    this.#forbidsStream = props.stream === false

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
    this.watch(props)
  }

  get streamArn(): string | undefined {
    return this.#hasStream ? this.#resource.attrStreamArn : undefined
  }

  protected requireStream(): string {
    if (this.#forbidsStream)
      throw new Error(
        `AtomicTable '${this.node.path}': stream: false leaves addQueueWorker nothing to wake on; ` +
          'allow the stream, or give the worker onInsert: false',
      )
    if (!this.#hasStream) this.#resource.streamSpecification = { streamViewType: StreamViewType.KEYS_ONLY }
    this.#hasStream = true
    return this.#resource.attrStreamArn
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
