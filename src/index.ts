/**
 * The database, its twin, the cache, transactions, coordination and workers.
 *
 * @module lockrow
 */

export type { Changes } from './contract/changes.ts'
export { absent, allOf, anyOf, type Condition, exists, not, unchanged } from './contract/conditions.ts'
export { type Path, path } from './contract/paths.ts'
export * from './coordination/index.ts'
export type { AtomicDbEvent, RetryOptions } from './engine/retry.ts'
export {
  AtomicDbError,
  BackendError,
  ConditionFailed,
  type Conflict,
  IdempotencyMismatch,
  InvalidInput,
  LeaseLost,
  OutcomeUnknown,
  PartialWrite,
  RaceCondition,
  StaleReceipt,
  Throttled,
} from './errors.ts'
export type {
  AtomicDbDeadLetter,
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbLockedItem,
  AtomicDbOperation,
  AtomicDbPage,
  AtomicDbQuery,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePushOptions,
  AtomicDbQueueStats,
  CallOptions,
  DeleteRangeOptions,
  DeleteRangeResult,
  ReadOptions,
  TransactOptions,
  TransactResult,
  UpdateOptions,
  UpdateResult,
  WriteOptions,
} from './interface.ts'
export * from './jobs/index.ts'
export { AtomicLRUCache, type AtomicLRUCacheOptions, type CacheStats } from './lru/index.ts'
export { AtomicMemoryDb, type AtomicMemoryDbOptions } from './memory/index.ts'
export { field } from './model/field-reference.ts'
export { lockKey } from './model/key-names.ts'
export { shardOf, shardsOf } from './model/shards.ts'
export { emitQueueMetrics, type QueueMetrics } from './otel/emf.ts'
export * from './transactions/index.ts'
export * from './worker/index.ts'
