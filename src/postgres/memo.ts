import type { StoredKey } from './entries.ts'
import type { VersionedRow } from './statements.ts'

const mostRows = 2000
/** Longer rows are read again. UTF-16 units. */
const longestRow = 8192

/**
 * Rows as they were seen last. What is decided from one of them is written only if its version is still the same, so an
 * old one costs a request and no more; a fresh one saves it.
 */
export class Memo {
  readonly #rows = new Map<string, VersionedRow>()

  get({ id }: StoredKey): VersionedRow | undefined {
    return this.#rows.get(id)
  }

  set({ id }: StoredKey, row: VersionedRow | undefined): void {
    this.#rows.delete(id)
    if (!row || row.row.length > longestRow) return
    this.#rows.set(id, row)
    if (this.#rows.size > mostRows) this.#rows.delete(this.#rows.keys().next().value!)
  }
}
