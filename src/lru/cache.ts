import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, ReadOptions } from '../interface.ts'
import { type ContractMethod, type Effect, effectOf } from '../model/effects.ts'
import { type AnswerOf, type ArgumentsOf, ForwardingDb } from '../model/forwarding-db.ts'
import { checkKey, keyText } from '../model/keys.ts'
import { cloneItem, sameItem } from '../model/wire.ts'
import { momentOf } from '../runtime.ts'
import { Doubts, doubtfulAfter } from './doubts.ts'
import { Entries } from './entries.ts'
import { type AtomicLRUCacheOptions, checkedOptions } from './options.ts'
import { type Answer, type Read, Reads } from './reads.ts'
import { shownItems, showsItems } from './shown.ts'
import { partitionOf, type Target, targetOf } from './target.ts'

/** How often a cache answered by itself, and how often it read. */
export interface CacheStats {
  hits: number
  misses: number
  /** Misses that waited for another caller's read of the same key. */
  coalesced: number
  /** How many items are kept now. */
  size: number
}

/** A read that callers of the same key may wait for together. */
type Flight = Read & { answer: Promise<AtomicDbItem | undefined> }

/**
 * A cache of items in front of any database, for `get` and `getMany`. Everything else goes past it.
 *
 * What it promises, per key and cache object, however requests and replies overtake each other:
 * - Reads do not go back in time: `get` and `getMany` are never older than what this object had answered before they
 *   began (to `get`, `getMany`, `getTogether`, `getLocked`, `query` or `page`; that a query does not list an item does
 *   not count).
 * - Reads see every write made through this object that has taken effect, also one that was aborted, failed without
 *   a certain outcome, or arrived late: until ten minutes after such a failure its rows are not kept.
 * - `consistent: true` asks the database, and the reads after it are no older than its answer.
 * - An answer is at most `maxAgeMs` old, from the moment its read was sent, by both clocks. Without `maxAgeMs`, a write
 *   of another process may stay unseen for as long as the item is kept.
 * - Values are equal to those of the database; copies share nothing.
 *
 * `consistent: false` asks the database for its eventual answer, which is neither kept nor shared with other callers,
 * and may be older than all of the above. Partitions of queues that are pulled from through this object are not kept.
 *
 * A cached item must not feed a locked write: it may be older than the lock. Read with `{ consistent: true }` there,
 * or with `getLocked` or `transaction`, which never look into the cache.
 *
 * @example
 * const db = new AtomicLRUCache(new AtomicDynamoDB(client, 'table'), { maxItems: 1000, maxAgeMs: 5_000 })
 * await db.get({ pk: 'config', sk: 'main' }) // from the cache, at most 5 s old
 */
export class AtomicLRUCache extends ForwardingDb {
  readonly #entries: Entries
  readonly #reads = new Reads()
  readonly #doubts: Doubts
  readonly #flights = new Map<string, Flight>()
  readonly #copy: boolean
  readonly #ages: boolean
  #hits = 0
  #misses = 0
  #coalesced = 0

  /** @throws InvalidInput for an option that is not known or out of bounds. */
  constructor(db: AtomicDbInterface, options: number | AtomicLRUCacheOptions) {
    super(db)
    const { maxItems, maxAgeMs, copy } = checkedOptions(options)
    this.#copy = copy
    this.#ages = maxAgeMs !== undefined
    this.#entries = new Entries(db.runtime, maxItems, maxAgeMs)
    this.#doubts = new Doubts(db.runtime)
  }

  /** Counts since the cache was made. */
  get stats(): CacheStats {
    const size = this.#entries.size
    return { hits: this.#hits, misses: this.#misses, coalesced: this.#coalesced, size }
  }

  /** Forgets everything, or one item. Answers to reads that are under way are not kept either. */
  clear(key?: AtomicDbItemKey): void {
    if (key === undefined) {
      this.#entries.clear()
      this.#reads.outdateAll()
      return
    }
    checkKey(key)
    this.#entries.delete(keyText(key))
    this.#reads.outdate(keyText(key))
  }

  /** A hit costs no request. A miss is one request for all who ask meanwhile: 1 RRU per 4 KB. */
  override get<T = unknown>(
    key: AtomicDbItemKey,
    options?: ReadOptions,
  ): Promise<AtomicDbItem<T> | undefined> {
    // Not async: a hit costs one promise and nothing else.
    try {
      checkKey(key)
      const text = keyText(key)
      const entry = mayHit(options) ? this.#entries.live(text) : undefined
      if (entry === undefined) return this.#load(key, text, options) as Promise<AtomicDbItem<T> | undefined>
      this.#hits++
      return Promise.resolve(this.#out(entry.item) as AtomicDbItem<T> | undefined)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A copy for a caller. */
  #out(item: AtomicDbItem | undefined): AtomicDbItem | undefined {
    return this.#copy && item !== undefined ? cloneItem(item) : item
  }

  async #load(
    key: AtomicDbItemKey,
    text: string,
    options: ReadOptions | undefined,
  ): Promise<AtomicDbItem | undefined> {
    // A caller's signal or deadline must not end the read of others: with options, it reads alone.
    const shares = options === undefined || isEmpty(options)
    const flight = shares ? this.#flights.get(text) : undefined
    if (flight && this.#mayJoin(flight)) {
      this.#coalesced++
      return this.#out(await flight.answer)
    }
    this.#misses++
    const read = this.#begin(key, text)
    const answer = this.#fetch(read, key, options)
    if (shares) this.#share(Object.assign(read, { answer }))
    return this.#out(await answer)
  }

  /** A caller may join a read only if a read of its own, or the cache, could not bring a newer answer. */
  #mayJoin({ stale, heard, sent }: Flight): boolean {
    return !stale && heard === undefined && this.#entries.isYoung(sent)
  }

  #share(flight: Flight): void {
    this.#flights.set(flight.text, flight)
    const landed = () => {
      if (this.#flights.get(flight.text) === flight) this.#flights.delete(flight.text)
    }
    flight.answer.then(landed, landed)
  }

  #begin(key: AtomicDbItemKey, text: string): Read {
    const partition = partitionOf(key)
    const sent = this.#ages ? momentOf(this.runtime) : undefined
    return this.#reads.begin(text, partition, sent, this.#doubts.has(text, partition))
  }

