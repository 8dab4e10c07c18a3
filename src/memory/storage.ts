import { change, holds, Misfit } from '../engine/evaluate.ts'
import { clone, depthOf, fitsOneRow, maxDepth, maxItemBytes, utf8Order } from '../engine/values.ts'
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
import { Partition } from './partition.ts'

const pageRows = 1000
const tokenLifeMs = 10 * 60 * 1000
const maxTokens = 10_000

/**
 * Rows in memory, with the results that DynamoDB gives. Every call takes effect at once and whole.
 * The rows given to `put` and `write` become the storage's own (the engine copies what callers give); rows read
 * are copies.
 */
export class MemoryStorage implements Storage {
  readonly #partitions = new Map<string, Partition>()
  readonly #tokens = new Set<string>()
  // The same in order of time. Not by iterating the Set: what was deleted at its start is walked over again and again.
  #tokenLog: { token: string; at: number }[] = []
  #tokenStart = 0
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  async read(keys: readonly AtomicDbItemKey[]): Promise<(Row | undefined)[]> {
    return keys.map((key) => clone(this.#get(key)))
  }

  readTogether(keys: readonly AtomicDbItemKey[]): Promise<(Row | undefined)[]> {
    return this.read(keys)
  }

  async page(range: Range): Promise<Page> {
    const partition = this.#partitions.get(range.pk)
    const rows: Row[] = []
    if (!partition) return { rows }
    const prefix = range.prefix ?? ''
    const reverse = range.reverse ?? false
    const limit = Math.min(range.limit ?? pageRows, pageRows)
    const [from, inclusive] = start(range, prefix, reverse)
    for (const row of partition.walk(from, inclusive, reverse)) {
      if (!row.sk.startsWith(prefix)) break
      if (rows.length === limit) return { rows, next: rows.at(-1)!.sk }
      rows.push(clone(row))
    }
    return { rows }
  }

  async write(writes: readonly RowWrite[]): Promise<void> {
    for (const write of writes) {
      if ('put' in write) this.#set(write.put)
      else this.#delete(write.delete)
    }
  }

  async apply(operation: RowOperation): Promise<Applied> {
    const current = this.#current(operation)
    if (operation.guard && !holds(operation.guard, current)) return { applied: false, row: clone(current) }
    const row = outcome(operation, current)
    checkSize(row)
    this.#commit(operation, row)
    if (operation.op === 'delete' && operation.old) return { applied: true, old: current }
    return { applied: true, row: clone(row) }
  }

  async transact(operations: readonly RowOperation[], token: string): Promise<FailedGuard[]> {
    if (this.#seen(token)) return []
    const failed: FailedGuard[] = []
    // A change that does not fit its row refuses the whole, also when another guard fails: as DynamoDB has it.
    const outcomes = operations.map((operation, index) => {
      const current = this.#current(operation)
      if (!operation.guard || holds(operation.guard, current)) return outcome(operation, current)
      failed.push({ index, row: clone(current) })
      return undefined
    })
    if (failed.length > 0) return failed
    outcomes.forEach(checkSize)
    operations.forEach((operation, i) => {
      this.#commit(operation, outcomes[i])
    })
    this.#tokens.add(token)
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
  }

  #delete(key: AtomicDbItemKey): void {
    const partition = this.#partitions.get(key.pk)
    if (!partition) return
    partition.delete(key.sk)
    if (partition.size === 0) this.#partitions.delete(key.pk)
  }

  /** Whether this token's transaction was applied; forgets tokens that are too old or too many. */
  #seen(token: string): boolean {
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
    return this.#tokens.has(token)
  }
}

function start(range: Range, prefix: string, reverse: boolean): [string | undefined, boolean] {
  if (range.after !== undefined) return [utf8Order(range.after), false]
  if (prefix === '') return [undefined, true]
  // Nothing sorts between the last text with a prefix and the prefix followed by the highest unit.
  return reverse ? [`${utf8Order(prefix)}\uffff`, true] : [utf8Order(prefix), true]
}

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
