import { keyText } from '../engine/keys.ts'
import { asList } from '../engine/rows.ts'
import { clone } from '../engine/values.ts'
import { BackendError, OutcomeUnknown, PartialWrite, RaceCondition, Throttled } from '../errors.ts'
import { type AnswerOf, type ArgumentsOf, ForwardingDb } from '../forwarding.ts'
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
  OldItem,
  ReadOptions,
  UpdateOptions,
  WriteOptions,
} from '../interface.ts'
import { checkOptions } from '../model/checks.ts'
import { type ContractMethod, effectOf } from '../model/effects.ts'
import { optionsCheck } from '../model/options-check.ts'
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

const checkChaosOptions = /* @__PURE__ */ optionsCheck<AtomicChaosOptions>(() => [
  {
    seed: true,
    rates: true,
    maxDelayMs: true,
    log: true,
  },
])

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
    checkOptions(options.rates, chaosFaults, 'rates')
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

  async #batch<R extends AtomicDbItemKey, A>(
    given: R | readonly R[],
    call: (some: readonly R[]) => Promise<A>,
  ): Promise<A> {
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

  #conflict(rows: readonly unknown[]): void {
    if (!this.#happens('conflict')) return
    throw new RaceCondition(
      'other transactions kept writing the same rows (chaos)',
      rows.flatMap((row, index) => keysIn(row).map((key) => ({ index, key, reason: 'conflict' as const }))),
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
  override get<T = unknown>(
    key: AtomicDbItemKey,
    options?: ReadOptions,
  ): Promise<AtomicDbItem<T> | undefined> {
    return this.#read([plain(key)], () =>
      this.#perhapsStale(keyText(key), options?.consistent, () => this.db.get<T>(key, options)),
    )
  }

  /** @inheritdoc */
  override async getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    // Not one moment, as the contract says.
    return Promise.all(keys.map((key) => this.get<T>(key, options)))
  }

  /** @inheritdoc */
  override set<T = unknown>(
    items: NoInfer<AtomicDbItemInput<T> | readonly AtomicDbItemInput<T>[]>,
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return this.#batch(items as AtomicDbItemInput[], (some) => this.db.set<T>(some as never, options))
  }

  /** @inheritdoc */
  override delete<T = unknown>(
    keys: AtomicDbItemKey | readonly AtomicDbItemKey[],
    options?: WriteOptions,
  ): Promise<OldItem<T>[]> {
    return this.#batch(keys, (some) => this.db.delete<T>(some, options))
  }

  /** @inheritdoc */
  override query<T = unknown>(query: NoInfer<AtomicDbQuery<T>>): Promise<AtomicDbItem<T>[]> {
    const { signal: _, consistent, ...asked } = query
    return this.#read([], () =>
      this.#perhapsStale(JSON.stringify(asked), consistent, () => this.db.query<T>(query)),
    )
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
    const { items } = await this.#pull(async () => {
      const { item } = await this.db.queuePull<T>(options)
      return { items: item ? [item] : [] }
    })
    return items[0] ? { item: items[0] } : {}
  }

  /** @inheritdoc */
  override queuePullMany<T = unknown>(
    options: AtomicDbQueuePullManyOptions,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    return this.#pull(() => this.db.queuePullMany<T>(options))
  }

  async #pull<T>(
    call: () => Promise<{ items: AtomicDbQueueItem<T>[] }>,
  ): Promise<{ items: AtomicDbQueueItem<T>[] }> {
    const result = await this.#read([], call)
    for (const item of result.items) if (this.#happens('redelivery')) await this.db.queueRelease(item)
    return result
  }

  /** Every other method: a write may fail on either side of it, a read before it. */
  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    // Both but `stream`, which is overridden, answer with a promise.
    const call = () => super.forward(method, args) as Promise<unknown>
    const effect = effectOf(method, args)
    if (!effect) return this.#read(keysIn(args[0]), call) as AnswerOf<M>
    const keys = effect.keys.map(plain)
    const [first, second] = args as readonly unknown[]
    const write = async () => {
      if (method === 'setAtomic') this.#conflict([...asList(first), ...asList(second)])
      if (method === 'transact') this.#conflict(asList(first).map(rowOf))
      return call()
    }
    const certain = method === 'update' && (args[2] as UpdateOptions | undefined)?.exactlyOnce
    return this.#write(keys, write, certain) as AnswerOf<M>
  }
}

const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

const rowOf = (operation: unknown): unknown => {
  const { lock, key, item } = (operation ?? {}) as Record<string, unknown>
  return lock ?? key ?? item
}

/** The keys among the arguments of a read, for its errors. */
const keysIn = (given: unknown): AtomicDbItemKey[] =>
  asList(given as Partial<AtomicDbItemKey> | undefined).flatMap((row) =>
    typeof row?.pk === 'string' && typeof row.sk === 'string' ? [{ pk: row.pk, sk: row.sk }] : [],
  )

const lost = (keys: readonly AtomicDbItemKey[]): OutcomeUnknown =>
  new OutcomeUnknown('no reply (chaos): the write may have happened', { keys })
