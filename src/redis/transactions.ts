import { decided, keyOf } from '../model/decided.ts'
import { checkOutline, outlineOf, tokenLifeMs } from '../model/token-memory.ts'
import {
  type FailedGuard,
  type RequestOptions,
  type RowOperation,
  type RowWrite,
  StorageFault,
} from '../storage.ts'
import { anything, commitValues, type Entry, entryOf, rowOf, staying, versionOf } from './entries.ts'
import { rowKey, tokenKey } from './names.ts'
import { commitScript } from './scripts.ts'
import { lookFault, mostTries, pauseMs, type Writing } from './writes.ts'

/**
 * Guarded operations on several rows, all or none: the rows are read as of one moment, decided here, and written by one script
 * that writes nothing unless all are as they were. The token is written with them, and looked at first.
 */
export class Transactions {
  readonly #writing: Writing

  constructor(writing: Writing) {
    this.#writing = writing
  }

  async transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    const { connection, runtime } = this.#writing
    let [known, ...seen] = await this.#look(operations, token, options)
    for (let tries = 0; tries < mostTries; tries++) {
      if (tries > 2) await runtime.sleep(runtime.random() * pauseMs)
      const now = runtime.now()
      if (wasApplied(known!, operations, now)) return []
      const decision = decided(
        operations,
        operations.map((operation, index) => rowOf(keyOf(operation), seen[index]!)),
      )
      if (decision.failed) return decision.failed
      const entries = entriesOf(operations, seen, decision.writes, now)
      const values = commitValues(entries, now, token, outlineOf(operations))
      const [outcome, ...found] = await connection.write(commitScript, values, options)
      if (outcome === 'ok') return []
      if (outcome === 'known') known = found[0] as string
      else seen = found as (string | null)[]
    }
    throw new StorageFault('conflict', 'the rows change all the time')
  }

  /** The token and the rows, as of one moment. */
  async #look(
    operations: readonly RowOperation[],
    token: string,
    { signal }: RequestOptions,
  ): Promise<(string | null)[]> {
    const { connection } = this.#writing
    const { base } = connection
    const rows = operations.map((operation) => rowKey(base, keyOf(operation)))
    try {
      return await connection.get([tokenKey(base, token), ...rows], { signal })
    } catch (error) {
      throw lookFault(error)
    }
  }
}

/** Throws `mismatch` where other operations were. */
function wasApplied(known: string | null, operations: readonly RowOperation[], now: number): boolean {
  if (known === null) return false
  const space = known.indexOf(' ')
  if (Math.floor(now) - Number(known.slice(0, space)) >= tokenLifeMs) return false
  checkOutline(known.slice(space + 1), operations)
  return true
}

/** What each operation relies on, and what it writes. */
function entriesOf(
  operations: readonly RowOperation[],
  seen: readonly (string | null)[],
  writes: readonly RowWrite[],
  now: number,
): Entry[] {
  let next = 0
  return operations.map((operation, index) => {
    const expected = versionOf(seen[index]!)
    if (operation.op === 'check') return staying(keyOf(operation), expected)
    const isBlind = operation.op !== 'update' && !operation.guard
    return entryOf(writes[next++]!, isBlind ? anything : expected, now)
  })
}
