import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemLock } from './contract/items.ts'

const brand = Symbol.for('lockrow.error')

/** An operation that failed, and what is there instead, where the backend told. */
export interface Conflict {
  /** Position of the operation in the list given to `transact`, or of the lock or item given to `setAtomic`. */
  readonly index: number
  readonly key: AtomicDbItemKey
  /**
   * Where somebody was faster: `lock` (its version changed), `value` (the item is not what was read), `receipt` (the
   * message is no longer ours), `conflict` (others kept writing it).
   * Where the caller's own condition failed: `condition` (`if` does not hold), `exists` (there is an item already).
   */
  readonly reason: 'lock' | 'value' | 'receipt' | 'conflict' | 'condition' | 'exists'
  /** The tests of `if` that do not hold, by name: `stock.gte`, `state`, `absent`. */
  readonly failed?: readonly string[]
  /** The row as it is now. `undefined` when there is none, or when the backend did not return it. */
  readonly current?: AtomicDbItem | AtomicDbItemLock
}

/** What an error knows beside its text. */
export interface ErrorDetails {
  readonly keys?: readonly AtomicDbItemKey[]
  readonly cause?: unknown
}

/**
 * Base of every error that lockrow throws. `code` is stable and meant for programs, `message` for people.
 * `instanceof` also works between two copies of the package (ESM and CJS, or two versions).
 * Messages name keys, never `data`.
 */
export class AtomicDbError extends Error {
  static readonly code: string = 'AtomicDbError'
  readonly code: string
  /** The keys of the rows concerned, where they are known. */
  readonly keys: readonly AtomicDbItemKey[]

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = new.target.code
    this.name = this.code
    this.keys = details.keys ?? []
    Object.defineProperty(this, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that instanceof was asked about
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    if (typeof value !== 'object' || value === null || !(brand in value)) return false
    // biome-ignore lint/complexity/noThisInStatic: the class that instanceof was asked about
    if (this === AtomicDbError) return true
    // biome-ignore lint/complexity/noThisInStatic: a user's subclass must not match its parent's errors
    return Object.hasOwn(this, 'code') && (value as { code?: unknown }).code === this.code
  }
}

/**
 * Somebody was faster: something changed since it was read. Nothing was written. Read again and try again.
 * A condition of your own that failed in the same call is listed too: it may hold after a new read.
 */
export class RaceCondition extends AtomicDbError {
  static override readonly code = 'RaceCondition'
  readonly conflicts: readonly Conflict[]
  /** Number of attempts before giving up. */
  readonly attempts: number

  constructor(
    message: string,
    conflicts: readonly Conflict[],
    details: { cause?: unknown; attempts?: number } = {},
  ) {
    super(message, { keys: conflicts.map((c) => c.key), cause: details.cause })
    this.conflicts = conflicts
    this.attempts = details.attempts ?? 1
  }
}

/**
 * Your own condition does not hold: an `if`, or the absence that `setIfAbsent` and a push with an `sk` ask for.
 * Nothing was written. The same call fails again as long as the row stays as it is: 'sold out', 'name taken'.
 */
export class ConditionFailed extends AtomicDbError {
  static override readonly code: string = 'ConditionFailed'
  readonly conflicts: readonly Conflict[]

  constructor(message: string, conflicts: readonly Conflict[], details: { cause?: unknown } = {}) {
    super(message, { keys: conflicts.map((c) => c.key), cause: details.cause })
    this.conflicts = conflicts
  }
}

/** The call itself is wrong. Thrown before anything is sent, with the same message on every backend. */
export class InvalidInput extends AtomicDbError {
  static override readonly code: string = 'InvalidInput'
  /** Where in the input: `pk`, `items[3].data.when`, `changes.add.stock`. */
  readonly field: string
  /** The limit that was exceeded, where there is one. */
  readonly limit: number | undefined
  /** What was given, shortened and without contents. */
  readonly given: string | undefined

  constructor(
    field: string,
    problem: string,
    details: ErrorDetails & { limit?: number; given?: string } = {},
  ) {
    const given = details.given === undefined ? '' : `, got ${details.given}`
    super(`${field}: ${problem}${given}`, details)
    this.field = field
    this.limit = details.limit
    this.given = details.given
  }
}

/** The message was handed out again, or is gone, so this receipt no longer counts. Nothing was changed. */
export class StaleReceipt extends AtomicDbError {
  static override readonly code = 'StaleReceipt'
}

/** A reply was lost, and nobody can tell whether the write happened. Read and decide, or use `exactlyOnce`. */
export class OutcomeUnknown extends AtomicDbError {
  static override readonly code = 'OutcomeUnknown'
}

/** An `idempotencyKey` was used again with other content while it is remembered. Nothing was written. */
export class IdempotencyMismatch extends AtomicDbError {
  static override readonly code = 'IdempotencyMismatch'
}

/**
 * A batch was not written completely when the retries were used up. `keys` lists the rows that were not certainly
 * written. `deleteRange`, `queuePurge` and `queueRedrive` ended early: `done` says how much was done, and another call
 * goes on.
 */
export class PartialWrite extends AtomicDbError {
  static override readonly code = 'PartialWrite'
  /** For work in slices: number of rows that are certainly done. */
  readonly done: number | undefined

  constructor(message: string, details: ErrorDetails & { done?: number } = {}) {
    super(message, details)
    this.done = details.done
  }
}

/** The backend kept refusing for lack of throughput. Nothing was written. */
export class Throttled extends AtomicDbError {
  static override readonly code = 'Throttled'
}

/** The backend refused, or could not be reached. `cause` is its own error; the message says what to do. */
export class BackendError extends AtomicDbError {
  static override readonly code = 'BackendError'
}

/** A mutex, permit or other lease is no longer ours. */
export class LeaseLost extends AtomicDbError {
  static override readonly code = 'LeaseLost'
}
