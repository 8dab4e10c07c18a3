import type { Changes } from '../changes.ts'
import { applyChanges } from '../engine/apply.ts'
import { toChanges } from '../engine/changes.ts'
import type { Context } from '../engine/context.ts'
import { cloneItem, sameItem } from '../engine/exact.ts'
import { checkKey, keyText } from '../engine/keys.ts'
import { checkRoom, newMessage } from '../engine/queue/messages.ts'
import { toRange } from '../engine/range.ts'
import { asList, fromItem, toItem } from '../engine/rows.ts'
import { utf8Order } from '../engine/values.ts'
import { type Conflict, InvalidInput, RaceCondition } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbOperation,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
  CallOptions,
} from '../interface.ts'
import { checkTransactionQuery } from '../model/option-names.ts'
import type { Range } from '../storage.ts'
import { type Entry, newEntry, runSteps, type Value } from './entry.ts'
import { bytesOf, maxBytes, maxRows, messageBytes, rowsOf } from './limits.ts'
import { commitOperations, hasLock } from './operations.ts'
import type { TransactionQuery } from './transaction.ts'

export interface SessionOptions {
  locks: boolean
  /** What each call gets, with the time that is left by now. */
  call: () => CallOptions
}

const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

/** What one run of a callback has read and wants to write. */
export class Session {
  readonly #db: AtomicDbInterface
  readonly #call: () => CallOptions
  readonly #locks: boolean
  readonly #entries = new Map<string, Entry>()
  readonly #messages: AtomicDbOperation[] = []
  #messageBytes = 0

  constructor(db: AtomicDbInterface, { locks, call }: SessionOptions) {
    this.#db = db
    this.#call = call
    this.#locks = locks
  }

  async read<T>(keys: readonly AtomicDbItemKey[], field: string): Promise<(AtomicDbItem<T> | undefined)[]> {
    if (!Array.isArray(keys)) throw new InvalidInput('keys', 'must be an array', { given: typeof keys })
    keys.forEach((key, i) => {
      checkKey(key, field === 'keys' ? `keys[${i}]` : '')
    })
    const missing = this.#unknown(keys)
    this.#reserve(missing.length)
    const answers = keys.map((key) => this.#answer<T>(key))
    if (missing.length > 0) void this.#fetch(missing.map((key) => this.#entryAt(key)))
    return Promise.all(answers)
  }

  /** Those that this transaction has neither read nor written. */
  #unknown(keys: readonly AtomicDbItemKey[]): AtomicDbItemKey[] {
    const distinct = new Map(keys.map((key) => [keyText(key), plain(key)]))
    return [...distinct].flatMap(([text, key]) => (this.#entries.has(text) ? [] : [key]))
  }

  /** The value of an item once it is known, as of this place in the order of calls. */
  #answer<T>(key: AtomicDbItemKey): Promise<AtomicDbItem<T> | undefined> {
    const found = this.#entryAt(key)
    return new Promise((resolve, reject) => {
      found.steps.push({
        needsValue: true,
        run: (value) => {
          if (!value) reject(found.failure)
          else resolve(value.item && (cloneItem(value.item) as AtomicDbItem<T>))
        },
      })
      runSteps(found)
    })
  }

  #entryAt(key: AtomicDbItemKey): Entry {
    const text = keyText(key)
    let found = this.#entries.get(text)
    if (!found) {
      found = newEntry(plain(key))
      this.#entries.set(text, found)
    }
    return found
  }

