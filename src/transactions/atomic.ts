import type { Changes } from '../contract/changes.ts'
import type { Condition } from '../contract/conditions.ts'
import { OutcomeUnknown } from '../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbItemsInterface,
  AtomicDbOperation,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePushOptions,
  TransactOptions,
  TransactResult,
} from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { checkTransactionPush } from '../model/item-names.ts'
import { ifHints, optionsCheck } from '../model/options-check.ts'
import { merged, rowOf } from './merge.ts'

interface If<T = unknown> {
  /** The row must satisfy this at the moment of the commit. */
  if?: Condition<T>
}

const checkIf = /* @__PURE__ */ optionsCheck<If>(() => [{ if: true }, ifHints])

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
 * One request, 2 WRU per row and started KB. Up to 100 rows.
 */
export class AtomicBuilder {
  readonly #db: AtomicDbItemsInterface
  readonly #operations: AtomicDbOperation[] = []
  readonly #rows = new Map<string, number>()
  /** A commit of which nobody knows how it ended. */
  #unknown: OutcomeUnknown | undefined

  constructor(db: AtomicDbItemsInterface) {
    checkDb(db)
    this.#db = db
  }

  /** What is to be committed so far: one operation per row, in the order in which the rows were named first. */
  get operations(): readonly AtomicDbOperation[] {
    return this.#operations
  }

  /**
   * Any operation of `transact`, for those that other modules make. Several on one row become one: check and bump, a
   * condition and a write, updates of different paths. Others are `InvalidInput` with the reason.
   */
  add(...operations: readonly AtomicDbOperation[]): this {
    for (const operation of operations) {
      const row = rowOf(operation)
      const at = row === undefined ? undefined : this.#rows.get(row)
      if (at !== undefined) {
        this.#operations[at] = merged(this.#operations[at]!, operation)
        continue
      }
      if (row !== undefined) this.#rows.set(row, this.#operations.length)
      this.#operations.push(operation)
    }
    return this
  }

  /** The locks must be unchanged; or, by key, the condition must hold for the item. */
  check(locks: Many<AtomicDbItemLock>): this
  check(key: AtomicDbItemKey, options: Required<If>): this
  check(given: Many<AtomicDbItemLock> | AtomicDbItemKey, options?: Required<If>): this {
    if (options !== undefined) return this.add({ type: 'check', key: given as AtomicDbItemKey, ...options })
    return this.add(
      ...each(given as Many<AtomicDbItemLock>).map((lock) => ({ type: 'check' as const, lock })),
    )
  }

  /** The locks must be unchanged and get new versions: others who read them will fail. */
  bump(locks: Many<AtomicDbItemLock>): this {
    return this.add(...each(locks).map((lock) => ({ type: 'bump' as const, lock })))
  }

  /** The locks at these keys (`lockKey(item)`) get new versions, whatever they have: those who read them will fail. */
  touch(keys: Many<AtomicDbItemKey>): this {
    return this.add(...each(keys).map(({ pk, sk }) => ({ type: 'bump' as const, key: { pk, sk } })))
  }

  /** Write items whole. */
  set<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    options: NoInfer<If<T>> = {},
  ): this {
    checkIf(options)
    const given = options as If
    return this.add(...each(items).map((item) => ({ type: 'set' as const, item, ...given })))
  }

  /** Write items where there are none. */
  setIfAbsent<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
  ): this {
    return this.add(...each(items).map((item) => ({ type: 'setIfAbsent' as const, item })))
  }

  /** Delete rows; what is not there is no conflict, unless `if` says so. */
  delete<T = unknown>(keys: Many<AtomicDbItemKey>, options: NoInfer<If<T>> = {}): this {
    checkIf(options)
    const given = options as If
    return this.add(...each(keys).map((key) => ({ type: 'delete' as const, key, ...given })))
  }

  /** Change an item where it lies. */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: NoInfer<Changes<T>>,
    options: NoInfer<If<T>> = {},
  ): this {
    checkIf(options)
    return this.add({ type: 'update', key, changes, ...options } as unknown as AtomicDbOperation)
  }

  /**
   * Send messages, in order. One whose `deduplicationId` or `uniqueId` is taken is left out, and the rest commits: what
   * `commit` returns for it in `pushed` has `isDuplicate`.
   */
  queuePush(
    items: Many<AtomicDbQueueItemInput>,
    options: Pick<
      AtomicDbQueuePushOptions,
      'shards' | 'payloadThreshold' | 'deduplicationWindowSeconds'
    > = {},
  ): this {
    checkTransactionPush(options)
    return this.add(...each(items).map((item) => ({ type: 'queuePush' as const, item, ...options })))
  }

  /** Delete a message that is done, if it is still ours. */
  queueAcknowledge(pulled: AtomicDbQueueItemKey): this {
    return this.add({ type: 'queueAcknowledge', item: pulled })
  }

  /**
   * `ConditionFailed` and `RaceCondition` list every part that failed, with what is there instead. May be called again
   * after an error, since then nothing was written; after `OutcomeUnknown` only with an `idempotencyKey`, the same
   * one each time: without it that error is thrown again, since a second commit might apply everything twice.
   */
  async commit(options?: TransactOptions): Promise<TransactResult> {
    if (this.#unknown) throw this.#unknown
    try {
      return await this.#db.transact(this.#operations, options)
    } catch (error) {
      if (error instanceof OutcomeUnknown && options?.idempotencyKey === undefined) this.#unknown = error
      throw error
    }
  }
}

/** A transaction to write down and `commit()`. */
export const atomic = (db: AtomicDbItemsInterface): AtomicBuilder => new AtomicBuilder(db)
