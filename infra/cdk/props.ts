// What can be asked of an AtomicTable.

import type { RemovalPolicy } from 'aws-cdk-lib'
import type { MultiRegionConsistency, StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { WatchProps } from './atomic-table-base.ts'

/**
 * A copy of the table in another region, eventually consistent.
 *
 * **What this does to locks.** Conditions and transactions are atomic within one region only: they look at that
 * region's copy, and what they write reaches the others about a second later, where the last writer wins item by
 * item. So a lock, a mutex, a counter or a claimed message holds *in the region where it was taken* and nowhere
 * else: two regions can each bump version 1 of the same lock, each with success, and one update is lost without an
 * error. A transaction arrives in the other region row by row, so readers there can see half of it.
 *
 * Use replicas to read near the user and to fail over; let every partition key be *written* in one region only.
 * On failover, wait until replication has caught up (`ReplicationLatency`) before the other region writes.
 */
export interface AtomicTableReplica {
  /** Region of the copy, such as `eu-central-1`; not the stack's own. */
  readonly region: string
  /** ARN of a KMS key in that region: needed for each replica when the table has `encryptionKey`. */
  readonly keyArn?: string
  /** As for the table. @default the table's */
  readonly deletionProtection?: boolean
}

/** Read and write units per second that the table takes at once, without warming up. Paid once, when set. */
export interface AtomicTableWarmThroughput {
  /** At least 12,000, what a new on-demand table has for nothing. */
  readonly readUnitsPerSecond?: number
  /** At least 4,000, what a new on-demand table has for nothing. */
  readonly writeUnitsPerSecond?: number
}

/** Properties of {@link AtomicTable}. Left out entirely they give a safe table that costs nothing while idle. */
export interface AtomicTableProps extends WatchProps {
  /** 3 to 255 of `a-z A-Z 0-9 _ . -`. @default made by CloudFormation, which can then replace the table */
  readonly tableName?: string

  /** Ceiling on read request units a second, a guard against a runaway bill. @default none (the account's quota) */
  readonly maxReadRequestUnits?: number
  /** Ceiling on write request units a second. A queued message costs 3 at 1 KB. @default none (the account's quota) */
  readonly maxWriteRequestUnits?: number
  /** @default none asked for: 12,000 reads and 4,000 writes a second */
  readonly warmThroughput?: AtomicTableWarmThroughput

  /** What becomes of the table when it leaves the stack. DESTROY needs `deletionProtection: false`. @default RETAIN */
  readonly removalPolicy?: RemovalPolicy
  /** Nobody deletes the table before switching this off. @default true */
  readonly deletionProtection?: boolean
  /** Continuous backups, about $0.20 per GB and month. @default true */
  readonly pointInTimeRecovery?: boolean
  /** How far back, 1 to 35 days. @default 35 */
  readonly recoveryPeriodInDays?: number

  /** Your own KMS key; grants then include its use through DynamoDB. @default the key `aws/dynamodb`, managed by AWS */
  readonly encryptionKey?: IKey

  /**
   * The table's change stream. `false` forbids it, and with it queue workers that wake on messages.
   * @default none until the first `addQueueWorker`, which needs and switches on KEYS_ONLY;
   * with replicas NEW_AND_OLD_IMAGES, the only one that DynamoDB accepts there
   */
  readonly stream?: StreamViewType | false

  /**
   * CloudWatch Contributor Insights: which keys are hot. `throttled` watches throttled requests only and so costs
   * nothing while there are none; `all` is billed per event.
   * @default 'throttled'
   */
  readonly contributorInsights?: 'throttled' | 'all' | false

  /** Copies in other regions: read at {@link AtomicTableReplica} what that does to locks. @default none */
  readonly replicas?: readonly AtomicTableReplica[]
  /**
   * Refused when STRONG: DynamoDB then has neither transactions (every atomic commit of lockrow is one) nor TTL
   * (locks and leases would never expire).
   * @default EVENTUAL
   */
  readonly multiRegionConsistency?: MultiRegionConsistency
}
