import { change, holds, Misfit } from '../engine/evaluate.ts'
import { shownRow } from '../engine/exact.ts'
import { depthOf, fitsOneRow, maxDepth, maxItemBytes, rowBytes, utf8Order } from '../engine/values.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import {
  type Applied,
  type FailedGuard,
  type Page,
  type Range,
  type Row,
  type RowOperation,
  type RowWrite,
  type Storage,
  StorageFault,
} from '../storage.ts'
import { ExpirySweep } from './expiry-sweep.ts'
import { Partition } from './partition.ts'

const pageRows = 1000
const maxTransactionBytes = 4 * 1024 * 1024
const tokenLifeMs = 10 * 60 * 1000
const maxTokens = 10_000

/**
 * Rows in memory, with the results that DynamoDB gives. Every call takes effect at once and whole.
 * The rows given to `put` and `write` become the storage's own (the engine copies what callers give); rows read
 * are copies.
 */
export class MemoryStorage implements Storage {
  readonly #partitions = new Map<string, Partition>()
  readonly #sweep = new ExpirySweep(this.#partitions)
  readonly #tokens = new Map<string, string>()
  // The same in order of time. Not by iterating the Map: what was deleted at its start is walked over again and again.
  #tokenLog: { token: string; at: number }[] = []
  #tokenStart = 0
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  async read(keys: readonly AtomicDbItemKey[]): Promise<(Row | undefined)[]> {
    return keys.map((key) => shown(this.#get(key)))
  }

  async readTogether(keys: readonly AtomicDbItemKey[]): Promise<(Row | undefined)[]> {
    const rows = await this.read(keys)
    const bytes = rows.reduce((sum, row) => sum + (row ? rowBytes(row) : 0), 0)
    if (bytes > maxTransactionBytes)
      throw new StorageFault('invalid', `the items have more than ${maxTransactionBytes} bytes together`)
    return rows
  }

  async page(range: Range): Promise<Page> {
    const partition = this.#partitions.get(range.pk)
    const rows: Row[] = []
    if (!partition) return pageOf(range, rows)
    const reverse = range.reverse ?? false
    const limit = Math.min(range.limit ?? pageRows, pageRows)
    const isInside = insideOf(range, reverse)
    let read = 0
    let next: string | undefined
    for (const row of partition.walk(...start(range, reverse), reverse)) {
      if (!isInside(row.sk)) break
      if (read++ === limit) return pageOf(range, rows, next)
      next = row.sk
      if (!range.only || holds(range.only, row)) rows.push(row)
    }
    return pageOf(range, rows)
  }

  async write(writes: readonly RowWrite[]): Promise<readonly RowWrite[]> {
    for (const write of writes) {
      if ('put' in write) this.#set(write.put)
      else this.#delete(write.delete)
    }
    return []
  }

  async apply(operation: RowOperation): Promise<Applied> {
    const current = this.#current(operation)
    if (operation.guard && !holds(operation.guard, current)) return { applied: false, row: shown(current) }
    const row = outcome(operation, current)
    checkSize(row)
    this.#commit(operation, row)
    if (operation.op !== 'check' && operation.old) return { applied: true, old: shown(current) }
    return { applied: true, row: shown(row) }
  }

  async transact(operations: readonly RowOperation[], token: string): Promise<FailedGuard[]> {
    const outline = outlineOf(operations)
    const seen = this.#seen(token)
    if (seen !== undefined) {
      if (seen === outline) return []
      throw new StorageFault('mismatch', 'this token was used with other operations')
    }
    const failed: FailedGuard[] = []
    // A change that does not fit its row refuses the whole, also when another guard fails: as DynamoDB has it.
    const outcomes = operations.map((operation, index) => {
      const current = this.#current(operation)
      if (!operation.guard || holds(operation.guard, current)) return outcome(operation, current)
      failed.push({ index, row: shown(current) })
      return undefined
    })
    if (failed.length > 0) return failed
    outcomes.forEach(checkSize)
    operations.forEach((operation, i) => {
      this.#commit(operation, outcomes[i])
    })
    this.#tokens.set(token, outline)
    this.#tokenLog.push({ token, at: this.#runtime.monotonic() })
    return []
  }

  #current(operation: RowOperation): Row | undefined {
    return this.#get(operation.op === 'put' ? operation.row : operation.key)
  }

  #commit(operation: RowOperation, row: Row | undefined): void {
    if (operation.op === 'check') return
    if (row) this.#set(row)
    else if (operation.op === 'delete') this.#delete(operation.key)
  }

