import { stopwatch } from '../runtime.ts'
import { type FailedGuard, type RowOperation, StorageFault } from '../storage.ts'
import type { Context } from './context.ts'

/**
 * The backend remembers a token for ten minutes from the first try that it has seen, and takes a request up to five
 * minutes after it was signed: one signed later than this could arrive when the token is forgotten, and be applied a
 * second time. Half a minute is left for what the clocks differ.
 */
const usableMs = 4.5 * 60 * 1000

/** The token of one transaction: all its tries carry it, so that it is applied once. */
export class Token {
  readonly #context: Context
  readonly #id: string
  #age: (() => number) | undefined

  constructor(context: Context) {
    this.#context = context
    this.#id = context.id()
  }

  /** Too old to be sent again: the backend might take it for a new one. */
  get isExpired(): boolean {
    return this.#age !== undefined && this.#age() > usableMs
  }

  /** One try. Its age is checked again last before it leaves, since signing may have taken long. */
  async send(operations: readonly RowOperation[]): Promise<FailedGuard[]> {
    this.#check()
    const { storage, call } = this.#context
    return storage.transact(operations, this.#id, {
      signal: call.signal,
      beforeSending: () => this.#check(),
    })
  }

  #check(): void {
    if (this.isExpired) throw new StorageFault('mismatch', 'its token is older than 4.5 minutes')
    this.#age ??= stopwatch(this.#context.runtime)
  }
}
