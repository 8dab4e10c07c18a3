import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkDb, checkOptions, seconds } from '../model/checks.ts'
import { checkedCall } from './call-time.ts'

/**
 * Plain values by name with a time to live: one partition of the table seen as a key-value store. 1 request each.
 */
export class KeyValue<T = string | number> {
  readonly #db: AtomicDbItemsInterface
  readonly #pk: string

  constructor(db: AtomicDbItemsInterface, pk: string) {
    checkDb(db)
    if (typeof pk !== 'string' || pk === '') throw new InvalidInput('pk', 'must be a text')
    this.#db = db
    this.#pk = pk
  }

  /** Strongly consistent. */
  async get(name: string, options?: CallOptions): Promise<T | undefined> {
    return (await this.#db.get<T>({ pk: this.#pk, sk: name }, { consistent: true, ...options }))?.data
  }

  /** `ttlSeconds`: absent from the second in which that time is up. @default it stays */
  async set(name: string, value: T, options: CallOptions & { ttlSeconds?: number } = {}): Promise<void> {
    checkOptions(options, ['signal', 'timeoutMs', 'ttlSeconds'], 'options', { ttl: "use 'ttlSeconds'" })
    const { ttlSeconds, ...call } = options
    const item = { pk: this.#pk, sk: name, data: value }
    const ttl =
      ttlSeconds === undefined
        ? undefined
        : Math.ceil(this.#db.runtime.now() / 1000 + seconds(ttlSeconds, 'ttlSeconds'))
    await this.#db.set(ttl === undefined ? item : { ...item, ttl }, call)
  }

  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#db.delete({ pk: this.#pk, sk: name }, options)
  }

  /** Adds to a number; a missing one counts as 0, and one written as text (`'41'`) becomes a number. */
  async increment(name: string, by = 1, options: CallOptions = {}): Promise<number> {
    const key = { pk: this.#pk, sk: name }
    const call = checkedCall(this.#db, options)
    for (;;) {
      const added = await this.#db.update<number>(
        key,
        { add: { '': by } },
        { ...call, if: { '': { type: 'number' } } },
      )
      if (added.applied) return added.item!.data
      const text: unknown = added.item?.data
      if (added.item && (typeof text !== 'string' || !/^[+-]?\d+$/.test(text)))
        throw new InvalidInput('value', `of ${name} is not a whole number`, { keys: [key] })
      const value = Number(text ?? 0) + by
      const wrote = await this.#db.update(
        key,
        { set: { '': value } },
        { ...call, if: { '': added.item ? { eq: text } : { exists: false } } },
      )
      if (wrote.applied) return value
    }
  }
}
