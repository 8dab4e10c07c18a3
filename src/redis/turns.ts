/** The last value of a row that somebody has seen; `undefined` where nobody has. */
export type Seen = string | null | undefined

/** A turn at a row: what was seen of it, passed on to the next one. */
export interface Turn {
  seen: Seen
}

/**
 * Takes turns at a row within this process. Two that decide from the same version would undo each other's work; in turn each
 * begins with what the last one has left, without a look. Others, in other processes, are met by the comparison of versions.
 */
export class RowTurns {
  readonly #last = new Map<string, Promise<Seen>>()

  async run<T>(row: string, work: (turn: Turn) => Promise<T>): Promise<T> {
    const before = this.#last.get(row)
    let pass!: (seen: Seen) => void
    const mine = new Promise<Seen>((resolve) => {
      pass = resolve
    })
    this.#last.set(row, mine)
    const turn: Turn = { seen: before && (await before) }
    try {
      return await work(turn)
    } finally {
      if (this.#last.get(row) === mine) this.#last.delete(row)
      pass(turn.seen)
    }
  }
}
