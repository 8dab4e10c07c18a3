import type { AtomicDbItemKey } from '../../../src/interface.ts'
import { keyText } from '../../../src/model/keys.ts'

/** Who wrote which row last, in the order in which the database did it. */
export class WriteLog {
  readonly #rows = new Map<string, Map<string, number>>()
  #moment = 0

  /** Returns the moment. */
  wrote(by: string, rows: readonly AtomicDbItemKey[]): number {
    this.#moment++
    for (const row of rows) {
      const text = keyText(row)
      const writers = this.#rows.get(text)
      if (writers) writers.set(by, this.#moment)
      else this.#rows.set(text, new Map([[by, this.#moment]]))
    }
    return this.#moment
  }

  /** Whether somebody else wrote one of these rows after a moment. */
  wasOvertaken(by: string, rows: readonly AtomicDbItemKey[], moment: number): boolean {
    return rows.some((row) =>
      [...(this.#rows.get(keyText(row)) ?? [])].some(([who, at]) => who !== by && at > moment),
    )
  }
}
