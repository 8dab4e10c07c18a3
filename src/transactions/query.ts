import type { AtomicDbQuery } from '../interface.ts'

/** A query within a transaction: its reads are always strong, and end with the transaction. */
export type TransactionQuery = Omit<AtomicDbQuery, 'consistent' | 'fields' | 'signal' | 'timeoutMs'>
