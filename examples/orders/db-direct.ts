import type { AtomicDbInterface } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/direct'
import { tableName } from './table-name.ts'

/**
 * The database of one Lambda process without the AWS SDK: give it to the handlers in place of that of `db.ts`. After a
 * freeze no connection is used that may be dead, and one that is dead all the same holds an invocation for 3 s at most.
 */
export const openDb = (): AtomicDbInterface =>
  new AtomicDynamoDB({ connectTimeoutMs: 1000, firstByteTimeoutMs: 3000 }, tableName())
