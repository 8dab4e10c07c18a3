import { decidedOne, keyOf } from '../model/decided.ts'
import { shownRow } from '../model/wire.ts'
import type { Applied, RequestOptions, Row, SingleOperation } from '../storage.ts'
import { isPlainJson, rowFromJson } from '../stores/row-json.ts'
import { type Entry, type NewRow, newRow, type StoredKey, storedKey } from './entries.ts'
import type { VersionedRow } from './statements.ts'

/** A guarded operation that waits for its answer. */
export interface Job {
  readonly operation: SingleOperation
  readonly options: RequestOptions
  readonly resolve: (answer: Applied) => void
  readonly reject: (error: unknown) => void
  /** Whether it has been rejected. */
  over?: boolean
}

export function rejectJob(job: Job, error: unknown): void {
  job.over = true
  job.reject(error)
}

/** A put that asks for nothing need not look. */
const isBlind = ({ op, guard, old }: SingleOperation): boolean => op === 'put' && !guard && !old

/** The operations on one row of one batch, in their order: all see the row, and what those before them made of it. */
export class RowJobs {
  readonly key: StoredKey
  readonly jobs: Job[] = []
  /** The row that they are decided from; `undefined`: it was not looked at. */
  base: VersionedRow | 'none' | undefined
  /** Whether the base may be an old one. */
  isFromMemo = false

  constructor(operation: SingleOperation) {
    this.key = storedKey(keyOf(operation))
  }

  get isBlind(): boolean {
    const first = this.jobs.find(({ over }) => !over)
    return first !== undefined && isBlind(first.operation)
  }

  /**
   * Decides all operations. Without an entry there is nothing to write. `answer` is to be called once it is written. An
   * operation whose content does not fit is rejected at once, unless the base may be old: then nothing is decided.
   */
  decide(): { entry?: Entry; answer: () => void } | 'look again' {
    const answers: (() => void)[] = []
    let current: Row | undefined = this.#baseRow()
    let last: { row?: NewRow } | undefined
    for (const job of this.jobs) {
      if (job.over) continue
      const { operation } = job
      try {
        const { answer, write } = decidedOne(operation, isBlind(operation) ? undefined : current)
        if (!answer.applied && this.isFromMemo && !last) return 'look again'
        if (write) {
          const row = 'put' in write ? newRow(write.put, this.key) : undefined
          last = row ? { row } : {}
          current = row && rowFromJson(keyOf(operation).pk, keyOf(operation).sk, row.text)
          // Of numbers that JS cannot show callers see the nearest; a row that was read is as they see it.
          if (answer.row && row && !isPlainJson(row.text)) answer.row = shownRow(answer.row)
        }
        answers.push(() => job.resolve(answer))
      } catch (error) {
        if (this.isFromMemo && !last) return 'look again'
        answers.push(() => rejectJob(job, error))
      }
    }
    const answer = () => {
      for (const one of answers) one()
    }
    return last ? this.#withEntry(last.row, answer) : { answer }
  }

  #withEntry(row: NewRow | undefined, answer: () => void): { entry?: Entry; answer: () => void } {
    const { key, base } = this
    if (base === 'none' && !row) return { answer }
    const expected = base === undefined ? 'any' : base === 'none' ? 'absent' : base.ver
    return { entry: row ? { key, expected, row } : { key, expected }, answer }
  }

  #baseRow(): Row | undefined {
    if (this.base === undefined || this.base === 'none') return undefined
    const { pk, sk } = keyOf(this.jobs[0]!.operation)
    return rowFromJson(pk, sk, this.base.row)
  }
}
