import { inspect } from 'node:util'
import { BackendError, OutcomeUnknown, PartialWrite, RaceCondition, Throttled } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbQuery,
  AtomicDbQueueItem,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
  CallOptions,
  OldItem,
  ReadOptions,
  UpdateOptions,
  WriteOptions,
} from '../interface.ts'
import { optionsOf } from '../model/call-options.ts'
import { type ContractMethod, effectOf } from '../model/effects.ts'
import { type AnswerOf, type ArgumentsOf, ForwardingDb } from '../model/forwarding-db.ts'
import { checkKey, keyText } from '../model/keys.ts'
import { asList } from '../model/rows.ts'
import type { ScanRowsOptions } from '../model/scan-rows.ts'
import { clone } from '../model/values.ts'
import type { ScanPage } from '../storage.ts'
import { type AtomicChaosOptions, type ChaosFault, chaosFaults, checkChaosOptions } from './chaos-options.ts'
import { Random } from './random.ts'

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
export class AtomicChaosDb extends ForwardingDb {
  readonly seed: number
  /** How often each fault was met. */
  readonly counts = Object.fromEntries(chaosFaults.map((fault) => [fault, 0])) as Record<ChaosFault, number>
  rates: Partial<Record<ChaosFault, number>>
  readonly #random: Random
  readonly #maxDelayMs: number
  /** What reads saw some time ago. */
  readonly #seen = new Map<string, unknown>()

  constructor(db: AtomicDbInterface, options: AtomicChaosOptions = {}) {
    super(db)
    checkChaosOptions(options)
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

  async #delay(options?: CallOptions): Promise<void> {
    if (!this.#happens('delay')) return
    await this.runtime.sleep(this.#random.between(0, this.#maxDelayMs), { signal: options?.signal })
  }

  #refuse(keys: readonly AtomicDbItemKey[]): void {
    if (this.#happens('throttled')) throw new Throttled('the backend kept refusing (chaos)', { keys })
    if (this.#happens('unavailable')) throw new BackendError('the backend did not answer (chaos)', { keys })
  }

  async #read<T>(
    keys: readonly AtomicDbItemKey[],
    options: CallOptions | undefined,
    call: () => Promise<T>,
  ): Promise<T> {
    await this.#delay(options)
    this.#refuse(keys)
    const result = await call()
    await this.#delay(options)
    return result
  }

  async #write<T>(
    keys: readonly AtomicDbItemKey[],
    options: CallOptions | undefined,
    call: () => Promise<T>,
    certain = false,
  ): Promise<T> {
    await this.#delay(options)
    this.#refuse(keys)
    if (!certain && this.#happens('lostRequest')) throw lost(keys)
    const result = await call()
    await this.#delay(options)
    if (!certain && this.#happens('lostReply')) throw lost(keys)
    return result
  }

  async #batch<R extends AtomicDbItemKey, A>(
    given: R | readonly R[],
    options: CallOptions | undefined,
    call: (some: R | readonly R[]) => Promise<A>,
  ): Promise<A> {
    const keys = keysIn(given)
    // Of several rows with one key the last one counts.
    const rows = [...new Map(keys.map((key, i) => [keyText(key), asList(given)[i]!])).values()]
    // What the database would refuse, it is given whole.
    const isWhole = keys.length < asList(given).length || rows.length < 2
    if (isWhole || !this.#happens('partialWrite')) return this.#write(keys, options, () => call(given))
    const shuffled = this.#random.sample(rows, rows.length)
    const done = this.#random.int(rows.length)
    await this.#delay(options)
    await call(shuffled.slice(0, done))
    const rest = keysIn(shuffled.slice(done))
    throw new PartialWrite(`${rest.length} of ${rows.length} rows were not (certainly) written (chaos)`, {
      keys: rest,
    })
  }

  #conflict(rows: readonly unknown[]): void {
    if (!this.#happens('conflict')) return
    throw new RaceCondition(
      'other transactions kept writing the same rows (chaos)',
      rows.flatMap((row, index) => keysIn(row).map((key) => ({ index, key, reason: 'conflict' as const }))),
    )
  }

  /** What the same read saw before, where it does not ask for more; what it sees now is kept for later ones. */
  async #perhapsStale<T extends AtomicDbItem | undefined | AtomicDbItem[]>(
    name: string,
    consistent: boolean | undefined,
    call: () => Promise<T>,
  ): Promise<T> {
    if (consistent === false && this.#seen.has(name) && this.#happens('staleRead'))
      return this.#live(clone(this.#seen.get(name)) as T)
    const result = await call()
    if (!this.#seen.has(name) || this.#random.chance(0.2)) this.#seen.set(name, clone(result))
    if (this.#seen.size > keptReads) this.#seen.delete(this.#seen.keys().next().value!)
    return result
  }

  /** However old a replica is, it shows nothing that has expired. */
  #live<T extends AtomicDbItem | undefined | AtomicDbItem[]>(seen: T): T {
    const isLive = (item: AtomicDbItem) => item.ttl === undefined || item.ttl * 1000 > this.runtime.now()
    if (Array.isArray(seen)) return seen.filter(isLive) as T
    return (seen && isLive(seen) ? seen : undefined) as T
  }

  #get<T>(key: AtomicDbItemKey, options?: ReadOptions): Promise<AtomicDbItem<T> | undefined> {
    return this.#perhapsStale(`get ${keyText(key)}`, options?.consistent, () => this.db.get<T>(key, options))
  }

  /** @inheritdoc */
  override get<T = unknown>(
    key: AtomicDbItemKey,
    options?: ReadOptions,
  ): Promise<AtomicDbItem<T> | undefined> {
    const keys = keysIn(key)
    const isOne = keys.length === 1 && !Array.isArray(key)
    const call = () => (isOne ? this.#get<T>(key, options) : this.db.get<T>(key, options))
    return this.#read(keys, options, call)
  }

  /** @inheritdoc */
  override getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    const known = keysIn(keys)
    const isWhole = !Array.isArray(keys) || known.length < Math.max(2, keys.length)
    // Not one moment, as the contract says.
    const each = async (key: AtomicDbItemKey) => {
      await this.#delay(options)
      return this.#get<T>(key, options)
    }
    return this.#read(known, options, () =>
      isWhole ? this.db.getMany<T>(keys, options) : Promise.all(keys.map(each)),
    )
  }

  /** @inheritdoc */
  override set<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T>> | NoInfer<readonly AtomicDbItemInput<T>[]>,
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return this.#batch(items as AtomicDbItemInput[], options, (some) =>
      this.db.set<T>(some as never, options),
    )
  }

