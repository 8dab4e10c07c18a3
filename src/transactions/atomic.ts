import type { Changes } from '../changes.ts'
import type { Condition } from '../conditions.ts'
import type {
  AtomicDbInterface,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbOperation,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  TransactOptions,
  TransactResult,
} from '../interface.ts'

interface If {
  /** The row must satisfy this at the moment of the commit. */
  if?: Condition
}

type Many<T> = T | readonly T[]

const each = <T>(given: Many<T>): readonly T[] => (Array.isArray(given) ? given : [given as T])

/**
 * A transaction, written down step by step and committed as one: all of it or nothing.
 *
 * ```ts
 * await atomic(db)
 *   .update({ pk: 'shoes', sk: 'sneaker' }, { add: { stock: -1 } }, { if: { stock: { gte: 1 } } })
 *   .set({ pk: 'orders', sk: orderId, data: order })
 *   .queuePush({ pk: 'shipping', data: { orderId } })
 *   .commit({ idempotencyKey: orderId })
 * ```
 *
 * One request, 2 WRU per row and started KB. Up to 100 rows, each of them once.
 */
export class AtomicBuilder {
  readonly #db: AtomicDbInterface
  readonly #operations: AtomicDbOperation[] = []

  constructor(db: AtomicDbInterface) {
    this.#db = db
  }

  /** What is to be committed so far. */
  get operations(): readonly AtomicDbOperation[] {
    return this.#operations
  }

  /** Any operation of `transact`, for those that other modules make. */
  add(...operations: readonly AtomicDbOperation[]): this {
    this.#operations.push(...operations)
    return this
  }

  /** The locks must be unchanged. */
  check(locks: Many<AtomicDbItemLock>): this {
    return this.add(...each(locks).map((lock) => ({ type: 'check' as const, lock })))
  }

  /** The locks must be unchanged and get new versions: others who read them will fail. */
  bump(locks: Many<AtomicDbItemLock>): this {
    return this.add(...each(locks).map((lock) => ({ type: 'bump' as const, lock })))
  }

  /** Write items whole. */
  set(items: Many<AtomicDbItemInput>, options: If = {}): this {
    return this.add(...each(items).map((item) => ({ type: 'set' as const, item, ...options })))
  }

  /** Write items where there are none. */
  setIfAbsent(items: Many<AtomicDbItemInput>): this {
    return this.add(...each(items).map((item) => ({ type: 'setIfAbsent' as const, item })))
  }

  /** Delete rows; what is not there is no conflict, unless `if` says so. */
  delete(keys: Many<AtomicDbItemKey>, options: If = {}): this {
    return this.add(...each(keys).map((key) => ({ type: 'delete' as const, key, ...options })))
  }

  /** Change an item where it lies. */
  update(key: AtomicDbItemKey, changes: Changes, options: If = {}): this {
    return this.add({ type: 'update', key, changes, ...options })
  }

  /** Send messages, in order. */
  queuePush(items: Many<AtomicDbQueueItemInput>): this {
    return this.add(...each(items).map((item) => ({ type: 'queuePush' as const, item })))
  }

  /** Delete a message that is done, if it is still ours. */
  queueAcknowledge(pulled: AtomicDbQueueItemKey): this {
    return this.add({ type: 'queueAcknowledge', item: pulled })
  }

  /**
   * `ConditionFailed`: a condition of yours does not hold; `RaceCondition`: something changed since it was read (also
   * where both apply). Both list every part that failed, with what is there instead.
   */
  commit(options?: TransactOptions): Promise<TransactResult> {
    return this.#db.transact(this.#operations, options)
  }
}

/** A transaction to write down and `commit()`. */
export const atomic = (db: AtomicDbInterface): AtomicBuilder => new AtomicBuilder(db)
