import type { Guard, Row } from '../storage.ts'
import { compareNumbers, isNumeric } from './numbers.ts'

/**
 * The rule: an expired row is absent. From the second of its `ttl` on, every read, guard and write treats a row as if
 * DynamoDB had deleted it already. A `ttl` that is not a number, as another program may write it, never expires;
 * DynamoDB does the same.
 */

/** Stores that free expired rows themselves keep them for a while, as DynamoDB does: clocks of several processes differ. */
export const keptExpiredSeconds = 60 * 60

/** Whether a row that was read is there at this moment. */
export const isLive = (row: Row | undefined, nowSeconds: number): row is Row =>
  row !== undefined && !(isNumeric(row.ttl) && compareNumbers(row.ttl, nowSeconds) <= 0)

/** Holds while a row has not expired. It holds for a missing row too: `exists` asks for one. */
export const isLiveGuard = (nowSeconds: number): Guard => ({
  op: 'not',
  of: { op: 'lte', left: { path: ['ttl'] }, right: { value: nowSeconds } },
})

/** Holds where there is no row, or one that has expired and waits for DynamoDB to delete it. */
export const isVacantGuard = (nowSeconds: number): Guard => ({
  op: 'or',
  of: [
    { op: 'absent', path: ['pk'] },
    { op: 'lte', left: { path: ['ttl'] }, right: { value: nowSeconds } },
  ],
})

/** Holds when all of them hold; those that are `undefined` ask for nothing. */
export const allGuards = (...guards: (Guard | undefined)[]): Guard => {
  const of = guards
    .filter((guard) => guard !== undefined)
    .flatMap((guard) => (guard.op === 'and' ? guard.of : [guard]))
  return of.length === 1 ? of[0]! : { op: 'and', of }
}