  /** @inheritdoc */
  override delete<T = unknown>(
    keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return this.#batch(keys, options, (some) => this.db.delete<T>(some, options))
  }

  /** @inheritdoc */
  override query<T = unknown>(query: NoInfer<AtomicDbQuery<T>>): Promise<AtomicDbItem<T>[]> {
    const { signal: _, timeoutMs: __, consistent, ...asked } = (query ?? {}) as AtomicDbQuery<T>
    const name = `query ${inspect(asked, { depth: null, maxArrayLength: null })}`
    return this.#read([], query, () => this.#perhapsStale(name, consistent, () => this.db.query<T>(query)))
  }

  /** @inheritdoc */
  override stream<T = unknown>(
    query: NoInfer<AtomicDbQuery<T>>,
  ): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>> {
    return this.db.stream<T>(query)
  }

  /** @inheritdoc */
  override async queuePull<T = unknown>(
    options: AtomicDbQueuePullOptions,
  ): Promise<AtomicDbQueuePullResult<T>> {
    const { items } = await this.#pull(options, async () => {
      const { item } = await this.db.queuePull<T>(options)
      return { items: item ? [item] : [] }
    })
    return items[0] ? { item: items[0] } : {}
  }

  /** @inheritdoc */
  override queuePullMany<T = unknown>(
    options: AtomicDbQueuePullManyOptions,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    return this.#pull(options, () => this.db.queuePullMany<T>(options))
  }

  async #pull<T>(
    options: CallOptions,
    call: () => Promise<{ items: AtomicDbQueueItem<T>[] }>,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    const result = await this.#read([], options, call)
    // Whether it succeeds or not: what was claimed is handed out.
    for (const item of result.items)
      if (this.#happens('redelivery')) await this.db.queueRelease(item).catch(() => {})
    return result
  }

  protected override scan(options: ScanRowsOptions): Promise<ScanPage> {
    return this.#read([], options, () => super.scan(options))
  }

  /** Every other method: a write may fail on either side of it, a read before it. */
  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    // Both but `stream`, which is overridden, answer with a promise.
    const call = () => super.forward(method, args) as Promise<unknown>
    const effect = effectOf(method, args)
    const options = optionsOf(method, args)
    if (!effect) return this.#read(keysIn(args[0]), options, call) as AnswerOf<M>
    const [first, second] = args as readonly unknown[]
    const write = async () => {
      if (method === 'setAtomic') this.#conflict([...asList(first), ...asList(second)])
      if (method === 'transact') this.#conflict(asList(first).map(rowOf))
      return call()
    }
    const certain = method === 'update' && (args[2] as UpdateOptions | undefined)?.exactlyOnce
    return this.#write(effect.keys, options, write, certain) as AnswerOf<M>
  }
}

const rowOf = (operation: unknown): unknown => {
  const { lock, key, item } = (operation ?? {}) as Record<string, unknown>
  return lock ?? key ?? item
}

/** The keys among what was given, a row or several; what is wrong with the others the database says. */
const keysIn = (given: unknown): AtomicDbItemKey[] =>
  asList(given as AtomicDbItemKey).flatMap((row) => (isKey(row) ? [{ pk: row.pk, sk: row.sk }] : []))

function isKey(row: AtomicDbItemKey): boolean {
  try {
    checkKey(row)
    return true
  } catch {
    return false
  }
}

const lost = (keys: readonly AtomicDbItemKey[]): OutcomeUnknown =>
  new OutcomeUnknown('no reply (chaos): the write may have happened', { keys })
