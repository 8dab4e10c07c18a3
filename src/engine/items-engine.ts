import type { Changes } from '../contract/changes.ts'
import type {
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbItemsInterface,
  AtomicDbLockedItem,
  AtomicDbOperation,
  AtomicDbPage,
  AtomicDbPageQuery,
  AtomicDbQuery,
  AtomicDbRange,
  CallOptions,
  DeleteRangeOptions,
  DeleteRangeResult,
  OldItem,
  ReadOptions,
  TransactOptions,
  TransactResult,
  UpdateOptions,
  UpdateResult,
  WriteOptions,
} from '../interface.ts'
import { databaseIdentity, type Identified } from '../model/database-identity.ts'
import * as check from '../model/option-names.ts'
import { rowScan, type Scannable } from '../model/scan-rows.ts'
import type { Runtime } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import { type Context, type EngineOptions, newContext } from './context.ts'
import { inCall } from './in-call.ts'
import * as items from './items.ts'
import * as locks from './locks.ts'
import { count } from './query/count.ts'
import { deleteRange } from './query/delete-range.ts'
import { page } from './query/page.ts'
import { stream } from './query/stream.ts'
import { getTogether } from './query/together.ts'
import { readScan } from './requests.ts'
import { itemOperations } from './transact/operations.ts'
import { setAtomic, transact } from './transact/transact.ts'
import { update } from './update/update.ts'

const contexts = /* @__PURE__ */ new WeakMap<ItemsEngine, Context>()

/** For the parts of the engine that add methods. */
export const contextOf = (engine: ItemsEngine): Context => contexts.get(engine)!

/** The contract without its queues, over any storage. */
export class ItemsEngine implements AtomicDbItemsInterface, Scannable, Identified {
  readonly runtime: Runtime
  /** Bound on each call that does not say otherwise, ms. */
  readonly timeoutMs: number | undefined
  // Without a computed name in the class, bundlers can drop a class that nobody uses.
  declare readonly [databaseIdentity]: object
  /** For `scanRows`, which has checked its options. */
  declare readonly [rowScan]: Scannable[typeof rowScan]
  readonly #context: Context

  constructor(storage: Storage, options: EngineOptions = {}) {
    this.#context = newContext(storage, options)
    contexts.set(this, this.#context)
    this.runtime = this.#context.runtime
    this.timeoutMs = this.#context.timeoutMs
    this[databaseIdentity] = this.#context.database
    this[rowScan] = ({ consistent, signal, timeoutMs, ...scan }) =>
      inCall(this.#context, check.checkCallOptions, { signal, timeoutMs }, (context) =>
        readScan(context, scan, consistent),
      )
  }

  /** @inheritdoc */
  get<T = unknown>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined> {
    return inCall(this.#context, check.checkReadOptions, options, (context, options) =>
      items.get<T>(context, key, options),
    )
  }

  /** @inheritdoc */
  getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    return inCall(this.#context, check.checkReadOptions, options, (context, options) =>
      items.getMany<T>(context, keys, options),
    )
  }

  /** @inheritdoc */
  getTogether<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    return inCall(this.#context, check.checkCallOptions, options, (context) => getTogether<T>(context, keys))
  }

  /** @inheritdoc */
  getLock(key: AtomicDbItemKey, options?: CallOptions): Promise<AtomicDbItemLock> {
    return inCall(this.#context, check.checkCallOptions, options, (context) => locks.getLock(context, key))
  }

  /** @inheritdoc */
  getLocked<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<AtomicDbLockedItem<T>[]> {
    return inCall(this.#context, check.checkCallOptions, options, (context) =>
      locks.getLocked<T>(context, keys),
    )
  }

  /** @inheritdoc */
  set<T = unknown>(
    given: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return inCall(this.#context, check.checkSetOptions, options, (context, options) =>
      items.set<T>(context, given, options),
    )
  }

  /** @inheritdoc */
  setAtomic<T = unknown>(
    given: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    held: AtomicDbItemLock | readonly AtomicDbItemLock[],
    options?: CallOptions,
  ): Promise<AtomicDbItemLock[]> {
    return inCall(this.#context, check.checkSetOptions, options, (context) => setAtomic(context, given, held))
  }

  /** @inheritdoc */
  delete<T = unknown>(
    keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return inCall(this.#context, check.checkDeleteOptions, options, (context, options) =>
      items.remove<T>(context, keys, options),
    )
  }

  /** @inheritdoc */
  query<T = unknown>(query: NoInfer<AtomicDbQuery<T>>): Promise<AtomicDbItem<T>[]> {
    return inCall(this.#context, check.checkQuery, query as AtomicDbQuery, (context, query) =>
      items.query<T>(context, query),
    )
  }

  /** @inheritdoc */
  stream<T = unknown>(
    query: NoInfer<AtomicDbQuery<T>>,
  ): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>> {
    return stream<T>(this.#context, query as AtomicDbQuery) as unknown as NodeJS.ReadableStream &
      AsyncIterable<AtomicDbItem<T>>
  }

  /** @inheritdoc */
  page<T = unknown>(query: NoInfer<AtomicDbPageQuery<T>>): Promise<AtomicDbPage<T>> {
    return inCall(this.#context, check.checkPageQuery, query as AtomicDbPageQuery, (context, query) =>
      page<T>(context, query),
    )
  }

  /** @inheritdoc */
  count(query: AtomicDbQuery): Promise<number> {
    return inCall(this.#context, check.checkCountQuery, query, (context, query) => count(context, query))
  }

  /** @inheritdoc */
  deleteRange(range: AtomicDbRange, options?: DeleteRangeOptions): Promise<DeleteRangeResult> {
    return inCall(this.#context, check.checkDeleteRangeOptions, options, (context, options) =>
      deleteRange(context, range, options),
    )
  }

  /** @inheritdoc */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: NoInfer<Changes<T>>,
    options?: NoInfer<UpdateOptions<T>>,
  ): Promise<UpdateResult<T>> {
    return inCall(
      this.#context,
      check.checkUpdateOptions,
      options as UpdateOptions | undefined,
      (context, options) => update<T>(context, key, changes as unknown as Changes, options),
    )
  }

  /** @inheritdoc */
  transact(operations: readonly AtomicDbOperation[], options?: TransactOptions): Promise<TransactResult> {
    return inCall(this.#context, check.checkTransactOptions, options, (context, options) =>
      transact(context, itemOperations, operations, options),
    )
  }
}
