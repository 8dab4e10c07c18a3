import type { AtomicDbItemKey } from '../interface.ts'
import { pageFrom } from '../model/range-page.ts'
import { checkRowSize, outcomeOf } from '../model/row-outcome.ts'
import { rowBytes } from '../model/sizes.ts'
import { TokenMemory } from '../model/token-memory.ts'
import { utf8Order } from '../model/values.ts'
import { shownRow } from '../model/wire.ts'
import type { Runtime } from '../runtime.ts'
import {
  type Applied,
  type FailedGuard,
  type Page,
  type Range,
  type Row,
  type RowOperation,
  type RowWrite,
  type Scan,
  type ScanPage,
  type SingleOperation,
  type Storage,
  StorageFault,
} from '../storage.ts'
import { ExpirySweep } from './expiry-sweep.ts'
import { Partition } from './partition.ts'
import { Partitions } from './partitions.ts'

const maxTransactionBytes = 4 * 1024 * 1024

/**
 * Rows in memory, with the results that DynamoDB gives. Every call takes effect at once and whole.
 * The rows given to `put` and `write` become the storage's own (the engine copies what callers give); rows read
 * are copies.
 */
export class MemoryStorage implements Storage {
  readonly #partitions = new Partitions()
  readonly #sweep = new ExpirySweep(this.#partitions)
  readonly #tokens: TokenMemory
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#tokens = new TokenMemory(runtime)
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
    if (!partition) return pageFrom(range, [])
    const reverse = range.reverse ?? false
    return pageFrom(range, partition.walk(...start(range, reverse), reverse), shownRow)
  }

  async scan(scan: Scan): Promise<ScanPage> {
    return this.#partitions.scan(scan)
  }

  async write(writes: readonly RowWrite[]): Promise<readonly RowWrite[]> {
    for (const write of writes) {
      if ('put' in write) this.#set(write.put)
      else this.#delete(write.delete)
    }
    return []
  }

  async apply(operation: SingleOperation): Promise<Applied> {
    const current = this.#current(operation)
    const outcome = outcomeOf(operation, current)
    if (!outcome) return { applied: false, row: shown(current) }
    checkRowSize(outcome.row)
    this.#commit(operation, outcome.row)
    return operation.old ? { applied: true, old: shown(current) } : { applied: true, row: shown(outcome.row) }
  }

  async transact(operations: readonly RowOperation[], token: string): Promise<FailedGuard[]> {
    if (this.#tokens.wasApplied(token, operations)) return []
    const failed: FailedGuard[] = []
    // A change that does not fit its row refuses the whole, also when another guard fails: as DynamoDB has it.
    const outcomes = operations.map((operation, index) => {
      const current = this.#current(operation)
      const outcome = outcomeOf(operation, current)
      if (!outcome) failed.push({ index, row: shown(current) })
      return operation.op === 'check' ? undefined : outcome?.row
    })
    if (failed.length > 0) return failed
    outcomes.forEach(checkRowSize)
    operations.forEach((operation, i) => {
      this.#commit(operation, outcomes[i])
    })
    this.#tokens.remember(token, operations)
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
    this.#sweep.step(row, this.#runtime)
  }

  #delete(key: AtomicDbItemKey): void {
    const partition = this.#partitions.get(key.pk)
    if (!partition) return
    partition.delete(key.sk)
    if (partition.size === 0) this.#partitions.delete(key.pk)
  }
}

/** Where to begin, in the order of the partition, and whether that key itself counts. */
function start({ after, prefix, from, to }: Range, reverse: boolean): [string | undefined, boolean] {
  if (after !== undefined) return [utf8Order(after), false]
  // Nothing sorts between the last text with a prefix and the prefix followed by the highest unit.
  if (prefix !== undefined) return [utf8Order(prefix) + (reverse ? '\uffff' : ''), true]
  const first = reverse ? to : from
  return [first === undefined ? undefined : utf8Order(first), true]
}

const shown = (row: Row | undefined): Row | undefined => row && shownRow(row)
