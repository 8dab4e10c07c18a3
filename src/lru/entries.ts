import { LRUCache } from 'lru-cache'
import type { AtomicDbItem } from '../interface.ts'
import { type Moment, momentOf, type Runtime } from '../runtime.ts'

/** An answer of the database that later reads may have. `undefined` as item: there is none. */
interface Entry {
  item: AtomicDbItem | undefined
  partition: string
  /** When the read was sent; absent where no age is too great. */
  sent: Moment | undefined
  /** Epoch ms. */
  expiresAt: number
  /** Neither age nor expiry ends it: no clock is read for it. */
  timeless: boolean
}

/** The items that are kept, the least recently used ones leaving first, with an index by partition. */
export class Entries {
  readonly #cache: LRUCache<string, Entry>
  readonly #byPartition = new Map<string, string | Set<string>>()
  readonly #runtime: Runtime
  readonly #maxAgeMs: number | undefined

  constructor(runtime: Runtime, maxItems: number, maxAgeMs: number | undefined) {
    this.#runtime = runtime
    this.#maxAgeMs = maxAgeMs
    this.#cache = new LRUCache({
      max: maxItems,
      dispose: ({ partition }, text, reason) => {
        if (reason !== 'set') this.#unlist(partition, text)
      },
    })
  }

  get size(): number {
    return this.#cache.size
  }

  /** How many partitions the index holds. */
  get partitions(): number {
    return this.#byPartition.size
  }

  /** The kept answer, unless it is too old or its item has expired. */
  live(text: string): { item: AtomicDbItem | undefined } | undefined {
    const entry = this.#cache.get(text)
    if (entry === undefined || entry.timeless || this.#isLive(entry)) return entry
    this.#cache.delete(text)
    return undefined
  }

  #isLive({ sent, expiresAt }: Entry): boolean {
    return this.#runtime.now() < expiresAt && this.isYoung(sent)
  }

  /** Whether what was asked for at that moment may still be an answer. */
  isYoung(sent: Moment | undefined): boolean {
    if (sent === undefined || this.#maxAgeMs === undefined) return true
    // A step back of the wall clock makes nothing younger: the monotonic one goes on.
    const { wall, monotonic } = momentOf(this.#runtime)
    return wall - sent.wall < this.#maxAgeMs && monotonic - sent.monotonic < this.#maxAgeMs
  }

  /** The kept answer, whatever its age, without making it a recently used one. */
  peek(text: string): { item: AtomicDbItem | undefined } | undefined {
    return this.#cache.peek(text)
  }

  keep(text: string, partition: string, item: AtomicDbItem | undefined, sent: Moment | undefined): void {
    const expiresAt = item?.ttl === undefined ? Number.POSITIVE_INFINITY : item.ttl * 1000
    const timeless = sent === undefined && expiresAt === Number.POSITIVE_INFINITY
    this.#list(partition, text)
    this.#cache.set(text, { item, partition, sent, expiresAt, timeless })
  }

  delete(text: string): void {
    this.#cache.delete(text)
  }

  deletePartition(partition: string): void {
    const texts = this.#byPartition.get(partition)
    if (texts === undefined) return
    for (const text of typeof texts === 'string' ? [texts] : [...texts]) this.#cache.delete(text)
  }

  clear(): void {
    this.#cache.clear()
  }

  // Most partitions have one item in the cache: a Set for each would be as large as the item.
  #list(partition: string, text: string): void {
    const texts = this.#byPartition.get(partition)
    if (texts === undefined) this.#byPartition.set(partition, text)
    else if (typeof texts !== 'string') texts.add(text)
    else if (texts !== text) this.#byPartition.set(partition, new Set([texts, text]))
  }

  #unlist(partition: string, text: string): void {
    const texts = this.#byPartition.get(partition)
    if (texts === text) this.#byPartition.delete(partition)
    else if (texts instanceof Set && texts.delete(text) && texts.size === 0)
      this.#byPartition.delete(partition)
  }
}
