/**
 * What a backend provides: a few primitives on raw rows. Locks, queues, conditions and transactions are the
 * engine's; a backend knows none of them.
 */
import type { AtomicDbItemKey } from './interface.ts'

/** A row as it is stored. `pk` and `sk` are the key, `ttl` the expiry; the rest is the engine's. */
export interface Row extends AtomicDbItemKey {
  ttl?: number
  [attribute: string]: unknown
}

/** A place in a row, from its attributes down. */
export type RowPath = readonly (string | number)[]

/** Changes see the row as it was; their paths never overlap. */
export type RowChange =
  | { op: 'set' | 'setIfAbsent'; path: RowPath; value: unknown }
  /** A missing number counts as 0. */
  | { op: 'add'; path: RowPath; value: number | bigint }
  /** A missing list counts as empty. */
  | { op: 'append' | 'prepend'; path: RowPath; value: readonly unknown[] }
  | { op: 'addToSet' | 'removeFromSet'; path: RowPath; value: ReadonlySet<unknown> }
  | { op: 'remove'; path: RowPath }

export type Operand = { path: RowPath } | { sizeOf: RowPath } | { value: unknown }
export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'
/** DynamoDB's names of types. */
export type TypeName = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'L' | 'M' | 'SS' | 'NS' | 'BS'

/** DynamoDB's condition language as data, with its rules (a missing operand satisfies `ne` alone). */
export type Guard =
  | { op: 'and' | 'or'; of: readonly Guard[] }
  | { op: 'not'; of: Guard }
  | { op: 'exists' | 'absent'; path: RowPath }
  | { op: Comparison; left: Operand; right: Operand }
  | { op: 'between'; left: Operand; low: Operand; high: Operand }
  | { op: 'in'; left: Operand; values: readonly unknown[] }
  | { op: 'beginsWith' | 'contains'; path: RowPath; value: unknown }
  | { op: 'type'; path: RowPath; type: TypeName }

/** A guarded operation on one row. A row that is not there has no attributes, `pk` included. */
export type RowOperation =
  /** `old`: `apply` returns the row that was there before instead of the one that is there now. */
  | { op: 'put'; row: Row; guard?: Guard; old?: boolean }
  | { op: 'update'; key: AtomicDbItemKey; changes: readonly RowChange[]; guard?: Guard; old?: boolean }
  | { op: 'delete'; key: AtomicDbItemKey; guard?: Guard; old?: boolean }
  | { op: 'check'; key: AtomicDbItemKey; guard: Guard }

export type RowWrite = { put: Row } | { delete: AtomicDbItemKey }

/**
 * `row`: as it is now when applied (absent after a delete, and with `old`); the one that failed the guard when not.
 */
export interface Applied {
  applied: boolean
  row?: Row
  /** With `old` and applied: the row as it was before; absent when there was none. */
  old?: Row
}

/** A guard that failed: the operation's index and the row that failed it, if there is one. */
export interface FailedGuard {
  index: number
  row?: Row
}

export interface Range {
  pk: string
  /** Only sort keys that begin with this; never together with `from` and `to`. */
  prefix?: string
  /** Only sort keys from this one on, itself included. */
  from?: string
  /** Only sort keys up to this one, itself included. */
  to?: string
  /** Exclusive start, in the direction of reading. */
  after?: string
  reverse?: boolean
  /** At most so many rows are looked at. */
  limit?: number
  /** Return only rows for which this holds; `limit` counts the others too. */
  only?: Guard
  /** Return the number of rows, not the rows. */
  count?: boolean
  /** The places of a row that are needed beside `pk`, `sk`, `ttl` and `version`; a backend may return more. */
  paths?: readonly RowPath[]
}

export interface Page {
  /** Empty with `count`. */
  rows: Row[]
  /** With `count`: how many rows there are on this page. */
  count?: number
  /** Where to go on: `after` of the next page; absent at the end. */
  next?: string
}

/** In the place of a row that `read` has left undone: it is asked for again. */
export const leftUndone: unique symbol = Symbol.for('lockrow.leftUndone') as never

export interface RequestOptions {
  /** Ends the request; the promise may then reject with anything. */
  signal?: AbortSignal | undefined
  /** Called last before the request leaves this process; what it throws ends the request, which was not sent. */
  beforeSending?: (() => void) | undefined
}

export interface ReadRequestOptions extends RequestOptions {
  /** @default true */
  consistent?: boolean
}

/**
 * Each method is one request: the engine splits, waits and repeats, and nothing below it may. What goes wrong is a
 * `StorageFault`; anything else that is thrown counts as 'refused, certainly not applied' and reaches the caller.
 */
export interface Storage {
  /**
   * At most so many rows are given to one `read` and one `write`.
   * @default any number
   */
  readonly batchSizes?: { readonly read: number; readonly write: number }
  /** Rows by distinct keys, in their order. Not one moment. */
  read(
    keys: readonly AtomicDbItemKey[],
    options: ReadRequestOptions,
  ): Promise<(Row | undefined | typeof leftUndone)[]>
  /** Up to 100 rows by distinct keys as of one moment. */
  readTogether(keys: readonly AtomicDbItemKey[], options: RequestOptions): Promise<(Row | undefined)[]>
  /** One page of a partition by order of `sk` in UTF-8 bytes. */
  page(range: Range, options: ReadRequestOptions): Promise<Page>
  /** Writes to distinct keys, unconditional, in no order. Returns those that were left undone. */
  write(writes: readonly RowWrite[], options: RequestOptions): Promise<readonly RowWrite[]>
  /** One guarded operation. */
  apply(operation: RowOperation, options: RequestOptions): Promise<Applied>
  /**
   * Up to 100 guarded operations on distinct keys, all or none. Empty: committed; else the guards that failed.
   * A token counts for ten minutes: the same operations again are answered as committed and not applied twice, others
   * are refused with `mismatch`. A transaction that failed leaves its token unused.
   */
  transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]>
}

/**
 * How a request went wrong.
 * `throttled` and `conflict` (with another transaction): certainly not applied, may be tried again.
 * `unreachable`: no connection was made, certainly not applied.
 * `skewed`: refused for its time, certainly not applied; the clock is corrected and the next try is signed anew.
 * `unknown`: may have been applied, or may yet be (timeout, lost connection, 5xx).
 * `inProgress`: an earlier request with this token is being applied.
 * `mismatch`: this token was used with other operations, certainly not applied.
 * `invalid`: the content does not fit (a change on a field of another type, an item grown too large).
 */
export type FaultKind =
  | 'throttled'
  | 'conflict'
  | 'unreachable'
  | 'skewed'
  | 'unknown'
  | 'inProgress'
  | 'mismatch'
  | 'invalid'

const brand = Symbol.for('lockrow.storageFault')

/** What a backend throws for everything that the engine can deal with. Known by every copy of the package. */
export class StorageFault extends Error {
  readonly kind: FaultKind

  constructor(kind: FaultKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'StorageFault'
    this.kind = kind
    Object.defineProperty(this, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}