  /** Plain reads, past any cache: what they show is compared at the commit. */
  async #fetch(entries: readonly Entry[]): Promise<void> {
    for (const one of entries) one.isReading = true
    try {
      const items = await this.#db.getMany(
        entries.map(({ key }) => key),
        { ...this.#call(), consistent: true },
      )
      entries.forEach((one, i) => {
        this.#arrived(one, items[i])
      })
    } catch (error) {
      for (const one of entries) this.#failed(one, error)
    }
  }

  #arrived(one: Entry, item: AtomicDbItem | undefined): void {
    one.isReading = false
    one.base = { item }
    one.value = { item }
    try {
      this.#checkBytes()
    } catch (error) {
      this.#failed(one, error)
      return
    }
    runSteps(one)
  }

  #failed(one: Entry, error: unknown): void {
    Object.assign(one, { isReading: false, base: undefined, value: undefined, failure: error })
    runSteps(one)
    // A later read may try again.
    if (!one.value) this.#entries.delete(keyText(one.key))
  }

  async query<T>(query: TransactionQuery): Promise<AtomicDbItem<T>[]> {
    checkTransactionQuery(query)
    const range = toRange(query)
    const { limit } = query
    // Items deleted here stand in the way of a limit. More than fit are not worth reading.
    const deleted = this.#own(range).filter(({ value }) => value && !value.item).length
    const most = limit === undefined ? maxRows + 1 : limit + deleted
    const found = await this.#db.query<T>({ ...query, ...this.#call(), consistent: true, limit: most })
    // A read of the same item that began before is what this transaction goes by.
    await Promise.all(
      found.flatMap((item) => (this.#entries.get(keyText(item))?.isReading ? [this.#answer(item)] : [])),
    )
    const items = new Map<string, AtomicDbItem>(found.map((item) => [keyText(item), item]))
    for (const { key, value } of this.#own(range)) {
      if (value?.item) items.set(keyText(key), value.item)
      else items.delete(keyText(key))
    }
    const direction = query.reverse ? -1 : 1
    const result = [...items.values()]
      .sort((a, b) => (utf8Order(a.sk) < utf8Order(b.sk) ? -direction : direction))
      .slice(0, limit)
    const fresh = result.filter((item) => !this.#entries.has(keyText(item)))
    this.#reserve(fresh.length)
    for (const item of fresh) Object.assign(this.#entryAt(item), { base: { item }, value: { item } })
    try {
      this.#checkBytes()
    } catch (error) {
      for (const item of fresh) this.#entries.delete(keyText(item))
      throw error
    }
    return result.map((item) => cloneItem(item) as AtomicDbItem<T>)
  }

  /** What this transaction knows of the items in a range. */
  #own(range: Range | undefined): Entry[] {
    return [...this.#entries.values()].filter(({ key }) => range && isWithin(key, range))
  }

  set(item: AtomicDbItemInput): void {
    this.#write(item, toItem(fromItem(item, 'item')))
  }

  delete(key: AtomicDbItemKey): void {
    checkKey(key, 'key')
    this.#write(key, undefined)
  }

  #write(key: AtomicDbItemKey, item: AtomicDbItem | undefined): void {
    const one = this.#reserveWrite(key)
    const before = one.value
    if (before || !one.isReading) {
      one.value = { item }
      try {
        this.#checkBytes()
      } catch (error) {
        one.value = before
        this.#unwrite(one)
        throw error
      }
    } else one.steps.push({ needsValue: false, run: () => Object.assign(one, { value: { item } }) })
  }

  /** Counts the write; before it is known what it makes, since every call must be refused at once or not at all. */
  #reserveWrite(key: AtomicDbItemKey): Entry {
    const before = this.#entries.get(keyText(key))
    const isFirst = !before || before.writes === 0
    this.#reserve((before ? 0 : 1) + (isFirst && this.#locks && hasLock(key) ? 1 : 0))
    const one = this.#entryAt(key)
    one.writes++
    return one
  }

  #unwrite(one: Entry): void {
    one.writes--
    if (one.writes === 0 && !one.base && !one.isReading) this.#entries.delete(keyText(one.key))
  }

  async update<T>(key: AtomicDbItemKey, changes: Changes): Promise<AtomicDbItem<T> | undefined> {
    checkKey(key, 'key')
    toChanges(changes)
    const one = this.#reserveWrite(key)
    const answer = new Promise<AtomicDbItem<T> | undefined>((resolve, reject) => {
      const run = (before: Value | undefined) => {
        try {
          if (!before) throw one.failure
          const item = applyChanges<T>(key, before.item, changes)
          one.value = { item }
          this.#checkBytes()
          resolve(item && cloneItem(item))
        } catch (error) {
          one.value = before
          this.#unwrite(one)
          reject(error)
        }
      }
      one.steps.push({ needsValue: true, run })
    })
    if (one.value || one.isReading) runSteps(one)
    else void this.#fetch([one])
    return answer
  }

  queuePush(given: AtomicDbQueueItemInput | readonly AtomicDbQueueItemInput[]): void {
    const items = asList(given)
    const checking = { runtime: this.#db.runtime, ulid: () => '0'.repeat(26) } as unknown as Context
    const operations = items.map((item, i): [AtomicDbOperation, number] => {
      const field = Array.isArray(given) ? `items[${i}]` : 'item'
      const { row } = newMessage(checking, item, field)
      checkRoom(row, field)
      if (item.deduplicationId !== undefined)
        throw new InvalidInput(`${field}.deduplicationId`, 'is for queuePush outside of a transaction')
      const data = row.data === undefined ? {} : { data: row.data }
      return [{ type: 'queuePush', item: { ...item, ...data } }, messageBytes(row)]
    })
    this.#addMessages(operations)
  }

  queueAcknowledge(pulled: AtomicDbQueueItemKey): void {
    checkKey(pulled, 'item')
    const { receipt, payloadKey } = pulled
    this.#addMessages([[{ type: 'queueAcknowledge', item: { ...plain(pulled), receipt, payloadKey } }, 0]])
  }

  #addMessages(operations: readonly [AtomicDbOperation, number][]): void {
    this.#reserve(operations.length)
    const bytes = operations.reduce((sum, [, size]) => sum + size, 0)
    this.#messageBytes += bytes
    try {
      this.#checkBytes()
    } catch (error) {
      this.#messageBytes -= bytes
      throw error
    }
    this.#messages.push(...operations.map(([operation]) => operation))
  }

  #rows(): number {
    return rowsOf(this.#entries.values(), this.#locks) + this.#messages.length
  }

  /** Room for so many rows more. */
  #reserve(rows: number): void {
    const count = this.#rows() + rows
    if (count <= maxRows) return
    const all = [...this.#entries.values()]
    const written = all.filter(({ writes }) => writes > 0).length
    throw new InvalidInput('transaction', `can have at most ${maxRows} rows`, {
      limit: maxRows,
      given: `${count}: ${all.length - written} items read, ${written} written${this.#locks ? ' with their locks' : ''}, ${this.#messages.length} messages, and ${rows} of this call`,
    })
  }

  #checkBytes(): void {
    const bytes = bytesOf(this.#entries.values()) + this.#messageBytes
    if (bytes > maxBytes)
      throw new InvalidInput('transaction', 'can have at most 4 MB, written and compared', {
        limit: maxBytes,
        given: `${bytes} bytes`,
      })
  }

  /** Items read; a single one is of one moment by itself. */
  #reads(): Entry[] {
    return [...this.#entries.values()].filter(({ base }) => base)
  }

  /** Throws `RaceCondition` where what was read was never there all at once. 1 request, 2 RRU per item. */
  async verify(): Promise<void> {
    const reads = this.#reads()
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

  /** Writes everything, if what was read is still there; without writes as `verify`. */
  async commit(): Promise<void> {
    const entries = [...this.#entries.values()]
    if (this.#messages.length === 0 && !entries.some(({ writes }) => writes > 0)) return this.verify()
    await this.#db.transact([...commitOperations(entries, this.#locks), ...this.#messages], this.#call())
  }
}

function isWithin({ pk, sk }: AtomicDbItemKey, range: Range): boolean {
  const { prefix, from, to, after, reverse } = range
  const isBehind = (a: string, b: string) => utf8Order(a) > utf8Order(b)
  if (pk !== range.pk || !sk.startsWith(prefix ?? '')) return false
  if ((from !== undefined && isBehind(from, sk)) || (to !== undefined && isBehind(sk, to))) return false
  return after === undefined || (reverse ? isBehind(after, sk) : isBehind(sk, after))
}
