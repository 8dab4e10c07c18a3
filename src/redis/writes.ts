import { decidedOne, keyOf } from '../model/decided.ts'
import { shownRow } from '../model/wire.ts'
import type { Runtime } from '../runtime.ts'
import {
  type Applied,
  type RequestOptions,
  type Row,
  type RowWrite,
  type SingleOperation,
  StorageFault,
} from '../storage.ts'
import { isPlainJson } from '../stores/row-json.ts'
import type { Connection } from './connection.ts'
import { anything, commitValues, type Entry, entryOf, rowOf, textOf, versionOf } from './entries.ts'
import { rowKey } from './names.ts'
import { commitScript } from './scripts.ts'
import { RowTurns, type Turn } from './turns.ts'

/** How often it is tried where others change the rows meanwhile; then the engine waits longer. */
export const mostTries = 10
/** The longest wait between two tries, ms. */
export const pauseMs = 8

/** What a class that writes works with. */
export interface Writing {
  readonly connection: Connection
  readonly runtime: Pick<Runtime, 'now' | 'sleep' | 'random'>
}

/**
 * Guarded operations on single rows: the row is read, its operation is decided here, and the result is written by a script if
 * the row still has the version that was read ('optimistic concurrency control', H. T. Kung, J. T. Robinson, ACM TODS 1981).
 */
export class Writes {
  readonly #writing: Writing
  readonly #turns = new RowTurns()

  constructor(writing: Writing) {
    this.#writing = writing
  }

  /** Rows without conditions. */
  async write(writes: readonly RowWrite[], options: RequestOptions): Promise<void> {
    const { connection, runtime } = this.#writing
    const now = runtime.now()
    const entries = writes.map((write) => entryOf(write, anything, now))
    await connection.write(commitScript, commitValues(entries, now), options)
  }

  async apply(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    const isBlind = operation.op !== 'update' && !operation.guard && !operation.old
    if (isBlind) return this.#blindly(operation, options)
    const row = rowKey(this.#writing.connection.base, keyOf(operation))
    return this.#turns.run(row, (turn) => this.#inTurn(operation, row, turn, options))
  }

  /** A write that asks for nothing need not look. */
  async #blindly(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    const { answer, write } = decidedOne(operation, undefined)
    const { connection, runtime } = this.#writing
    const now = runtime.now()
    const entry = entryOf(write!, anything, now)
    await connection.write(commitScript, commitValues([entry], now), options)
    return shown(answer, entry)
  }

  async #inTurn(
    operation: SingleOperation,
    row: string,
    turn: Turn,
    options: RequestOptions,
  ): Promise<Applied> {
    const { connection, runtime } = this.#writing
    const key = keyOf(operation)
    // What the last turn has left may be old: what is refused by it is looked at.
    let isFresh = false
    for (let tries = 0; tries < mostTries; tries++) {
      if (tries > 2) await runtime.sleep(runtime.random() * pauseMs)
      if (turn.seen === undefined) {
        turn.seen = await look(connection, row, options)
        isFresh = true
      }
      const seen = turn.seen
      const now = runtime.now()
      const current = rowOf(key, seen)
      if (!isFresh && !mayWrite(operation, current)) {
        turn.seen = undefined
        continue
      }
      const { answer, write } = decidedOne(operation, current)
      if (!write) return answer
      const entry = entryOf(write, versionOf(seen), now)
      // Unknown until it is answered.
      turn.seen = undefined
      const [outcome, found] = await connection.write(commitScript, commitValues([entry], now), options)
      if (outcome === 'ok') {
        turn.seen = entry.value === '' ? null : entry.value
        return shown(answer, entry)
      }
      turn.seen = found as string | null
      isFresh = true
    }
    throw new StorageFault('conflict', 'the row changes all the time')
  }
}

/** A look before a write: where it fails, nothing was applied. */
async function look(connection: Connection, row: string, { signal }: RequestOptions): Promise<string | null> {
  try {
    return (await connection.get([row], { signal }))[0]!
  } catch (error) {
    throw lookFault(error)
  }
}

/** What was only looked at was certainly not applied. */
export const lookFault = (error: unknown): unknown =>
  error instanceof StorageFault && error.kind === 'unknown'
    ? new StorageFault('unreachable', error.message, error)
    : error

/** Whether it comes to a write, and to no refusal, if the row is still like this. */
function mayWrite(operation: SingleOperation, current: Row | undefined): boolean {
  try {
    return decidedOne(operation, current).write !== undefined
  } catch {
    return false
  }
}

/** Of numbers that JS cannot show callers see the nearest; a row that was read is as they see it. */
function shown(answer: Applied, { value }: Entry): Applied {
  if (answer.row && value !== '' && !isPlainJson(textOf(value))) answer.row = shownRow(answer.row)
  return answer
}
