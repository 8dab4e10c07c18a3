/**
 * The table that lockrow runs on, for the AWS CDK.
 *
 * @module lockrow/cdk
 */

export {
  ACTIONS,
  actionsOf,
  type GrantPurpose,
  KEY_ACTIONS,
  QUEUE_CONSUMER_ACTIONS,
  QUEUE_PRODUCER_ACTIONS,
  READ_ACTIONS,
  READ_WRITE_ACTIONS,
  STREAM_ACTIONS,
} from './actions.ts'
export type { AlarmTuning, QueueAlarmOptions, TableAlarmOptions } from './alarms.ts'
export { AtomicTable } from './atomic-table.ts'
export { AtomicTableBase, type WatchProps } from './atomic-table-base.ts'
export type { ExistingTableProps } from './existing-table.ts'
export type { GrantOptions, GrantScope } from './grants.ts'
export type { GrantFeature, GrantMethod, GrantUses } from './methods.ts'
export type { AtomicTableProps, AtomicTableReplica, AtomicTableWarmThroughput } from './props.ts'
export { DEAD_LETTER_SUFFIX, type QueueScope } from './queue-keys.ts'
export { QueueWorkerFunction } from './queue-worker-function.ts'
export { SchedulerFunction, type SchedulerProps } from './scheduler-function.ts'
export { TagPrefix, tenantTag } from './tenant-tag.ts'
export { WakeUps } from './wake-ups.ts'
export type { QueueWorkerProps, WorkerAlarmOptions } from './worker-props.ts'