  #get(key: AtomicDbItemKey): Row | undefined {
    return this.#partitions.get(key.pk)?.get(key.sk)
  }

  #set(row: Row): void {
    let partition = this.#partitions.get(row.pk)
    if (!partition) {
      partition = new Partition()
      this.#partitions.set(row.pk, partition)
    }
    partition.set(row)
    this.#sweep.step(row, this.#runtime.now())
  }

  #delete(key: AtomicDbItemKey): void {
    const partition = this.#partitions.get(key.pk)
    if (!partition) return
    partition.delete(key.sk)
    if (partition.size === 0) this.#partitions.delete(key.pk)
  }

  /** The transaction that was applied with this token; forgets tokens that are too old or too many. */
  #seen(token: string): string | undefined {
    const now = this.#runtime.monotonic()
    for (; this.#tokenStart < this.#tokenLog.length; this.#tokenStart++) {
      const oldest = this.#tokenLog[this.#tokenStart]!
      if (now - oldest.at < tokenLifeMs && this.#tokens.size <= maxTokens) break
      this.#tokens.delete(oldest.token)
    }
    if (this.#tokenStart > maxTokens) {
      this.#tokenLog = this.#tokenLog.slice(this.#tokenStart)
      this.#tokenStart = 0
    }
    return this.#tokens.get(token)
  }
}

/** Where to begin, in the order of the partition, and whether that key itself counts. */
/** Enough to tell two transactions under one token apart: what is done to the first row, and how many there are. */
function outlineOf(operations: readonly RowOperation[]): string {
  const [first] = operations
  if (!first) return ''
  const { pk, sk } = first.op === 'put' ? first.row : first.key
  return `${operations.length} ${first.op} ${pk} ${sk}`
}

function start({ after, prefix, from, to }: Range, reverse: boolean): [string | undefined, boolean] {
  if (after !== undefined) return [utf8Order(after), false]
  // Nothing sorts between the last text with a prefix and the prefix followed by the highest unit.
  if (prefix !== undefined) return [utf8Order(prefix) + (reverse ? '\uffff' : ''), true]
  const first = reverse ? to : from
  return [first === undefined ? undefined : utf8Order(first), true]
}

/** Whether a key that is read in order still lies in the range. */
function insideOf({ prefix, from, to }: Range, reverse: boolean): (sk: string) => boolean {
  if (prefix !== undefined) return (sk) => sk.startsWith(prefix)
  const last = reverse ? from : to
  if (last === undefined) return () => true
  const end = utf8Order(last)
  return (sk) => (reverse ? utf8Order(sk) >= end : utf8Order(sk) <= end)
}

const pageOf = ({ count }: Range, rows: readonly Row[], next?: string): Page => {
  const page: Page = count ? { rows: [], count: rows.length } : { rows: rows.map(shownRow) }
  return next === undefined ? page : { ...page, next }
}

const shown = (row: Row | undefined): Row | undefined => row && shownRow(row)

function outcome(operation: RowOperation, current: Row | undefined): Row | undefined {
  if (operation.op === 'delete' || operation.op === 'check') return undefined
  let row: Row
  if (operation.op === 'put') row = operation.row
  else {
    try {
      row = change(current ?? { pk: operation.key.pk, sk: operation.key.sk }, operation.changes)
    } catch (error) {
      throw error instanceof Misfit ? new StorageFault('invalid', error.message, error) : error
    }
  }
  if (operation.op === 'update' && depthOf(row.data) > maxDepth) {
    throw new StorageFault('invalid', `data would be nested more than ${maxDepth} levels deep`)
  }
  return row
}

function checkSize(row: Row | undefined): void {
  if (row && !fitsOneRow(row))
    throw new StorageFault('invalid', `the item would be larger than ${maxItemBytes} bytes`)
}
