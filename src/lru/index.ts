import { LRUCache } from 'lru-cache'
import { cloneItem } from '../engine/exact.ts'
import { checkKey, keyText } from '../engine/keys.ts'
import { InvalidInput } from '../errors.ts'
import { type AnswerOf, type ArgumentsOf, ForwardingDb } from '../forwarding.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, ReadOptions } from '../interface.ts'
import { type ContractMethod, type Effect, effectOf } from '../model/effects.ts'

export interface AtomicLRUCacheOptions {
  /** How many items are kept; a missing item takes a place too. */
  maxItems: number
  /** How long a read may be answered from the cache, ms. Default: until it is evicted or written through this cache. */
  maxAgeMs?: number
  /**
   * `true` (the default): every read returns a copy of its own. `false`: hits share one frozen-by-convention object,
   * which is several times faster; a caller that changes it changes what others read.
   */
  copy?: boolean
}

export interface CacheStats {
  hits: number
  misses: number
  /** Misses that waited for another caller's read of the same key. */
  coalesced: number
  size: number
}

/** A read under way; `stale` once a write to its key passed, so that its answer must not be kept. */
interface Reading {
  stale: boolean
}

/**
 * A cache of items in front of any database. Locks and query results are never cached. Writes through this object
 * take the item out of the cache; writes of other processes are not seen until `maxAgeMs`.
 *
 * A cached item must not feed a locked write: it may be older than the lock. Read with `{ consistent: true }` there,
 * or with `getLocked` or `transaction`, which never look into the cache.
 */
export class AtomicLRUCache extends ForwardingDb {
  readonly #cache: LRUCache<string, { item: AtomicDbItem | undefined; until: number }>
  // Reads that later callers of the same key may share.
  readonly #flights = new Map<string, Promise<AtomicDbItem | undefined>>()
  // All reads under way, and how many writes are, by key.
  readonly #readings = new Map<string, Set<Reading>>()
  readonly #writing = new Map<string, number>()
  readonly #copy: boolean
  readonly #maxAgeMs: number | undefined
  #hits = 0
  #misses = 0
  #coalesced = 0

  constructor(db: AtomicDbInterface, options: number | AtomicLRUCacheOptions) {
    super(db)
    const { maxItems, maxAgeMs, copy = true } = typeof options === 'number' ? { maxItems: options } : options
    if (!Number.isSafeInteger(maxItems) || maxItems < 1)
      throw new InvalidInput('maxItems', 'must be a whole number from 1', { given: String(maxItems) })
    if (maxAgeMs !== undefined && !(maxAgeMs > 0))
      throw new InvalidInput('maxAgeMs', 'must be positive', { given: String(maxAgeMs) })
    this.#copy = copy
    this.#maxAgeMs = maxAgeMs
    this.#cache = new LRUCache({ max: maxItems })
  }

  /** Counts since the cache was made. */
  get stats(): CacheStats {
    return { hits: this.#hits, misses: this.#misses, coalesced: this.#coalesced, size: this.#cache.size }
  }

  /** Forgets everything, or one item. */
  clear(key?: AtomicDbItemKey): void {
    const texts = key ? [keyText(key)] : [...this.#cache.keys(), ...this.#readings.keys()]
    for (const text of texts) this.#forget(text)
  }

  #out(item: AtomicDbItem | undefined): AtomicDbItem | undefined {
    return this.#copy && item !== undefined ? cloneItem(item) : item
  }

  /** The cached answer, unless it is too old or the item has expired. */
  #lookUp(text: string): { item: AtomicDbItem | undefined } | undefined {
    const entry = this.#cache.get(text)
    if (!entry) return undefined
    // Most entries never expire: no clock is read for them.
    if (entry.until === Number.POSITIVE_INFINITY || entry.until > this.runtime.now()) return entry
    this.#cache.delete(text)
    return undefined
  }

