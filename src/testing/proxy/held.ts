import { keyText } from '../../model/keys.ts'
import type { ProxyRequest } from './request.ts'

interface Held {
  request: ProxyRequest
  rows: Set<string>
  /** Replies about its rows until it goes on. */
  left: number
  timer: NodeJS.Timeout | undefined
  release(): void
}

/** Requests on their way whose callers were told that the connection is lost. */
export class HeldRequests {
  readonly #held = new Set<Held>()
  readonly #deliveries = new Set<Promise<void>>()
  readonly #running = new Map<string, Held>()

  /**
   * Keeps the request until so many others about its rows were answered, `maxMs` at most, and delivers it then.
   * With `running` the service has it already, and refuses its token.
   */
  hold(
    request: ProxyRequest,
    replies: number,
    maxMs: number,
    running: boolean,
    deliver: () => Promise<void>,
  ): void {
    const { token } = request
    const held: Held = {
      request,
      rows: new Set(request.rows.map(keyText)),
      left: replies,
      // Node takes a delay that is not finite for 1 ms.
      timer: Number.isFinite(maxMs) ? setTimeout(() => held.release(), maxMs) : undefined,
      release: () => {
        clearTimeout(held.timer)
        if (!this.#held.delete(held)) return
        const delivery = deliver().finally(() => {
          if (token !== undefined && this.#running.get(token) === held) this.#running.delete(token)
          this.#deliveries.delete(delivery)
        })
        this.#deliveries.add(delivery)
      },
    }
    this.#held.add(held)
    if (running && token !== undefined) this.#running.set(token, held)
  }

  isRunning(token: string | undefined): boolean {
    return token !== undefined && this.#running.has(token)
  }

  /** Another request was answered. */
  answered(request: ProxyRequest): void {
    if (this.#held.size === 0) return
    const rows = request.rows.map(keyText)
    for (const held of [...this.#held])
      if (rows.some((row) => held.rows.has(row)) && --held.left <= 0) held.release()
  }

  /** All of them arrive now. */
  async settle(): Promise<void> {
    for (const held of [...this.#held]) held.release()
    while (this.#deliveries.size > 0) await Promise.all([...this.#deliveries])
  }
}
