export { AtomicBuilder, atomic } from './atomic.ts'
export { consume, type TransactionOptions, transaction } from './run.ts'
export { Transaction } from './transaction.ts'
export { type WatchOptions, watch } from './watch.ts'