  #keep(text: string, item: AtomicDbItem | undefined): void {
    const now = this.runtime.now()
    const oldest = this.#maxAgeMs === undefined ? Number.POSITIVE_INFINITY : now + this.#maxAgeMs
    this.#cache.set(text, {
      item,
      until: item?.ttl === undefined ? oldest : Math.min(oldest, item.ttl * 1000),
    })
  }

  #begin(text: string): Reading {
    const reading = { stale: this.#writing.has(text) }
    const others = this.#readings.get(text)
    if (others) others.add(reading)
    else this.#readings.set(text, new Set([reading]))
    return reading
  }

  #end(text: string, reading: Reading): void {
    const all = this.#readings.get(text)
    all?.delete(reading)
    if (all?.size === 0) this.#readings.delete(text)
  }

  /** Forgets what is kept, and whatever reads under way will bring: they may have begun before a write. */
  #forget(text: string): void {
    this.#cache.delete(text)
    this.#flights.delete(text)
    for (const reading of this.#readings.get(text) ?? []) reading.stale = true
  }

  /** Runs a write. A read that is under way at any moment of it may see either side and is not kept. */
  async #written<T>(effect: Effect, write: () => Promise<T>): Promise<T> {
    const texts = effect.keys.map(keyText)
    const wide = effect.everything || (effect.queues ?? []).length > 0
    for (const text of texts) {
      this.#writing.set(text, (this.#writing.get(text) ?? 0) + 1)
      this.#forget(text)
    }
    if (wide) this.clear()
    try {
      return await write()
    } finally {
      if (wide) this.clear()
      for (const text of texts) {
        const others = this.#writing.get(text)! - 1
        if (others === 0) this.#writing.delete(text)
        else this.#writing.set(text, others)
        this.#forget(text)
      }
    }
  }

  /** @inheritdoc */
  override get<T = unknown>(
    key: AtomicDbItemKey,
    options?: ReadOptions,
  ): Promise<AtomicDbItem<T> | undefined> {
    // Not async: a hit costs one promise and nothing else.
    try {
      checkKey(key)
    } catch (error) {
      return Promise.reject(error)
    }
    const text = keyText(key)
    if (options?.consistent === true)
      return this.#refresh(key, text, options) as Promise<AtomicDbItem<T> | undefined>
    const cached = this.#lookUp(text)
    if (cached) {
      this.#hits++
      return Promise.resolve(this.#out(cached.item) as AtomicDbItem<T> | undefined)
    }
    return this.#load(key, text, options ?? {}) as Promise<AtomicDbItem<T> | undefined>
  }

  async #refresh(
    key: AtomicDbItemKey,
    text: string,
    options: ReadOptions,
  ): Promise<AtomicDbItem | undefined> {
    this.#misses++
    // Reads under way may bring an older answer: theirs must not be kept after ours.
    this.#forget(text)
    return this.#out(await this.#fly(key, text, options))
  }

  async #load(key: AtomicDbItemKey, text: string, options: ReadOptions): Promise<AtomicDbItem | undefined> {
    // A caller's signal must not end the read of others: with one, it reads alone.
    if (options.signal) {
      this.#misses++
      return this.#out(await this.#fly(key, text, options))
    }
    const other = this.#flights.get(text)
    if (other) {
      this.#coalesced++
      return this.#out(await other)
    }
    this.#misses++
    const flight = this.#fly(key, text, options)
    if (!this.#writing.has(text)) {
      this.#flights.set(text, flight)
      const landed = () => {
        if (this.#flights.get(text) === flight) this.#flights.delete(text)
      }
      flight.then(landed, landed)
    }
    return this.#out(await flight)
  }

  /** Reads one item, and keeps it unless a write passed meanwhile. */
  async #fly(key: AtomicDbItemKey, text: string, options: ReadOptions): Promise<AtomicDbItem | undefined> {
    const reading = this.#begin(text)
    try {
      const item = await this.db.get(key, options)
      // An eventual read may be older than a write of ours.
      if (!reading.stale && options.consistent !== false) this.#keep(text, item)
      return item
    } finally {
      this.#end(text, reading)
    }
  }

  /** @inheritdoc */
  override async getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options: ReadOptions = {},
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    if (!Array.isArray(keys)) return this.db.getMany<T>(keys, options)
    keys.forEach((key, i) => {
      checkKey(key, `keys[${i}]`)
    })
    const found = keys.map((key) => (options.consistent === true ? undefined : this.#lookUp(keyText(key))))
    const missing = keys.filter((_, i) => !found[i])
    this.#hits += keys.length - missing.length
    this.#misses += missing.length
    const reading = missing.map((key) => this.#begin(keyText(key)))
    let read: (AtomicDbItem<T> | undefined)[] = []
    try {
      if (missing.length > 0) read = await this.db.getMany<T>(missing, options)
      missing.forEach((key, i) => {
        if (!reading[i]!.stale && options.consistent !== false) this.#keep(keyText(key), read[i])
      })
    } finally {
      missing.forEach((key, i) => {
        this.#end(keyText(key), reading[i]!)
      })
    }
    let next = 0
    return found.map(
      (cached) => this.#out(cached ? cached.item : read[next++]) as AtomicDbItem<T> | undefined,
    )
  }

  /** Everything else goes past the cache; writes take what they may change out of it. */
  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const effect = effectOf(method, args)
    if (!effect) return super.forward(method, args)
    // Every method that writes answers with a promise.
    const write = () => super.forward(method, args) as Promise<unknown>
    return this.#written(effect, write) as AnswerOf<M>
  }
}
