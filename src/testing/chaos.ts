import type { Changes } from '../changes.ts'
import { keyText } from '../engine/keys.ts'
import { asList } from '../engine/rows.ts'
import { clone } from '../engine/values.ts'
import { BackendError, OutcomeUnknown, PartialWrite, RaceCondition, Throttled } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbLockedItem,
  AtomicDbOperation,
  AtomicDbQuery,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueuePushOptions,
  AtomicDbQueueRedriveOptions,
  AtomicDbQueueReleaseOptions,
  AtomicDbQueueStats,
  AtomicDbQueueStatsOptions,
  CallOptions,
  ReadOptions,
  TransactOptions,
  TransactResult,
  UpdateOptions,
  UpdateResult,
} from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import { Random } from './random.ts'

/** What `AtomicChaosDb` does to calls: each is something that the contract allows and production does, seldom. */
export const chaosFaults = [
  /** Takes longer, before and after, so that others come between. */
  'delay',
  /** `Throttled`: nothing was done. */
  'throttled',
  /** `BackendError`: nothing was done. */
  'unavailable',
  /** `RaceCondition` of `setAtomic` and `transact`, because another transaction writes the rows: nothing was done. */
  'conflict',
  /** `OutcomeUnknown` of a write that was done. */
  'lostReply',
  /** `OutcomeUnknown` of a write that was not done. */
  'lostRequest',
  /** `PartialWrite` of `set` and `delete` with several rows: some are done. */
  'partialWrite',
  /** A read with `consistent: false` returns what an earlier one saw. */
  'staleRead',
  /** A message is handed out again while its first consumer is still working, as after a visibility timeout. */
  'redelivery',
] as const

export type ChaosFault = (typeof chaosFaults)[number]

export interface AtomicChaosOptions {
  /** Decides what happens. Default: by chance; it is told either way. */
  seed?: number
  /** Probability per call, 0 to 1. Default 0.05 each, `delay` 0.5. */
  rates?: Partial<Record<ChaosFault, number>>
  /** Default 2. */
  maxDelayMs?: number
  /** Told the seed, once. Default `console.log`. */
  log?: (line: string) => void
}

const usual = 0.05
const keptReads = 10_000

/**
 * A database that behaves as badly as the contract allows: put it under your own handlers in tests, several of them
 * at a time, and look at what is left at the end.
 *
 * ```ts
 * const db = new AtomicChaosDb(new AtomicMemoryDb(), { seed: 1 })
 * await Promise.allSettled(Array.from({ length: 50 }, () => handler(db)))
 * ```
 *
 * Delays go through `db.runtime`: over a simulated runtime the whole run is decided by the seed.
 */
export class AtomicChaosDb implements AtomicDbInterface {
  readonly runtime: Runtime
  readonly seed: number
  /** How often each fault was met. */
  readonly counts = Object.fromEntries(chaosFaults.map((fault) => [fault, 0])) as Record<ChaosFault, number>
  rates: Partial<Record<ChaosFault, number>>
  readonly #db: AtomicDbInterface
  readonly #random: Random
  readonly #maxDelayMs: number
  /** What reads saw some time ago. */
  readonly #seen = new Map<string, unknown>()

  constructor(db: AtomicDbInterface, options: AtomicChaosOptions = {}) {
    this.#db = db
    this.runtime = db.runtime
    this.seed = options.seed ?? Math.floor(db.runtime.random() * 2 ** 31)
    this.#random = new Random(this.seed)
    this.#maxDelayMs = options.maxDelayMs ?? 2
    this.rates = {
      ...Object.fromEntries(chaosFaults.map((fault) => [fault, fault === 'delay' ? 0.5 : usual])),
      ...options.rates,
    }
    const log = options.log ?? console.log
    log(`chaos with seed ${this.seed}`)
  }

  #happens(fault: ChaosFault): boolean {
    const rate = this.rates[fault]
    if (!rate || !this.#random.chance(rate)) return false
    this.counts[fault]++
    return true
  }

  async #delay(): Promise<void> {
    if (this.#happens('delay')) await this.runtime.sleep(this.#random.between(0, this.#maxDelayMs))
  }

