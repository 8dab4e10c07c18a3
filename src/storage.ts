/**
 * What a backend provides: a few primitives on raw rows. The engine makes locks, queues, conditions and transactions
 * out of them; a backend knows none of these.
 */
import type { AtomicDbItemKey } from './contract/items.ts'

/** A row as it is stored. `pk` and `sk` are the key, `ttl` is the expiry. All other attributes belong to the engine. */
export interface Row extends AtomicDbItemKey {
  ttl?: number
  [attribute: string]: unknown
}

/** A path in a row, from its attributes down. */
export type RowPath = readonly (string | number)[]

/** One change of a row. All changes of an operation see the row as it was before. Their paths never overlap. */
export type RowChange =
  | { op: 'set' | 'setIfAbsent'; path: RowPath; value: unknown }
  /** A missing number counts as 0. */
  | { op: 'add'; path: RowPath; value: number | bigint }
  /** A missing list counts as empty. */
  | { op: 'append' | 'prepend'; path: RowPath; value: readonly unknown[] }
  | { op: 'addToSet' | 'removeFromSet'; path: RowPath; value: ReadonlySet<unknown> }
  | { op: 'remove'; path: RowPath }

/** One side of a comparison: a field, the size of a field, or a value. */
export type Operand = { path: RowPath } | { sizeOf: RowPath } | { value: unknown }
/** DynamoDB's comparisons. */
export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'
/** DynamoDB's names of types. */
export type TypeName = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'L' | 'M' | 'SS' | 'NS' | 'BS'

/** DynamoDB's condition language as data, with DynamoDB's rules: a missing operand satisfies only `ne`. */
export type Guard =
  | { op: 'and' | 'or'; of: readonly Guard[] }
  | { op: 'not'; of: Guard }
  | { op: 'exists' | 'absent'; path: RowPath }
  | { op: Comparison; left: Operand; right: Operand }
  | { op: 'between'; left: Operand; low: Operand; high: Operand }
  | { op: 'in'; left: Operand; values: readonly unknown[] }
  | { op: 'beginsWith' | 'contains'; path: RowPath; value: unknown }
  | { op: 'type'; path: RowPath; type: TypeName }

/** A guarded operation on one row. A missing row has no attributes, not even `pk`. */
export type RowOperation =
  /** With `old`, `apply` returns the row as it was before instead of the row as it is now. */
  | { op: 'put'; row: Row; guard?: Guard; old?: boolean }
  | { op: 'update'; key: AtomicDbItemKey; changes: readonly RowChange[]; guard?: Guard; old?: boolean }
  | { op: 'delete'; key: AtomicDbItemKey; guard?: Guard; old?: boolean }
  | { op: 'check'; key: AtomicDbItemKey; guard: Guard }

/** An operation that `apply` takes. A `check` makes sense only in a transaction. */
export type SingleOperation = Exclude<RowOperation, { op: 'check' }>

/** One write without a guard. */
export type RowWrite = { put: Row } | { delete: AtomicDbItemKey }

/**
 * The answer of `apply`. `row` is the row as it is now when applied (absent after a delete, and with `old`), and the row
 * that failed the guard when not (absent when there is none).
 */
export interface Applied {
  applied: boolean
  row?: Row
  /** With `old`, when applied: the row as it was before. Absent when there was none. */
  old?: Row
}

/** A guard that failed: the index of its operation, and the row that failed it, if there is one. */
export interface FailedGuard {
  index: number
  row?: Row
}

/** Rows of one partition key to read. */
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
  /** Maximum number of rows to look at. */
  limit?: number
  /** Return only rows for which this holds. `limit` counts the others too. */
  only?: Guard
  /** Return the number of rows, not the rows. */
  count?: boolean
  /** The paths that are needed beside `pk`, `sk`, `ttl` and `version`. A backend may return more. */
  paths?: readonly RowPath[]
}

/** Rows that one request found. */
export interface Page {
  /** Empty with `count`. */
  rows: Row[]
  /** With `count`: number of rows on this page. */
  count?: number
  /** `after` of the next page. Absent at the end. */
  next?: string
}

