import type { AtomicDbItemKey, CallOptions } from '../../interface.ts'
import { milliseconds, wholeNumber } from '../../model/checks.ts'
import { callOptions, optionsCheck } from '../../model/options-check.ts'

/** How a migration is run. */
export interface MigrateOptions extends CallOptions {
  /** Units that it writes in a second, in the mean. @default 200 */
  readonly wruPerSecond?: number
  /** Ends after the page that is under way, and returns where it is. `signal` breaks off at once. */
  readonly stop?: AbortSignal
  /** The same after so long, ms. @default no limit */
  readonly forMs?: number
  /** Waits for programs of earlier versions to end, instead of returning `waiting`. @default false */
  readonly wait?: boolean
  /**
   * Takes the right to write from programs of earlier versions: their writes fail with `NewerVersion`, half an hour from now
   * at the latest. Otherwise the migration is over only when they have ended by themselves. @default false
   */
  readonly refuseEarlier?: boolean
  /** How many items are written at once. @default 16 */
  readonly concurrency?: number
  /** Called after each page. */
  readonly onProgress?: (progress: MigrationProgress) => unknown
}

/** How far a migration is. */
export interface MigrationProgress {
  readonly collection: string
  readonly version: number
  /**
   * `fill`: items are upgraded beside programs of earlier versions. `last`: the same again when these have ended. `clean`:
   * rows of removed indexes are deleted. `waiting`: for programs of earlier versions.
   */
  readonly phase: 'fill' | 'last' | 'clean' | 'waiting'
  /** Rows that this phase has read, also before this run. */
  readonly looked: number
  /** Items that this phase has written (`clean`: rows that it has deleted), also before this run. */
  readonly written: number
  readonly wru: number
}

/** An item that cannot be upgraded as it is. */
export interface MigrationProblem {
  readonly key: AtomicDbItemKey
  /** Of the error: `NotUnique`, `SchemaMismatch`, ... */
  readonly code: string
  readonly message: string
}

/** Where a migration is. */
export interface MigrationResult {
  readonly collection: string
  readonly version: number
  /**
   * `complete`: every item is of this version, all indexes can be read. `unfinished`: call again. `waiting`: every item that was
   * found is upgraded, and programs of earlier versions may still write until `waitUntil`. `blocked`: some items cannot be
   * upgraded: mend them (`problems`), and call again.
   */
  readonly state: 'complete' | 'unfinished' | 'waiting' | 'blocked'
  /** Of this run: rows read, items written, rows of removed indexes deleted, units for both. */
  readonly looked: number
  readonly written: number
  readonly removed: number
  readonly wru: number
  /** At most 100 of them. */
  readonly problems: readonly MigrationProblem[]
  readonly waitUntil?: Date
}

const checkMigrate = /* @__PURE__ */ optionsCheck<MigrateOptions>(() => [
  {
    ...callOptions,
    wruPerSecond: true,
    stop: true,
    forMs: true,
    wait: 'boolean',
    refuseEarlier: 'boolean',
    concurrency: true,
    onProgress: true,
  },
  {
    rate: "use 'wruPerSecond'",
    limit: "use 'wruPerSecond'",
    dryRun: 'use planMigration(collection)',
    force: "use 'refuseEarlier'",
  },
])

export const defaultWru = 200
const defaultConcurrency = 16

export function checkedMigrate(options: MigrateOptions) {
  checkMigrate(options)
  const { wruPerSecond = defaultWru, concurrency = defaultConcurrency, forMs } = options
  if (wruPerSecond !== Number.POSITIVE_INFINITY) wholeNumber(wruPerSecond, 'options.wruPerSecond', { min: 1 })
  wholeNumber(concurrency, 'options.concurrency', { min: 1, max: 100 })
  if (forMs !== undefined) milliseconds(forMs, 'options.forMs')
  return { ...options, wruPerSecond, concurrency }
}
