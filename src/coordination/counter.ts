import { absent, anyOf, exists } from '../contract/conditions.ts'
import { BackendError, InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkDb, checkOptions, wholeNumber } from '../model/checks.ts'
import { counterRegistryKey, counterShardKey } from '../model/key-names.ts'
import { addWithin, type BoundedOptions, type BoundedResult } from '../recipes/bounded.ts'
import { allocateBlock } from '../recipes/recipes.ts'
import { checkedCall } from './call-time.ts'
import { certainUpdate } from './certain-update.ts'
import { coordinationKey, nameOf } from './coordination-key.ts'

interface Registry {
  count: number
}

/**
 * A number to add to. 1 request and 1 WRU per increment (3 for the first one of a shard); reading is 1 RRU per shard
 * and 2 more with shards, 2 in all without (one request per 100).
 * With shards the sum is exact once writes are done; while they go on, a read may see some and not others.
 */
export class Counter {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbItemsInterface
  readonly #shards: number

  /**
   * `shards`: rows over which increments are spread; one row takes about 1,000 writes a second. May be changed up and
   * down: `get` adds up all rows that were ever in use. Default 1.
   */
  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, options: { shards?: number } = {}) {
    checkDb(db)
    this.key = coordinationKey(key)
    this.#db = db
    checkOptions(options, ['shards'])
    this.#shards = wholeNumber(options.shards ?? 1, 'shards', { min: 1, max: 1000 })
  }

  #shard(i: number): AtomicDbItemKey {
    return counterShardKey(this.key, i)
  }

  /** Knows how many shards were ever in use: written before the first increment of a shard. */
  get #registry(): AtomicDbItemKey {
    return counterRegistryKey(this.key)
  }

  /** Adds any signed amount (default 1). Returns the counter as it is now; with shards, that of the shard. */
  async increment(by = 1, options: CallOptions & { exactlyOnce?: boolean } = {}): Promise<number | bigint> {
    const changes = { add: { '': by } }
    if (this.#shards === 1)
      return (await this.#db.update<number | bigint>(this.key, changes, options)).item!.data
    const shard = this.#shard(Math.floor(this.#db.runtime.random() * this.#shards))
    const known = await this.#db.update<number | bigint>(shard, changes, { ...options, if: exists })
    if (known.applied) return known.item!.data
    await this.#register(options)
    return (await this.#db.update<number | bigint>(shard, changes, options)).item!.data
  }

  /** Before a shard is made, so that whoever reads with fewer shards finds it. */
  async #register({ signal, timeoutMs }: CallOptions): Promise<void> {
    const count = this.#shards
    for (let turn = 0; turn < 3; turn++) {
      const { applied, item } = await certainUpdate<Registry>(
        this.#db,
        this.#registry,
        { set: { count } },
        { signal, timeoutMs, if: anyOf(absent, { count: { lt: count } }) },
        (found) => (found?.data.count ?? 0) >= count,
      )
      if (applied || (item?.data.count ?? 0) >= count) return
    }
    throw new BackendError(`the requests to note the shards of ${nameOf(this.key)} were lost`, {
      keys: [this.key],
    })
  }

  /** Adds if the result stays within the bounds. Not with shards, now or before: no one row knows the sum. */
  incrementWithin(by: number, bounds: BoundedOptions): Promise<BoundedResult> {
    if (this.#shards > 1) throw new InvalidInput('shards', 'a bounded counter must have one shard')
    return addWithin(this.#db, this.key, '', by, bounds)
  }

  /** Takes the next `size` numbers for this caller alone. Not with shards, now or before. */
  allocate(size: number, options?: CallOptions): Promise<{ first: number; last: number }> {
    if (this.#shards > 1) throw new InvalidInput('shards', 'allocation needs one shard')
    return allocateBlock(this.#db, this.key, size, options)
  }

  /** The sum of all shards, also of those that were in use before. */
  async get(options: CallOptions = {}): Promise<number | bigint> {
    const call = checkedCall(this.#db, options)
    const own = this.#shards === 1 ? 0 : this.#shards
    const [registry, ...rows] = await this.#read([this.#registry, this.key, ...this.#keys(0, own)], call)
    const count = (registry as Registry | undefined)?.count ?? 0
    const earlier = count > own ? await this.#read(this.#keys(own, count), call) : []
    return [...rows, ...earlier].reduce<number | bigint>((sum, row) => plus(sum, (row ?? 0) as number), 0)
  }

  async #read(keys: AtomicDbItemKey[], call: CallOptions): Promise<unknown[]> {
    const items = await this.#db.getMany(keys, { ...call, consistent: true })
    return items.map((item) => item?.data)
  }

  #keys(from: number, to: number): AtomicDbItemKey[] {
    return Array.from({ length: to - from }, (_, i) => this.#shard(from + i))
  }
}

function plus(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  return BigInt(a) + BigInt(b)
}