/** All rows of a table, or of one of its segments, in any order that stays the same. */
export interface Scan {
  /** Which part of the table, from 0 on; together with `segments`. */
  segment?: number
  /** Into how many parts the table is cut, each of whole partitions. @default 1 */
  segments?: number
  /** Exclusive start: `next` of the page before, of the same segment. The row need not be there any more. */
  after?: AtomicDbItemKey
  /** Maximum number of rows to look at. */
  limit?: number
  /** Return only rows for which this holds. `limit` counts the others too. */
  only?: Guard
  /** The paths that are needed beside `pk`, `sk`, `ttl` and `version`. A backend may return more. */
  paths?: readonly RowPath[]
}

/** Rows that one request of a scan found: also those that have expired, locks, messages and rows of others. */
export interface ScanPage {
  rows: Row[]
  /** How many rows were looked at. */
  scanned: number
  /** `after` of the next page: plain texts, which may be kept as JSON. Absent at the end. A page may be empty before it. */
  next?: AtomicDbItemKey
}

/** Stands in the place of a row that `read` has left undone. The engine asks for it again. */
export const leftUndone: unique symbol = Symbol.for('lockrow.leftUndone') as never

/** Options of one request to the backend. */
export interface RequestOptions {
  /** Ends the request. The promise may then reject with anything. */
  signal?: AbortSignal | undefined
  /** 1 for the first try, 2 for its repeat. For logs and metrics. */
  attempt?: number | undefined
  /** Called immediately before the request leaves this process. When it throws, the request is not sent. */
  beforeSending?: (() => void) | undefined
}

/** Options of one request that reads. */
export interface ReadRequestOptions extends RequestOptions {
  /** @default true */
  consistent?: boolean
}

/**
 * Each method is one request. The engine splits, waits and retries; nothing below it may. A method rejects with a
 * `StorageFault`; any other error counts as 'refused, certainly not applied' and reaches the caller.
 */
export interface Storage {
  /**
   * Maximum number of rows in one `read` and in one `write`.
   * @default any number
   */
  readonly batchSizes?: { readonly read: number; readonly write: number }
  /** Reads rows by distinct keys, in the order of the keys, not as of one moment. */
  read(
    keys: readonly AtomicDbItemKey[],
    options: ReadRequestOptions,
  ): Promise<(Row | undefined | typeof leftUndone)[]>
  /** Reads up to 100 rows by distinct keys as of one moment. */
  readTogether(keys: readonly AtomicDbItemKey[], options: RequestOptions): Promise<(Row | undefined)[]>
  /** Reads one page of a partition in order of the UTF-8 bytes of `sk`. */
  page(range: Range, options: ReadRequestOptions): Promise<Page>
  /**
   * Reads one page of the whole table. A row that is there from the first page to the last is returned once; one that
   * is written or deleted meanwhile may be missed.
   */
  scan(scan: Scan, options: ReadRequestOptions): Promise<ScanPage>
  /** Writes rows with distinct keys, without conditions and in no order. Returns the writes that were left undone. */
  write(writes: readonly RowWrite[], options: RequestOptions): Promise<readonly RowWrite[]>
  /** Applies one guarded operation. A guard that fails is an answer, not an error. */
  apply(operation: SingleOperation, options: RequestOptions): Promise<Applied>
  /**
   * Applies up to 100 guarded operations on distinct keys, all or none. Returns the guards that failed; an empty list
   * means committed. A token counts for ten minutes: the same operations again are answered as committed and are not
   * applied twice; others are refused with `mismatch`. A transaction that failed leaves its token unused.
   */
  transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]>
}

/**
 * How a request failed.
 * `throttled` and `conflict` (with another transaction): certainly not applied. The engine tries again.
 * `unreachable`: no connection was made. Certainly not applied.
 * `skewed`: refused for its time, certainly not applied. The clock is corrected, and the next try is signed anew.
 * `unknown`: may have been applied, or may still be applied (timeout, lost connection, 5xx).
 * `inProgress`: an earlier request with this token is being applied.
 * `mismatch`: this token was used with other operations. Certainly not applied.
 * `invalid`: the content does not fit, such as a change on a field of another type, or an item that becomes too large.
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

/** What a backend throws for every failure that the engine can handle. `instanceof` works across copies of the package. */
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
