import type { Runtime } from 'lockrow/backend'
import type { Dice } from './dice.ts'

/** What a worker is handed. */
export interface Delivery<T> {
  receipt: number
  body: T
}

interface Stored<T> {
  id: number
  body: T
  visibleAt: number
}

/** How long a delivery is invisible to others, ms. */
const visibilityMs = 5000

/**
 * A queue service beside the database, at least once as they all are: a request that is sent again because its reply
 * was lost is another message, and a delivery that is not deleted in time comes again.
 */
export class SideQueue<T> {
  readonly #dice: Dice
  readonly #messages: Stored<T>[] = []
  #next = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** How many messages are not deleted. */
  get size(): number {
    return this.#messages.length
  }

  async send(runtime: Runtime, body: T): Promise<void> {
    await this.#call(runtime, () => {
      this.#messages.push({ id: this.#next++, body, visibleAt: 0 })
    })
  }

  async receive(runtime: Runtime): Promise<Delivery<T> | undefined> {
    return this.#call(runtime, () => {
      const now = runtime.now()
      const found = this.#messages.find(({ visibleAt }) => visibleAt <= now)
      if (!found) return undefined
      found.visibleAt = now + visibilityMs
      return { receipt: found.id, body: found.body }
    })
  }

  async delete(runtime: Runtime, receipt: number): Promise<void> {
    await this.#call(runtime, () => {
      const at = this.#messages.findIndex(({ id }) => id === receipt)
      if (at >= 0) this.#messages.splice(at, 1)
    })
  }

  /** One call of its client, which sends it again when no reply comes, as every SDK does. */
  async #call<R>(runtime: Runtime, act: () => R): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      await runtime.sleep(this.#dice.latencyMs())
      const fault = this.#dice.fault()
      const result = fault === 'throttled' ? undefined : act()
      if (fault === undefined) return result as R
      if (attempt === 3) throw new Error(`the queue service: ${fault}`)
      await runtime.sleep(50 * 2 ** attempt)
    }
  }
}
