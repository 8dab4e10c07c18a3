import type { Changes } from '../contract/changes.ts'
import { type Conflict, InvalidInput, RaceCondition } from '../errors.ts'
import type {
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemsInterface,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  AtomicDbQueuePushOptions,
  CallOptions,
} from '../interface.ts'
import { applyChanges } from '../model/apply.ts'
import { wholeNumber, wholeSeconds } from '../model/checks.ts'
import { checkTransactionPush } from '../model/item-names.ts'
import { bareKey, checkKey, keyText } from '../model/keys.ts'
import { type LastCheck, lastMoment } from '../model/last-moment.ts'
import { checkRoom, newMessage } from '../model/message-row.ts'
import { checkTransactionQuery } from '../model/option-names.ts'
import { toChanges } from '../model/parse-changes.ts'
import { toRange } from '../model/range.ts'
import { asList, fromItem, toItem } from '../model/rows.ts'
import { checkShards } from '../model/shards.ts'
import { valueBytes } from '../model/sizes.ts'
import { utf8Order } from '../model/values.ts'
import { cloneItem, sameItem } from '../model/wire.ts'
import type { Range } from '../storage.ts'
import { Entries } from './entries.ts'
import { type Entry, runSteps, type Value } from './entry.ts'
import { maxRows, messageBytes } from './limits.ts'
import { commitOperations } from './operations.ts'
import type { TransactionQuery } from './query.ts'

export interface SessionOptions {
  locks: boolean
  /** What each call gets, with the time that is left by now. */
  call: () => CallOptions
}

/** The items are of one partition. */
function bySortKey(reverse: boolean | undefined): (a: AtomicDbItemKey, b: AtomicDbItemKey) => number {
  const direction = reverse ? -1 : 1
  return (a, b) => (utf8Order(a.sk) < utf8Order(b.sk) ? -direction : direction)
}

/** What one run of a callback has read and wants to write. */
export class Session {
  readonly #db: AtomicDbItemsInterface
  readonly #call: () => CallOptions
  readonly #locks: boolean
  readonly #entries: Entries

  constructor(db: AtomicDbItemsInterface, { locks, call }: SessionOptions) {
    this.#db = db
    this.#call = call
    this.#locks = locks
    this.#entries = new Entries(locks)
  }

  async read<T>(keys: readonly AtomicDbItemKey[], field: string): Promise<(AtomicDbItem<T> | undefined)[]> {
    if (!Array.isArray(keys)) throw new InvalidInput('keys', 'must be an array', { given: typeof keys })
    keys.forEach((key, i) => {
      checkKey(key, field === 'keys' ? `keys[${i}]` : '')
    })
    const missing = this.#entries.unknown(keys)
    this.#entries.reserveRows(missing.length)
    const answers = keys.map((key) => this.#answer<T>(key))
    if (missing.length > 0) void this.#fetch(missing.map((key) => this.#entries.at(key)))
    return Promise.all(answers)
  }

  /** The value of an item once it is known, as of this place in the order of calls. */
  #answer<T>(key: AtomicDbItemKey): Promise<AtomicDbItem<T> | undefined> {
    const entry = this.#entries.at(key)
    return new Promise((resolve, reject) => {
      entry.steps.push({
        needsValue: true,
        run: (value) => {
          if (!value) reject(entry.failure)
          else resolve(value.item && (cloneItem(value.item) as AtomicDbItem<T>))
        },
      })
      runSteps(entry)
    })
  }

