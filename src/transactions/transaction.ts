import type { Changes } from '../changes.ts'
import { applyChanges } from '../engine/apply.ts'
import { keyText, lockKey } from '../engine/keys.ts'
import { fromItem, toItem } from '../engine/rows.ts'
import { clone, take, utf8Order } from '../engine/values.ts'
import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbOperation,
  AtomicDbQuery,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  CallOptions,
} from '../interface.ts'

interface Entry {
  key: AtomicDbItemKey
  /** As it is read in this transaction: what was read, or what was written here since. */
  item: AtomicDbItem | undefined
  /** The lock that was read with the item; written blindly, the lock is read at commit. */
  lock?: AtomicDbItemLock
  written: boolean
}

const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

/**
 * What the callback of `transaction` works with. Reads come with their locks and are the same however often they are
 * repeated; writes are kept until the commit, and reads see them.
 */
export class Transaction {
  readonly #db: AtomicDbInterface
  readonly #options: CallOptions
  readonly #entries = new Map<string, Entry>()
  readonly #others: AtomicDbOperation[] = []
  #reads = 0

  constructor(db: AtomicDbInterface, options: CallOptions) {
    this.#db = db
    this.#options = options
  }

  /** One item. 1 request, 4 RRU per started 4 KB (item and lock, transactional). */
  async get<T = unknown>(key: AtomicDbItemKey): Promise<AtomicDbItem<T> | undefined> {
    const [item] = await this.getMany<T>([key])
    return item
  }

  /** Items as of one moment, in the order of `keys`; one request per 50. */
  async getMany<T = unknown>(keys: readonly AtomicDbItemKey[]): Promise<(AtomicDbItem<T> | undefined)[]> {
    const unread = new Map(
      keys.filter((key) => !this.#entries.has(keyText(key))).map((key) => [keyText(key), plain(key)]),
    )
    if (unread.size > 0) {
      const missing = [...unread.values()]
      // Beyond 50 items, `getLocked` reads at several moments.
      this.#reads += Math.ceil(missing.length / 50)
      const locked = await this.#db.getLocked<T>(missing, this.#options)
      missing.forEach((key, i) => {
        // A write of the same callback may have come between.
        const entry = this.#entries.get(keyText(key))
        if (!entry)
          this.#entries.set(keyText(key), {
            key,
            item: locked[i]!.item,
            lock: locked[i]!.lock,
            written: false,
          })
        else entry.lock ??= locked[i]!.lock
      })
    }
    return keys.map((key) => clone(this.#entries.get(keyText(key))!.item) as AtomicDbItem<T> | undefined)
  }

  /**
   * The items of a partition, each read again with its lock: what is found is covered. Items that others add
   * meanwhile are *not* (phantoms): where that matters, let all writers of the partition bump one lock, or read a
   * summary item. 1 request for the query and 1 per 50 items.
   */
  async query<T = unknown>(query: Omit<AtomicDbQuery, 'consistent' | 'signal'>): Promise<AtomicDbItem<T>[]> {
    const { limit, ...rest } = query
    const fits = (item: AtomicDbItemKey) =>
      item.pk === query.pk && item.sk.startsWith(query.sk ?? '') && this.#behind(item.sk, query)
    const own = [...this.#entries.values()].filter((entry) => fits(entry.key))
    // Items deleted here are in the way of a limit: read so many more.
    const found = await this.#db.query({
      ...rest,
      ...this.#options,
      ...(limit === undefined ? {} : { limit: limit + own.length }),
    })
    const keys = new Map([...found, ...own.map(({ key }) => key)].map((key) => [keyText(key), plain(key)]))
    const items = (await this.getMany<T>([...keys.values()])).filter((item) => item !== undefined)
    const direction = query.reverse ? -1 : 1
    items.sort((a, b) => (utf8Order(a.sk) < utf8Order(b.sk) ? -direction : direction))
    return limit === undefined ? items : items.slice(0, limit)
  }