  #refuse(keys: readonly AtomicDbItemKey[]): void {
    if (this.#happens('throttled')) throw new Throttled('the backend kept refusing (chaos)', { keys })
    if (this.#happens('unavailable')) throw new BackendError('the backend did not answer (chaos)', { keys })
  }

  async #read<T>(keys: readonly AtomicDbItemKey[], call: () => Promise<T>): Promise<T> {
    await this.#delay()
    this.#refuse(keys)
    const result = await call()
    await this.#delay()
    return result
  }

  async #write<T>(keys: readonly AtomicDbItemKey[], call: () => Promise<T>, certain = false): Promise<T> {
    await this.#delay()
    this.#refuse(keys)
    if (!certain && this.#happens('lostRequest')) throw lost(keys)
    const result = await call()
    await this.#delay()
    if (!certain && this.#happens('lostReply')) throw lost(keys)
    return result
  }

  async #batch<R extends AtomicDbItemKey>(
    given: R | readonly R[],
    call: (some: readonly R[]) => Promise<void>,
  ) {
    const list = asList(given)
    if (list.length < 2 || !this.#happens('partialWrite'))
      return this.#write(list.map(plain), () => call(list))
    const shuffled = this.#random.sample(list, list.length)
    const done = this.#random.int(list.length)
    await call(shuffled.slice(0, done))
    const keys = shuffled.slice(done).map(plain)
    throw new PartialWrite(`${keys.length} of ${list.length} rows were not (certainly) written (chaos)`, {
      keys,
    })
  }

  #conflict(keys: readonly AtomicDbItemKey[]): void {
    if (!this.#happens('conflict')) return
    throw new RaceCondition(
      'other transactions kept writing the same rows (chaos)',
      keys.map((key, index) => ({ index, key, reason: 'conflict' })),
    )
  }

  /** What the same read saw before, where it does not ask for more; what it sees now is kept for later ones. */
  async #perhapsStale<T>(name: string, consistent: boolean | undefined, call: () => Promise<T>): Promise<T> {
    if (consistent === false && this.#seen.has(name) && this.#happens('staleRead'))
      return clone(this.#seen.get(name)) as T
    const result = await call()
    if (!this.#seen.has(name) || this.#random.chance(0.2)) this.#seen.set(name, clone(result))
    if (this.#seen.size > keptReads) this.#seen.delete(this.#seen.keys().next().value!)
    return result
  }

  /** @inheritdoc */
  get<T = unknown>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined> {
    return this.#read([plain(key)], () =>
      this.#perhapsStale(keyText(key), options?.consistent, () => this.#db.get<T>(key, options)),
    )
  }

  /** @inheritdoc */
  async getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    // Not one moment, as the contract says.
    return Promise.all(keys.map((key) => this.get<T>(key, options)))
  }

  /** @inheritdoc */
  getLock(key: AtomicDbItemKey, options?: CallOptions): Promise<AtomicDbItemLock> {
    return this.#read([plain(key)], () => this.#db.getLock(key, options))
  }

  /** @inheritdoc */
  getLocked<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: CallOptions,
  ): Promise<AtomicDbLockedItem<T>[]> {
    return this.#read(keys.map(plain), () => this.#db.getLocked<T>(keys, options))
  }

  /** @inheritdoc */
  set(items: AtomicDbItemInput | readonly AtomicDbItemInput[], options?: CallOptions): Promise<void> {
    return this.#batch(items, (some) => this.#db.set(some, options))
  }

  /** @inheritdoc */
  delete(keys: AtomicDbItemKey | readonly AtomicDbItemKey[], options?: CallOptions): Promise<void> {
    return this.#batch(keys, (some) => this.#db.delete(some, options))
  }

  /** @inheritdoc */
  setAtomic(
    items: AtomicDbItemInput | readonly AtomicDbItemInput[],
    locks: AtomicDbItemLock | readonly AtomicDbItemLock[],
    options?: CallOptions,
  ): Promise<AtomicDbItemLock[]> {
    const keys = [...asList(items), ...asList(locks)].map(plain)
    return this.#write(keys, async () => {
      this.#conflict(keys)
      return this.#db.setAtomic(items, locks, options)
    })
  }

  /** @inheritdoc */
  query<T = unknown>(query: AtomicDbQuery): Promise<AtomicDbItem<T>[]> {
    const { signal: _, consistent, ...asked } = query
    return this.#read([], () =>
      this.#perhapsStale(JSON.stringify(asked), consistent, () => this.#db.query<T>(query)),
    )
  }

  /** @inheritdoc */
  stream<T = unknown>(query: AtomicDbQuery): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>> {
    return this.#db.stream<T>(query)
  }

  /** @inheritdoc */
  queuePush<T = unknown>(
    items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
    options?: AtomicDbQueuePushOptions,
  ): Promise<AtomicDbQueueItem<T>[]> {
    return this.#write([], () => this.#db.queuePush<T>(items, options))
  }

  /** @inheritdoc */
  async queuePull<T = unknown>(options: AtomicDbQueuePullOptions): Promise<AtomicDbQueuePullResult<T>> {
    const { items } = await this.#pull(async () => {
      const { item } = await this.#db.queuePull<T>(options)
      return { items: item ? [item] : [] }
    })
    return items[0] ? { item: items[0] } : {}
  }

  /** @inheritdoc */
  queuePullMany<T = unknown>(
    options: AtomicDbQueuePullManyOptions,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    return this.#pull(() => this.#db.queuePullMany<T>(options))
  }

  async #pull<T>(
    call: () => Promise<{ items: AtomicDbQueueItem<T>[] }>,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    const result = await this.#read([], call)
    for (const item of result.items) if (this.#happens('redelivery')) await this.#db.queueRelease(item)
    return result
  }

  /** @inheritdoc */
  queueAcknowledge(item: AtomicDbQueueItemKey, options?: CallOptions): Promise<void> {
    return this.#write([plain(item)], () => this.#db.queueAcknowledge(item, options))
  }

  /** @inheritdoc */
  queueRelease(item: AtomicDbQueueItemKey, options?: AtomicDbQueueReleaseOptions): Promise<void> {
    return this.#write([plain(item)], () => this.#db.queueRelease(item, options))
  }

  /** @inheritdoc */
  queueExtend<T = unknown>(
    item: AtomicDbQueueItem<T>,
    options: CallOptions & { ttlSeconds: number },
  ): Promise<AtomicDbQueueItem<T>> {
    return this.#write([plain(item)], () => this.#db.queueExtend<T>(item, options))
  }

  /** @inheritdoc */
  queueStats(pk: string, options?: AtomicDbQueueStatsOptions): Promise<AtomicDbQueueStats> {
    return this.#read([], () => this.#db.queueStats(pk, options))
  }

  /** @inheritdoc */
  queuePeek<T = unknown>(options: AtomicDbQueuePeekOptions): Promise<AtomicDbQueueItem<T>[]> {
    return this.#read([], () => this.#db.queuePeek<T>(options))
  }

  /** @inheritdoc */
  queuePurge(pk: string, options?: AtomicDbQueuePurgeOptions): Promise<number> {
    return this.#write([], () => this.#db.queuePurge(pk, options))
  }

  /** @inheritdoc */
  queueRedrive(options: AtomicDbQueueRedriveOptions): Promise<number> {
    return this.#write([], () => this.#db.queueRedrive(options))
  }

  /** @inheritdoc */
  update<T = unknown>(
    key: AtomicDbItemKey,
    changes: Changes,
    options?: UpdateOptions,
  ): Promise<UpdateResult<T>> {
    const call = () => this.#db.update<T>(key, changes, options)
    return this.#write([plain(key)], call, options?.exactlyOnce)
  }

  /** @inheritdoc */
  transact(operations: readonly AtomicDbOperation[], options?: TransactOptions): Promise<TransactResult> {
    const keys = asList(operations).flatMap(keysOf)
    return this.#write(keys, async () => {
      this.#conflict(keys)
      return this.#db.transact(operations, options)
    })
  }
}

const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

const keysOf = (operation: AtomicDbOperation): AtomicDbItemKey[] => {
  if ('lock' in operation) return [plain(operation.lock)]
  if ('key' in operation) return [plain(operation.key)]
  const { pk, sk } = operation.item
  return sk === undefined ? [] : [{ pk, sk }]
}

const lost = (keys: readonly AtomicDbItemKey[]): OutcomeUnknown =>
  new OutcomeUnknown('no reply (chaos): the write may have happened', { keys })