  /** Reads past any cache. What the reads show is compared at the commit. */
  async #fetch(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) entry.isReading = true
    try {
      const items = await this.#db.getMany(
        entries.map(({ key }) => key),
        { ...this.#call(), consistent: true },
      )
      entries.forEach((entry, i) => {
        this.#arrived(entry, items[i])
      })
    } catch (error) {
      for (const entry of entries) this.#failed(entry, error)
    }
  }

  #arrived(entry: Entry, item: AtomicDbItem | undefined): void {
    entry.isReading = false
    entry.base = { item }
    entry.value = { item }
    try {
      this.#entries.checkBytes()
    } catch (error) {
      this.#failed(entry, error)
      return
    }
    runSteps(entry)
  }

  #failed(entry: Entry, error: unknown): void {
    Object.assign(entry, { isReading: false, base: undefined, value: undefined, failure: error })
    runSteps(entry)
    // A later read may try again.
    if (!entry.value) this.#entries.drop(entry.key)
  }

  async query<T>(query: TransactionQuery): Promise<AtomicDbItem<T>[]> {
    checkTransactionQuery(query)
    const range = toRange(query)
    const found = await this.#queryTable<T>(query, range)
    // A read of the same item that began before is what this transaction goes by.
    const earlier = found.filter((item) => this.#entries.find(item)?.isReading)
    await Promise.all(earlier.map((item) => this.#answer(item)))
    const result = this.#withOurs(found, range).sort(bySortKey(query.reverse)).slice(0, query.limit)
    this.#addRead(result.filter((item) => !this.#entries.find(item)))
    return result.map((item) => cloneItem(item) as AtomicDbItem<T>)
  }

  #queryTable<T>(query: TransactionQuery, range: Range | undefined): Promise<AtomicDbItem<T>[]> {
    const { limit } = query
    // Items deleted here stand in the way of a limit. More than fit are not worth reading.
    const deleted = this.#entries.within(range).filter(({ value }) => value && !value.item).length
    const most = limit === undefined ? maxRows + 1 : limit + deleted
    return this.#db.query<T>({ ...query, ...this.#call(), consistent: true, limit: most })
  }

  /** What a query found, with what this transaction has read and written in its range. */
  #withOurs(found: readonly AtomicDbItem[], range: Range | undefined): AtomicDbItem[] {
    const items = new Map(found.map((item) => [keyText(item), item]))
    for (const { key, value } of this.#entries.within(range)) {
      if (value?.item) items.set(keyText(key), value.item)
      else items.delete(keyText(key))
    }
    return [...items.values()]
  }

  /** Items that a query has read first, all of them or none. */
  #addRead(items: readonly AtomicDbItem[]): void {
    this.#entries.reserveRows(items.length)
    for (const item of items) Object.assign(this.#entries.at(item), { base: { item }, value: { item } })
    try {
      this.#entries.checkBytes()
    } catch (error) {
      for (const item of items) this.#entries.drop(item)
      throw error
    }
  }

  set(item: AtomicDbItemInput): void {
    this.#write(item, toItem(fromItem(item, 'item')))
  }

  delete(key: AtomicDbItemKey): void {
    checkKey(key, 'key')
    this.#write(key, undefined)
  }

  #write(key: AtomicDbItemKey, item: AtomicDbItem | undefined): void {
    const entry = this.#entries.reserveWrite(key)
    const before = entry.value
    if (!before && entry.isReading) {
      entry.steps.push({ needsValue: false, run: () => Object.assign(entry, { value: { item } }) })
      return
    }
    entry.value = { item }
    try {
      this.#entries.checkBytes()
    } catch (error) {
      entry.value = before
      this.#entries.releaseWrite(entry)
      throw error
    }
  }

  async update<T>(key: AtomicDbItemKey, changes: Changes): Promise<AtomicDbItem<T> | undefined> {
    checkKey(key, 'key')
    toChanges(changes)
    const entry = this.#entries.reserveWrite(key)
    const answer = new Promise<AtomicDbItem<T> | undefined>((resolve, reject) => {
      const run = (before: Value | undefined) => {
        try {
          if (!before) throw entry.failure
          const item = applyChanges<T>(key, before.item, changes)
          entry.value = { item }
          this.#entries.checkBytes()
          resolve(item && cloneItem(item))
        } catch (error) {
          entry.value = before
          this.#entries.releaseWrite(entry)
          reject(error)
        }
      }
      entry.steps.push({ needsValue: true, run })
    })
    if (entry.value || entry.isReading) runSteps(entry)
    else void this.#fetch([entry])
    return answer
  }

  queuePush(
    given: AtomicDbQueueItemInput | readonly AtomicDbQueueItemInput[],
    options: Pick<AtomicDbQueuePushOptions, 'shards' | 'payloadThreshold' | 'deduplicationWindowSeconds'>,
  ): void {
    checkTransactionPush(options)
    if (options.shards !== undefined) checkShards(options.shards)
    const { payloadThreshold: threshold, deduplicationWindowSeconds: window } = options
    if (threshold !== undefined) wholeNumber(threshold, 'payloadThreshold', { min: 1 })
    if (window !== undefined) wholeSeconds(window, 'deduplicationWindowSeconds', { min: 1 })
    const items = asList(given)
    const checking = { runtime: this.#db.runtime, ulid: () => '0'.repeat(26) }
    const messages = items.map((item, i) => {
      const field = Array.isArray(given) ? `items[${i}]` : 'item'
      const { row } = newMessage(checking, item, field)
      const isApart = threshold !== undefined && row.data !== undefined && valueBytes(row.data) > threshold
      if (!isApart) checkRoom(row, field)
      if (options.shards !== undefined && item.family !== undefined)
        throw new InvalidInput('shards', 'cannot stand with family: a queue of a family has no shards')
      const data = row.data === undefined ? {} : { data: row.data }
      const others = [isApart, item.deduplicationId !== undefined, item.uniqueId !== undefined]
      return {
        operation: { type: 'queuePush' as const, item: { ...item, ...data }, ...options },
        bytes: messageBytes(row),
        rows: 1 + others.filter(Boolean).length,
      }
    })
    this.#entries.addMessages(messages)
  }

  queueAcknowledge(pulled: AtomicDbQueueItemKey): void {
    checkKey(pulled, 'item')
    const { receipt, payloadKey } = pulled
    const item = { ...bareKey(pulled), receipt, payloadKey }
    this.#entries.addMessages([{ operation: { type: 'queueAcknowledge', item }, bytes: 0, rows: 1 }])
  }

  /** Throws `RaceCondition` where what was read was never there all at once. 1 request, 2 RRU per item. */
  async verify(): Promise<void> {
    const reads = this.#entries.all.filter(({ base }) => base)
    // A single item is of one moment by itself.
    if (reads.length < 2) return
    const items = await this.#db.getTogether(
      reads.map(({ key }) => key),
      this.#call(),
    )
    const conflicts = reads.flatMap(({ key, base }, index): Conflict[] =>
      sameItem(base!.item, items[index]) ? [] : [{ index, key, reason: 'value', current: items[index] }],
    )
    if (conflicts.length > 0) throw new RaceCondition('what was read has changed', conflicts)
  }

  /**
   * Writes everything, if what was read is still there. Without writes it does what `verify` does. `last` is asked when
   * the commit leaves.
   */
  async commit(last?: LastCheck): Promise<void> {
    const { all, messages } = this.#entries
    if (messages.length === 0 && !all.some(({ writes }) => writes > 0)) return this.verify()
    const [first, ...others] = [...commitOperations(all, this.#locks), ...messages]
    const checked = last ? { ...first!, [lastMoment]: last } : first!
    await this.#db.transact([checked, ...others], this.#call())
  }
}
