import { InvalidInput } from '../../errors.ts'
import { checkFunction, milliseconds } from '../../model/checks.ts'
import { optionsCheck } from '../../model/options-check.ts'
import { type LambdaContext, remainingMs } from '../../worker/remaining-time.ts'
import { worldOf } from '../world.ts'
import { migrate } from './migrate.ts'
import { checkedMigrate, type MigrateOptions, type MigrationResult } from './options.ts'

/** Options of `migrationLambda`. */
export interface MigrationLambdaOptions
  extends Pick<MigrateOptions, 'wruPerSecond' | 'concurrency' | 'refuseEarlier' | 'onProgress'> {
  /** How long before the end of its time the function returns, ms. @default 10000 */
  readonly reserveMs?: number
  /**
   * Called when there is more to do now: invoke the function again, asynchronously. Without it a schedule does that, or the
   * loop of a state machine that looks at `done`.
   */
  readonly again?: (result: MigrationLambdaResult) => unknown
}

/** What an invocation of `migrationLambda` returns. */
export interface MigrationLambdaResult {
  /** Every collection is complete. */
  readonly done: boolean
  readonly collections: readonly MigrationResult[]
}

const checkLambda = /* @__PURE__ */ optionsCheck<MigrationLambdaOptions>(() => [
  {
    wruPerSecond: true,
    concurrency: true,
    refuseEarlier: 'boolean',
    onProgress: true,
    reserveMs: true,
    again: true,
  },
])

/**
 * A Lambda handler that migrates collections one after the other, within the time of its invocation: each invocation goes on
 * where the one before has ended. Give the function `grant(fn, { features: ['migrate'] })` and a concurrency of 1.
 *
 * @example
 * ```ts
 * export const handler = migrationLambda([users, tasks], { wruPerSecond: 500 })
 * ```
 */
export function migrationLambda(
  collections: readonly object[],
  options: MigrationLambdaOptions = {},
): (event: unknown, context: LambdaContext) => Promise<MigrationLambdaResult> {
  checkLambda(options)
  const { reserveMs = 10_000, again, ...run } = options
  if (!Array.isArray(collections) || collections.length === 0)
    throw new InvalidInput('collections', 'must be a list of collections')
  for (const [i, one] of collections.entries()) worldOf(one, `collections[${i}]`)
  milliseconds(reserveMs, 'options.reserveMs')
  if (again !== undefined) checkFunction(again, 'options.again')
  checkedMigrate(run)
  return async (_event, context) => {
    const results: MigrationResult[] = []
    for (const collection of collections) {
      const forMs = remainingMs(context) - reserveMs
      if (forMs <= 0) break
      results.push(await migrate(collection, { ...run, forMs }))
    }
    const done = results.length === collections.length && results.every(({ state }) => state === 'complete')
    const result = { done, collections: results }
    const hasMore = results.length < collections.length || results.some(({ state }) => state === 'unfinished')
    if (hasMore) await again?.(result)
    return result
  }
}
