import { decided, keyOf } from '../model/decided.ts'
import { checkOutline, outlineOf, tokenLifeMs } from '../model/token-memory.ts'
import {
  type FailedGuard,
  type RequestOptions,
  type RowOperation,
  type RowWrite,
  StorageFault,
} from '../storage.ts'
import { rowFromJson } from '../stores/row-json.ts'
import type { Statement } from './connection.ts'
import { type Entry, inOrder, newRow, type StoredKey, storedKey } from './entries.ts'
import { KeyTurns } from './key-turns.ts'
import { decodeKey, encodeKey } from './names.ts'
import type { VersionedRow } from './statements.ts'
import type { Writing } from './writes.ts'

/** How often it is tried where others change the rows meanwhile; then the engine waits longer. */
const mostTries = 8
/** The longest wait between two tries, ms. */
const pauseMs = 8

interface SeenRow extends VersionedRow {
  outline: string | null
  at: number
}

/**
 * Guarded operations on several rows, all or none: the rows are read as of one moment, decided here, and written by one statement
 * that locks them in order and writes nothing unless all are as they were. The token is written with them.
 */
export class Transactions {
  readonly #writing: Writing
  /**
   * Of those that write: between the look of one and its write others of this process would change its rows, the more the longer
   * they wait for a connection of the pool.
   */
  readonly #turns = new KeyTurns()

  constructor(writing: Writing) {
    this.#writing = writing
  }

  transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    const keys = operations.map((operation) => storedKey(keyOf(operation)))
    const written = keys.filter((_, index) => operations[index]!.op !== 'check').map(({ id }) => id)
    return this.#turns.run(written, () => this.#try(operations, keys, token, options), options.signal)
  }

  async #try(
    operations: readonly RowOperation[],
    keys: readonly StoredKey[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    const { runtime } = this.#writing
    for (let tries = 0; tries < mostTries; tries++) {
      if (tries > 1) await runtime.sleep(runtime.random() * pauseMs)
      const seen = await this.#look(keys, token, options)
      if (await this.#wasApplied(seen[0], token, operations)) return []
      const rows = operations.map((operation, index) => {
        const { pk, sk } = keyOf(operation)
        return seen[index]!.ver === null ? undefined : rowFromJson(pk, sk, seen[index]!.row)
      })
      const decision = decided(operations, rows)
      if (decision.failed) return decision.failed
      const entries = entriesOf(operations, keys, seen, decision.writes)
      if (await this.#commit(entries, operations, token, options)) return []
    }
    throw new StorageFault('conflict', 'the rows change all the time')
  }

  async #look(keys: readonly StoredKey[], token: string, { signal }: RequestOptions): Promise<SeenRow[]> {
    const { connection, statements } = this.#writing
    const { rows } = await connection.run(statements.getMany(keys, token), { signal })
    return rows as SeenRow[]
  }

  /** Throws `mismatch` where other operations were. A token that is too old to count makes room. */
  async #wasApplied(
    seen: SeenRow | undefined,
    token: string,
    operations: readonly RowOperation[],
  ): Promise<boolean> {
    const { connection, statements, runtime } = this.#writing
    if (!seen || seen.outline === null) return false
    const now = runtime.now()
    if (now - seen.at >= tokenLifeMs) {
      await connection.run(statements.dropToken(token, Math.floor(now) - tokenLifeMs))
      return false
    }
    checkOutline(decodeKey(seen.outline), operations)
    return true
  }

  /** False: something has changed since. */
  async #commit(
    entries: readonly Entry[],
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<boolean> {
    const { connection, statements, memo, runtime, onWritten } = this.#writing
    const now = Math.floor(runtime.now())
    const outline = encodeKey(outlineOf(operations))
    for (const { key } of entries) memo.set(key, undefined)
    try {
      // The rows were as asked for at one moment, and nothing is written: there is nothing to lock.
      if (entries.every(({ stays }) => stays)) {
        const { rowCount } = await connection.run(statements.takeToken(token, outline, now), options)
        return rowCount === 1
      }
      const absent = entries.filter(({ stays, expected }) => stays && expected === 'absent')
      const statement = (rows: readonly Entry[]) => statements.all(inOrder(rows), token, outline, now)
      const isDone =
        absent.length === 0
          ? (await connection.run(statement(entries), options)).rows.length === 1
          : await this.#withPlaceholders(entries, absent, statement, options)
      if (isDone) onWritten(entries.length)
      return isDone
    } catch (error) {
      // Somebody has made a row or used the token between the look and the write.
      if (error instanceof StorageFault && (error.cause as { code?: unknown })?.code === '23505') return false
      throw error
    }
  }

  /**
   * That a row stays absent until the commit cannot be had by a lock: there is nothing to lock. So it is made and deleted
   * in the transaction: whoever wants to make it meanwhile waits.
   */
  #withPlaceholders(
    entries: readonly Entry[],
    absent: readonly Entry[],
    statement: (entries: readonly Entry[]) => Statement,
    options: RequestOptions,
  ): Promise<boolean> {
    const { connection, statements } = this.#writing
    const placed = entries.map(
      (entry): Entry =>
        absent.includes(entry)
          ? { key: entry.key, expected: 'absent', row: newRow({ pk: '', sk: '' }, entry.key) }
          : entry,
    )
    return connection.together(options, async (send) => {
      if ((await send(statement(placed))).rows.length === 0) return false
      await send(statements.each(inOrder(absent.map(({ key }) => ({ key, expected: 'any' as const })))))
      return true
    })
  }
}

/** What each operation relies on, and what it writes. */
function entriesOf(
  operations: readonly RowOperation[],
  keys: readonly StoredKey[],
  seen: readonly SeenRow[],
  writes: readonly RowWrite[],
): Entry[] {
  let next = 0
  return operations.map((operation, index): Entry => {
    const key = keys[index]!
    const ver = seen[index]!.ver as string | null
    const expected = ver ?? 'absent'
    if (operation.op === 'check') return { key, expected, stays: true }
    const write = writes[next++]!
    if ('delete' in write)
      return operation.guard && ver === null
        ? { key, expected, stays: true }
        : { key, expected: operation.guard ? expected : 'any' }
    const isBlind = operation.op === 'put' && !operation.guard
    return { key, expected: isBlind ? 'any' : expected, row: newRow(write.put, key) }
  })
}
