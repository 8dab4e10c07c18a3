import { stopwatch } from '../../runtime.ts'
import { type FailedGuard, type RowOperation, StorageFault } from '../../storage.ts'
import type { Context } from '../context.ts'

/*
 * The service remembers a token for ten minutes after the first request under it, and takes a request up to five
 * minutes after it was signed. Ages count from the first try, which no request under the token can come before.
 *
 * - A try that is signed at age `a` may be applied at age `a` + 5 min. Past ten minutes that could be a second time, so
 *   none leaves after 4.5 minutes: half a minute is left for what the clocks of client and service differ.
 * - A harmless transaction may arrive whenever it likes. What its success means depends on when the service was asked:
 *   at an age under ten minutes the service would have known the token if a try had been applied. It was asked before
 *   its answer came, so the answer counts up to 9.5 minutes: half a minute is left for clocks that go at another rate.
 *   A try that is still on its way was signed before, and is refused as long as its signature counts.
 */
const triedMs = 4.5 * 60_000
const rememberedMs = 9.5 * 60_000

/** The token of one transaction: all its tries carry it, so that it is applied once. */
export class Token {
  readonly #context: Context
  readonly #id: string
  #age: (() => number) | undefined
  #expiry: StorageFault | undefined

  constructor(context: Context) {
    this.#context = context
    this.#id = context.id()
  }

  /** Whether this is how the token refuses tries for its age: nothing was sent. */
  isExpiry(error: unknown): boolean {
    return error !== undefined && error === this.#expiry
  }

  /** One try. The token's age is checked again last before it leaves, since signing may have taken long. */
  async send(operations: readonly RowOperation[]): Promise<FailedGuard[]> {
    return this.#send(operations, triedMs)
  }

  /**
   * Takes the token for an operation that changes nothing, so that no try can be applied any more. Rejects with
   * `mismatch` where a try has taken it before, or where the answer came too late to mean anything.
   */
  async take(harmless: RowOperation): Promise<void> {
    await this.#send([harmless], rememberedMs)
    this.#check(rememberedMs)
  }

  async #send(operations: readonly RowOperation[], limitMs: number): Promise<FailedGuard[]> {
    this.#check(limitMs)
    const { storage, call } = this.#context
    const beforeSending = () => this.#check(limitMs)
    return storage.transact(operations, this.#id, { ...call.request(), beforeSending })
  }

  #check(limitMs: number): void {
    this.#age ??= stopwatch(this.#context.runtime)
    if (this.#age() <= limitMs) return
    this.#expiry = new StorageFault('mismatch', `its token is older than ${limitMs / 60_000} minutes`)
    throw this.#expiry
  }
}
