import type { AtomicDbItemKey } from '../interface.ts'
import { decided, decidedOne, keyOf } from '../model/decided.ts'
import { pageFrom } from '../model/range-page.ts'
import { checkTogether } from '../model/row-outcome.ts'
import { TokenMemory } from '../model/token-memory.ts'
import { utf8Order } from '../model/values.ts'
import { shownRow } from '../model/wire.ts'
import type { Runtime } from '../runtime.ts'
import type {
  Applied,
  FailedGuard,
  Page,
  Range,
  Row,
  RowOperation,
  RowWrite,
  Scan,
  ScanPage,
  SingleOperation,
  Storage,
} from '../storage.ts'
import { ExpirySweep } from './expiry-sweep.ts'
import { Partition } from './partition.ts'
import { Partitions } from './partitions.ts'

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
    checkTogether(rows)
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
    for (const write of writes) this.#commit(write)
    return []
  }

  async apply(operation: SingleOperation): Promise<Applied> {
    const { answer, write } = decidedOne(operation, this.#get(keyOf(operation)))
    if (write) this.#commit(write)
    // `row` or `old`: the rows of the storage stay its own.
    if (answer.row) answer.row = shownRow(answer.row)
    if (answer.old) answer.old = shownRow(answer.old)
    return answer
  }

  async transact(operations: readonly RowOperation[], token: string): Promise<FailedGuard[]> {
    if (this.#tokens.wasApplied(token, operations)) return []
    const rows = operations.map((operation) => this.#get(keyOf(operation)))
    const decision = decided(operations, rows)
    if (decision.failed) return decision.failed.map(({ index, row }) => ({ index, row: shown(row) }))
    for (const write of decision.writes) this.#commit(write)
    this.#tokens.remember(token, operations)
    return []
  }

  #commit(write: RowWrite): void {
    if ('put' in write) this.#set(write.put)
    else this.#delete(write.delete)
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
