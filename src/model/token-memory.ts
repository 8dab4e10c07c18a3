import type { Runtime } from '../runtime.ts'
import { type RowOperation, StorageFault } from '../storage.ts'

/** How long a token counts. */
export const tokenLifeMs = 10 * 60 * 1000
const maxTokens = 10_000

/** The tokens of transactions that were applied in the last ten minutes, as DynamoDB remembers them. */
export class TokenMemory {
  readonly #outlines = new Map<string, string>()
  // The same in order of time. Not by iterating the Map: what was deleted at its start is walked over again and again.
  #log: { token: string; at: number }[] = []
  #start = 0
  readonly #runtime: Pick<Runtime, 'monotonic'>

  constructor(runtime: Pick<Runtime, 'monotonic'>) {
    this.#runtime = runtime
  }

  /** Whether these operations were applied with this token. Throws `mismatch` where others were. */
  wasApplied(token: string, operations: readonly RowOperation[]): boolean {
    this.#forget()
    const outline = this.#outlines.get(token)
    if (outline === undefined) return false
    checkOutline(outline, operations)
    return true
  }

  remember(token: string, operations: readonly RowOperation[]): void {
    this.#outlines.set(token, outlineOf(operations))
    this.#log.push({ token, at: this.#runtime.monotonic() })
  }

  /** Drops tokens that are too old or too many. */
  #forget(): void {
    const now = this.#runtime.monotonic()
    for (; this.#start < this.#log.length; this.#start++) {
      const oldest = this.#log[this.#start]!
      if (now - oldest.at < tokenLifeMs && this.#outlines.size <= maxTokens) break
      this.#outlines.delete(oldest.token)
    }
    if (this.#start > maxTokens) {
      this.#log = this.#log.slice(this.#start)
      this.#start = 0
    }
  }
}

/** Throws `mismatch` where a token is remembered for other operations. */
export function checkOutline(remembered: string, operations: readonly RowOperation[]): void {
  if (remembered !== outlineOf(operations))
    throw new StorageFault('mismatch', 'this token was used with other operations')
}

/** Enough to tell two transactions under one token apart: what is done to the first row, and how many there are. */
export function outlineOf(operations: readonly RowOperation[]): string {
  const [first] = operations
  if (!first) return ''
  const { pk, sk } = first.op === 'put' ? first.row : first.key
  return `${operations.length} ${first.op} ${pk} ${sk}`
}
