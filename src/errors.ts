import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemLock } from './interface.ts'

const brand = Symbol.for('lockrow.error')

/** What failed in a call, and what is there instead, where the backend told. */
export interface Conflict {
  /** Position of the operation in the list given to `transact`, or of the lock or item given to `setAtomic`. */
  readonly index: number
  readonly key: AtomicDbItemKey
  /**
   * Somebody was faster. `lock`: its version changed. `value`: the item is not what was read. `receipt`: the message is
   * no longer ours. `conflict`: others kept writing it.
   * The caller's own condition. `condition`: `if` does not hold. `exists`: there is one already.
   */
  readonly reason: 'lock' | 'value' | 'receipt' | 'conflict' | 'condition' | 'exists'
  /** The tests of `if` that do not hold, by name: `stock.gte`, `state`, `absent`. */
  readonly failed?: readonly string[]
  /** The row as it is now: `undefined` when there is none, or when the backend did not return it. */
  readonly current?: AtomicDbItem | AtomicDbItemLock
}

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
  /** The rows concerned, where that is known. */
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
 * Somebody was faster: something changed since it was read. Nothing was written; read again and run again.
 * Where a condition of your own failed beside it, this is thrown all the same: after a new read it may hold.
 */
export class RaceCondition extends AtomicDbError {
  static override readonly code = 'RaceCondition'
  readonly conflicts: readonly Conflict[]
  /** How many times the work was tried before giving up. */
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
 * Your own condition does not hold: an `if`, or `setIfAbsent` (a push with a key of its own) where there is one already.
 * Nothing was written, and the same call fails again while the row is as it is: 'sold out', 'name taken'.
 */
export class ConditionFailed extends AtomicDbError {
  static override readonly code = 'ConditionFailed'
  readonly conflicts: readonly Conflict[]

  constructor(message: string, conflicts: readonly Conflict[], details: { cause?: unknown } = {}) {
    super(message, { keys: conflicts.map((c) => c.key), cause: details.cause })
    this.conflicts = conflicts
  }
}

/** The call itself is wrong; raised before anything is sent, the same on every backend. */
export class InvalidInput extends AtomicDbError {
  static override readonly code = 'InvalidInput'
  /** Where in the input: `pk`, `items[3].data.when`, `changes.add.stock`. */
  readonly field: string
  /** The limit that was passed, where there is one. */
  readonly limit: number | undefined
  /** What was given, shortened and without its contents. */
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

/** The message was handed out again (or is gone): this receipt no longer counts. Nothing was changed. */
export class StaleReceipt extends AtomicDbError {
  static override readonly code = 'StaleReceipt'
}

/** The reply was lost and it cannot be told whether the write happened. Read, then decide; or use `exactlyOnce`. */
export class OutcomeUnknown extends AtomicDbError {
  static override readonly code = 'OutcomeUnknown'
}

/** An `idempotencyKey` was used again within its ten minutes, with other content. Nothing was written. */
export class IdempotencyMismatch extends AtomicDbError {
  static override readonly code = 'IdempotencyMismatch'
}

/** A batch could not be written whole within the retry budget. `keys` lists what was *not* (certainly) written. */
export class PartialWrite extends AtomicDbError {
  static override readonly code = 'PartialWrite'
}

/** The backend kept refusing for lack of throughput. Nothing was written. */
export class Throttled extends AtomicDbError {
  static override readonly code = 'Throttled'
}

/** The backend refused or could not be reached; `cause` is its own error, the message says what to do where we know. */
export class BackendError extends AtomicDbError {
  static override readonly code = 'BackendError'
}

/** A mutex, permit or other lease is no longer ours. */
export class LeaseLost extends AtomicDbError {
  static override readonly code = 'LeaseLost'
}
