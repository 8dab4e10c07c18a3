/** Several rows that transactions and plain writes share, as one object: strict serializability over all of them. */
import type { Model } from './model.ts'
import type { Operation } from './operations.ts'

/** What a row holds; null: there is none, or it has expired. */
export type RowValue = number | null

/** Rows by name; one that is missing is null. */
export type RowState = Readonly<Record<string, RowValue>>

const heldBy = (state: RowState, row: string): RowValue => state[row] ?? null

const shows = (state: RowState, seen: RowState): boolean =>
  Object.entries(seen).every(([row, value]) => heldBy(state, row) === value)

/** What an operation saw; nothing where its outcome is unknown, or it looks at nothing. */
const seenBy = ({ outcome, output }: Operation): RowState =>
  outcome === 'ok' ? ((output as RowState | undefined) ?? {}) : {}

const writtenBy = ({ input }: Operation): RowState => (input as RowState | undefined) ?? {}

/**
 * Every operation takes the rows that it writes, all at once, and gives those that it saw: a transaction saw what it
 * read, a plain write nothing. One that saw and wrote did both at one moment.
 */
export function rowsModel(): Model<RowState> {
  return {
    name: 'set of rows',
    init: () => ({}),
    key: (state) => JSON.stringify(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1))),
    step: (state, operation) => [shows(state, seenBy(operation)), { ...state, ...writtenBy(operation) }],
    readOnly: (operation) => Object.keys(writtenBy(operation)).length === 0,
    // One that writes a single row counts only where that row is seen: else it can come later, or is overwritten. One
    // that writes several may be overwritten in part.
    useful(state, operation, open) {
      const seen = Object.entries(seenBy(operation))
      const wanted = new Map(seen.filter(([row, value]) => heldBy(state, row) !== value))
      return open.map(([one]) => {
        const written = Object.entries(writtenBy(one))
        return written.length > 1 || written.some(([row, value]) => wanted.get(row) === value)
      })
    },
  }
}
