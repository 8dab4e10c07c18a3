export * from './changes.ts'
export {
  absent,
  allOf,
  anyOf,
  type CombinedCondition,
  type Condition,
  exists,
  type FieldCondition,
  type FieldConditions,
  type FieldReference,
  type FieldTests,
  type FieldTestsOfSize,
  field,
  not,
  unchanged,
} from './conditions.ts'
export * from './coordination/index.ts'
export { applyChanges, satisfies } from './engine/apply.ts'
export { AtomicEngine, type EngineOptions } from './engine/engine.ts'
export { lockKey } from './engine/keys.ts'
export type { AtomicDbEvent, RetryOptions } from './engine/retry.ts'
export * from './errors.ts'
export { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from './forwarding.ts'
export * from './interface.ts'
export { type InvocationTime, type RemainingTimeOptions, remainingTime } from './lambda.ts'
export { AtomicLRUCache, type AtomicLRUCacheOptions, type CacheStats } from './lru/index.ts'
export { AtomicMemoryDb, type AtomicMemoryDbOptions } from './memory/index.ts'
export { emitQueueMetrics, type QueueMetrics } from './metrics/emf.ts'
export { type Path, path } from './paths.ts'
export type { PathOf } from './places.ts'
export * from './queue/index.ts'
export * from './recipes/index.ts'
export * from './recipes/unique.ts'
export { type Runtime, systemRuntime } from './runtime.ts'
export { shardOf, shardsOf } from './shards.ts'
export type * from './storage.ts'
export { StorageFault } from './storage.ts'
export * from './transactions/index.ts'