  #behind(sk: string, { after, reverse }: Pick<AtomicDbQuery, 'after' | 'reverse'>): boolean {
    if (after === undefined) return true
    return reverse ? utf8Order(sk) < utf8Order(after) : utf8Order(sk) > utf8Order(after)
  }

  /** Write an item whole. No I/O until the commit; `InvalidInput` at once. */
  set(item: AtomicDbItemInput): void {
    this.#write(item, toItem(fromItem(item, 'item')))
  }

  delete(key: AtomicDbItemKey): void {
    this.#write(key, undefined)
  }

  /** Change an item by the rules of `update`; it is read first, and the result is returned. */
  async update<T = unknown>(key: AtomicDbItemKey, changes: Changes): Promise<AtomicDbItem<T> | undefined> {
    const item = applyChanges<T>(key, await this.get(key), changes)
    this.#write(key, item)
    return clone(item)
  }

  /** Send messages when the transaction commits. */
  queuePush(items: AtomicDbQueueItemInput | readonly AtomicDbQueueItemInput[]): void {
    for (const item of Array.isArray(items) ? items : [items]) {
      const data = item.data === undefined ? {} : { data: take(item.data, 'data') }
      this.#others.push({ type: 'queuePush', item: { ...item, ...data } })
    }
  }

  /** Acknowledge a pulled message when the transaction commits, and only if it is still ours then. */
  queueAcknowledge(pulled: AtomicDbQueueItemKey): void {
    const { receipt, payloadKey } = pulled
    this.#others.push({ type: 'queueAcknowledge', item: { ...plain(pulled), receipt, payloadKey } })
  }

  #write(key: AtomicDbItemKey, item: AtomicDbItem | undefined): void {
    const text = keyText(key)
    const entry = this.#entries.get(text)
    if (entry) Object.assign(entry, { item, written: true })
    else this.#entries.set(text, { key: plain(key), item, written: true })
  }

  /** Whether the reads were made at more than one moment, so that they may not fit together. */
  get mayBeTorn(): boolean {
    return this.#reads > 1
  }

  /** All locks read are unchanged; throws `RaceCondition` if not. 2 WRU per lock. */
  async verify(): Promise<void> {
    const checks = [...this.#entries.values()].flatMap(({ lock }) =>
      lock ? [{ type: 'check' as const, lock }] : [],
    )
    if (checks.length > 0) await this.#db.transact(checks, this.#options)
  }

  async commit(): Promise<void> {
    const entries = [...this.#entries.values()]
    const writes = entries.filter((entry) => entry.written)
    if (writes.length === 0 && this.#others.length === 0) {
      // Reads of one moment fit together by themselves.
      if (this.mayBeTorn) await this.verify()
      return
    }
    await this.#lockBlindWrites(writes)
    const rows = entries.length + writes.length + this.#others.length
    if (rows > 100) {
      const given = `${rows}: ${entries.length} locks, ${writes.length} items, ${this.#others.length} messages`
      throw new InvalidInput('transaction', 'can have at most 100 rows', { limit: 100, given })
    }
    await this.#db.transact(
      [
        ...entries.map(
          ({ lock, written }): AtomicDbOperation => ({ type: written ? 'bump' : 'check', lock: lock! }),
        ),
        ...writes.map(
          ({ key, item }): AtomicDbOperation => (item ? { type: 'set', item } : { type: 'delete', key }),
        ),
        ...this.#others,
      ],
      this.#options,
    )
  }

  /** What was written without being read needs its lock too, so that others who read it notice. */
  async #lockBlindWrites(writes: readonly Entry[]): Promise<void> {
    const blind = writes.filter((entry) => !entry.lock)
    const locked = await Promise.all(blind.map(({ key }) => this.#db.getLock(lockKey(key), this.#options)))
    blind.forEach((entry, i) => {
      entry.lock = locked[i]!
    })
  }
}
