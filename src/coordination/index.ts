export { Counter, type CounterOptions } from './counter.ts'
export { fenced, fencedWrite } from './fencing.ts'
export type { ExtendOptions, FencedLease, HeldLease, KeepOptions } from './held-lease.ts'
export { type IdempotentOptions, InProgress, idempotent } from './idempotent.ts'
export { KeyValue } from './key-value.ts'
export { Liveness, type LivenessOptions, ProcessDraining, type ProcessStatus } from './liveness.ts'
export { Mutex } from './mutex.ts'
export {
  type AcquireResult,
  type MutexOptions,
  type MutexRun,
  type MutexState,
  NotAcquired,
  type RunOptions,
} from './mutex-row.ts'
export { type NonceOptions, NonceSequence } from './nonce.ts'
export { type RateLimit, RateLimiter, type RateLimitResult } from './rate-limiter.ts'
export { ReadWriteLock, type ReadWriteLockOptions } from './read-write-lock.ts'
export { Semaphore, type SemaphoreOptions } from './semaphore.ts'
export type { WaitOptions } from './wait-for.ts'
