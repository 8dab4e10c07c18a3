import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, wholeNumber } from '../model/checks.ts'
import { addWithin, allocateBlock, type BoundedOptions, type BoundedResult } from '../recipes/index.ts'
import { coordinationKey } from './coordination-key.ts'

export interface CounterOptions {
  /** Rows over which increments are spread: one row takes about 1,000 writes a second. Default 1. */
  shards?: number
}

/**
 * A number to add to. 1 request and 1 WRU per increment; reading is 1 RRU per shard (one request per 100).
 * With shards the sum is exact once writes are done; while they go on, a read may see some and not others.
 */
export class Counter {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #shards: number

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: CounterOptions = {}) {
    this.key = coordinationKey(key)
    this.#db = db
    checkOptions(options, ['shards'])
    this.#shards = wholeNumber(options.shards ?? 1, 'shards', { min: 1, max: 1000 })
  }

  #shard(i: number): AtomicDbItemKey {
    // Partition keys of their own: shards in one partition would share its throughput.
    return this.#shards === 1 ? this.key : { pk: `${this.key.pk}#${i}`, sk: this.key.sk }
  }

  /** Adds any signed amount (default 1). Returns the counter as it is now; with shards, that of the shard. */
  async increment(by = 1, options: CallOptions & { exactlyOnce?: boolean } = {}): Promise<number | bigint> {
    const shard = Math.floor(this.#db.runtime.random() * this.#shards)
    const { item } = await this.#db.update<number | bigint>(this.#shard(shard), { add: { '': by } }, options)
    return item!.data
  }

  /** Adds if the result stays within the bounds. Not with shards: no one row knows the sum. */
  incrementWithin(by: number, bounds: BoundedOptions): Promise<BoundedResult> {
    if (this.#shards > 1) throw new InvalidInput('shards', 'a bounded counter must have one shard')
    return addWithin(this.#db, this.key, '', by, bounds)
  }

  /** Takes the next `size` numbers for this caller alone. Not with shards. */
  allocate(size: number, options?: CallOptions): Promise<{ first: number; last: number }> {
    if (this.#shards > 1) throw new InvalidInput('shards', 'allocation needs one shard')
    return allocateBlock(this.#db, this.key, size, options)
  }

  /** The sum of all shards. */
  async get(options?: CallOptions): Promise<number | bigint> {
    const items = await this.#db.getMany<number | bigint>(
      Array.from({ length: this.#shards }, (_, i) => this.#shard(i)),
      { consistent: true, ...options },
    )
    return items.reduce<number | bigint>((sum, item) => plus(sum, item?.data ?? 0), 0)
  }
}

function plus(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  return BigInt(a) + BigInt(b)
}