  async #fetch(
    read: Read,
    key: AtomicDbItemKey,
    options: ReadOptions | undefined,
  ): Promise<AtomicDbItem | undefined> {
    try {
      const item = await this.db.get(key, options)
      this.#land(read, item, options)
      return item
    } finally {
      this.#reads.end(read)
    }
  }

  /** A read is answered: keeps the answer, or makes sure that no other one is kept that may be older. */
  #land(read: Read, item: AtomicDbItem | undefined, options: ReadOptions | undefined): void {
    this.#reads.end(read)
    if (options?.consistent !== false && this.#reads.isNewest(read, item))
      this.#entries.keep(read.text, read.partition, item, read.sent)
    this.#told(read.text, read.heard && sameItem(read.heard.item, item) ? read.heard : { item })
  }

  /** Somebody was told this of a key: what is kept stays only if it is the same. */
  #told(text: string, answer: Answer): void {
    const entry = this.#entries.peek(text)
    if (entry && !sameItem(entry.item, answer.item)) this.#entries.delete(text)
    this.#reads.tell(text, answer)
  }

  /** Items in the order of `keys`; those that are not kept are read together. */
  override async getMany<T = unknown>(
    keys: readonly AtomicDbItemKey[],
    options?: ReadOptions,
  ): Promise<(AtomicDbItem<T> | undefined)[]> {
    if (!Array.isArray(keys)) return this.db.getMany<T>(keys, options)
    keys.forEach((key, i) => {
      checkKey(key, `keys[${i}]`)
    })
    const fromCache = mayHit(options)
    const texts = keys.map(keyText)
    const answers = new Map<string, Answer>()
    const missing = new Map<string, AtomicDbItemKey>()
    texts.forEach((text, i) => {
      const entry = fromCache ? this.#entries.live(text) : undefined
      if (entry) answers.set(text, entry)
      else missing.set(text, keys[i]!)
    })
    const hits = texts.filter((text) => answers.has(text)).length
    this.#hits += hits
    this.#misses += texts.length - hits
    if (missing.size > 0 || keys.length === 0) await this.#fetchMany(missing, options, answers)
    return texts.map((text) => this.#out(answers.get(text)!.item) as AtomicDbItem<T> | undefined)
  }

  async #fetchMany(
    missing: ReadonlyMap<string, AtomicDbItemKey>,
    options: ReadOptions | undefined,
    answers: Map<string, Answer>,
  ): Promise<void> {
    const reads = [...missing].map(([text, key]) => this.#begin(key, text))
    try {
      const items = await this.db.getMany([...missing.values()], options)
      reads.forEach((read, i) => {
        answers.set(read.text, { item: items[i] })
        this.#land(read, items[i], options)
      })
    } finally {
      for (const read of reads) this.#reads.end(read)
    }
  }

  /** Everything else goes past the cache. */
  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const effect = effectOf(method, args)
    if (!effect && !showsItems(method)) return super.forward(method, args)
    // Methods that write, and these that show items, answer with a promise.
    const call = () => super.forward(method, args) as Promise<unknown>
    return (effect ? this.#write(effect, call) : this.#show(method, args, call)) as AnswerOf<M>
  }

  async #show(
    method: ContractMethod,
    args: readonly unknown[],
    read: () => Promise<unknown>,
  ): Promise<unknown> {
    const answer = await read()
    // Copies: the caller may change what it gets, and the comparison with reads under way comes later.
    for (const [key, item] of shownItems(method, answer, args))
      this.#told(keyText(key), { item: item && cloneItem(item) })
    return answer
  }

  /** Takes what a write may change out of the cache, before and after it, whatever comes of it. */
  async #write<T>(effect: Effect, write: () => Promise<T>): Promise<T> {
    const target = targetOf(effect)
    this.#reads.writing(target, 1)
    this.#forget(target)
    try {
      return await write()
    } catch (error) {
      const doubtful = doubtfulAfter(error, target)
      if (doubtful) this.#doubts.add(doubtful)
      throw error
    } finally {
      if (effect.lingers) this.#doubts.add(target)
      this.#reads.writing(target, -1)
      this.#forget(target)
    }
  }

  #forget({ texts, partitions, everything }: Target): void {
    if (everything) this.#entries.clear()
    for (const text of texts) this.#entries.delete(text)
    for (const partition of partitions) this.#entries.deletePartition(partition)
  }
}

/** Whether the cache may answer. An option that it does not know, the database knows or refuses. */
function mayHit(options: ReadOptions | undefined): boolean {
  if (options === undefined) return true
  if (typeof options !== 'object' || options === null) return false
  const { signal, timeoutMs, ...others } = options
  if (timeoutMs !== undefined && !(timeoutMs > 0)) return false
  if (signal !== undefined && !(signal instanceof AbortSignal)) return false
  signal?.throwIfAborted()
  return isEmpty(others)
}

const isEmpty = (options: object | null): boolean =>
  options !== null && Object.values(options).every((value) => value === undefined)
