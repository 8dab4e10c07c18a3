import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbOperation } from '../interface.ts'
import { bareKey, keyText } from '../model/keys.ts'
import { utf8Order } from '../model/values.ts'
import type { Range } from '../storage.ts'
import { type Entry, newEntry } from './entry.ts'
import { bytesOf, maxBytes, maxRows, rowsOf } from './limits.ts'
import { hasLock } from './operations.ts'

/** The items and messages of one run of a transaction, within the limits of one commit. */
export class Entries {
  readonly #locks: boolean
  readonly #entries = new Map<string, Entry>()
  readonly #messages: AtomicDbOperation[] = []
  #messageBytes = 0
  #messageRows = 0

  /** `locks`: written items give their locks new versions. */
  constructor(locks: boolean) {
    this.#locks = locks
  }

  get all(): Entry[] {
    return [...this.#entries.values()]
  }

  /** What is pushed and acknowledged. */
  get messages(): readonly AtomicDbOperation[] {
    return this.#messages
  }

  find(key: AtomicDbItemKey): Entry | undefined {
    return this.#entries.get(keyText(key))
  }

  /** The entry of an item, made where there is none. */
  at(key: AtomicDbItemKey): Entry {
    const text = keyText(key)
    let found = this.#entries.get(text)
    if (!found) {
      found = newEntry(bareKey(key))
      this.#entries.set(text, found)
    }
    return found
  }

  drop(key: AtomicDbItemKey): void {
    this.#entries.delete(keyText(key))
  }

  /** The keys that this transaction has neither read nor written, each once. */
  unknown(keys: readonly AtomicDbItemKey[]): AtomicDbItemKey[] {
    const distinct = new Map(keys.map((key) => [keyText(key), bareKey(key)]))
    return [...distinct].flatMap(([text, key]) => (this.#entries.has(text) ? [] : [key]))
  }

  /** Those in a range. */
  within(range: Range | undefined): Entry[] {
    return this.all.filter(({ key }) => range && isWithin(key, range))
  }

  /**
   * Counts a write before it is known what it makes, since every call must be refused at once or not at all.
   * Throws `InvalidInput` where there is no room.
   */
  reserveWrite(key: AtomicDbItemKey): Entry {
    const before = this.find(key)
    const isFirst = !before || before.writes === 0
    this.reserveRows((before ? 0 : 1) + (isFirst && this.#locks && hasLock(key) ? 1 : 0))
    const entry = this.at(key)
    entry.writes++
    return entry
  }

  /** Takes back what `reserveWrite` counted. */
  releaseWrite(entry: Entry): void {
    entry.writes--
    if (entry.writes === 0 && !entry.base && !entry.isReading) this.drop(entry.key)
  }

  /** `rows`: how many each one takes, with its payload and what stands for its ids. */
  addMessages(messages: readonly { operation: AtomicDbOperation; bytes: number; rows: number }[]): void {
    const count = messages.reduce((sum, { rows }) => sum + rows, 0)
    this.reserveRows(count)
    const bytes = messages.reduce((sum, one) => sum + one.bytes, 0)
    this.#messageBytes += bytes
    try {
      this.checkBytes()
    } catch (error) {
      this.#messageBytes -= bytes
      throw error
    }
    this.#messages.push(...messages.map(({ operation }) => operation))
    this.#messageRows += count
  }

  /** Throws `InvalidInput` where there is no room for this many more rows. */
  reserveRows(rows: number): void {
    const count = rowsOf(this.#entries.values(), this.#locks) + this.#messageRows + rows
    if (count <= maxRows) return
    const all = this.all
    const written = all.filter(({ writes }) => writes > 0).length
    throw new InvalidInput('transaction', `can have at most ${maxRows} rows`, {
      limit: maxRows,
      given: `${count}: ${all.length - written} items read, ${written} written${this.#locks ? ' with their locks' : ''}, ${this.#messages.length} messages${this.#messageRows > this.#messages.length ? ` with ${this.#messageRows - this.#messages.length} rows for payloads and ids` : ''}, and ${rows} of this call`,
    })
  }

  checkBytes(): void {
    const bytes = bytesOf(this.#entries.values()) + this.#messageBytes
    if (bytes > maxBytes)
      throw new InvalidInput('transaction', 'can have at most 4 MB, written and compared', {
        limit: maxBytes,
        given: `${bytes} bytes`,
      })
  }
}

function isWithin({ pk, sk }: AtomicDbItemKey, range: Range): boolean {
  const { prefix, from, to, after, reverse } = range
  const isBehind = (a: string, b: string) => utf8Order(a) > utf8Order(b)
  if (pk !== range.pk || !sk.startsWith(prefix ?? '')) return false
  if ((from !== undefined && isBehind(from, sk)) || (to !== undefined && isBehind(sk, to))) return false
  return after === undefined || (reverse ? isBehind(after, sk) : isBehind(sk, after))
}
