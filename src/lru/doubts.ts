import {
  ConditionFailed,
  IdempotencyMismatch,
  InvalidInput,
  PartialWrite,
  RaceCondition,
  StaleReceipt,
  Throttled,
} from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { rowsTarget, type Target } from './target.ts'

/**
 * For so long after its caller gave up, a request may still arrive: DynamoDB refuses one whose signature is more than
 * five minutes from its own clock, and a client's clock may be five minutes ahead of that.
 */
const lateMs = 10 * 60 * 1000

/** With more doubtful rows than this, every row counts as doubtful: memory has a bound. */
const maxRows = 10_000

/** After these nothing of the write will arrive any more. */
const certain = [
  ConditionFailed,
  IdempotencyMismatch,
  InvalidInput,
  RaceCondition,
  StaleReceipt,
  Throttled,
] as const

/** What is in doubt after a write of `target` has failed. */
export function doubtfulAfter(error: unknown, target: Target): Target | undefined {
  if (certain.some((type) => error instanceof type)) return undefined
  // It says which rows are not certain.
  return error instanceof PartialWrite && error.keys.length > 0 ? rowsTarget(error.keys) : target
}

/** Rows that a write may still change although its caller has an answer; they are not kept for so long. */
export class Doubts {
  readonly #runtime: Runtime
  // In the order of their ends, because all last equally long.
  readonly #rows = new Map<string, number>()
  readonly #partitions = new Map<string, number>()
  #everything = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  add({ texts, partitions, everything }: Target): void {
    const until = this.#runtime.monotonic() + lateMs
    if (everything) this.#everything = until
    this.#renew(this.#rows, texts, until)
    this.#renew(this.#partitions, partitions, until)
  }

  #renew(ends: Map<string, number>, names: readonly string[], until: number): void {
    for (const name of names) {
      ends.delete(name)
      ends.set(name, until)
    }
    const now = this.#runtime.monotonic()
    for (const [name, end] of ends) {
      if (end > now) break
      ends.delete(name)
    }
    if (ends.size <= maxRows) return
    ends.clear()
    this.#everything = until
  }

  has(text: string, partition: string): boolean {
    if (this.#rows.size === 0 && this.#partitions.size === 0 && this.#everything === Number.NEGATIVE_INFINITY)
      return false
    const now = this.#runtime.monotonic()
    return (
      this.#everything > now ||
      (this.#rows.get(text) ?? now) > now ||
      (this.#partitions.get(partition) ?? now) > now
    )
  }
}
