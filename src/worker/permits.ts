import { NotAcquired, type Semaphore } from '../coordination/index.ts'
import { AtomicDbError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'

/** A message that may not begin yet: it is given back, and does not count as received. */
export class NotNow extends AtomicDbError {
  static override readonly code: string = 'NotNow'
}

/** A permit that is extended until it ends. */
export interface Permit {
  readonly isLost: boolean
  /** Calls back once it is lost, or at once if it is. Returns what ends that. */
  onLost(callback: (reason: unknown) => void): () => void
  /** Gives it back. */
  end(): void
}

/** How often a limit that was reached is looked at, ms. */
const probeMs = 1000

/** The permits of one semaphore that this consumer has. */
export class Permits {
  readonly #runtime: Runtime
  readonly #semaphore: Semaphore
  readonly #onError: (error: unknown) => void
  /** Those that are held, or given back at the moment. */
  readonly #runs: Set<Promise<unknown>>
  readonly #free: Permit[] = []
  #inUse = 0
  /** The last try found no permit: it is looked for by reads, from this time on. */
  #full: { lookAt: number } | undefined
  #isClosed = false

  constructor(
    runtime: Runtime,
    semaphore: Semaphore,
    onError: (error: unknown) => void,
    runs: Set<Promise<unknown>>,
  ) {
    this.#runs = runs
    this.#runtime = runtime
    this.#semaphore = semaphore
    this.#onError = onError
  }

  /**
   * How many messages may be claimed: those that permits are free for, and as many again, if there may be more permits.
   * 1 RRU a second while there are none.
   */
  async room(wanted: number): Promise<number> {
    this.#dropLost()
    const free = this.#free.length
    if (free >= wanted || (await this.#hasNone())) return Math.min(free, wanted)
    return Math.min(wanted, free + Math.max(1, free + this.#inUse))
  }

  /** The last try found no permit. */
  get isFull(): boolean {
    return this.#full !== undefined
  }

  async #hasNone(): Promise<boolean> {
    if (!this.#full) return false
    if (this.#runtime.monotonic() < this.#full.lookAt) return true
    this.#full.lookAt = this.#runtime.monotonic() + probeMs
    try {
      if ((await this.#semaphore.available()) === 0) return true
      this.#full = undefined
      return false
    } catch (error) {
      this.#onError(error)
      return true
    }
  }

  /** One that is free, or another one. @throws NotNow when there is none */
  async take(): Promise<Permit> {
    this.#dropLost()
    const permit = this.#free.pop() ?? (await this.#acquire())
    this.#inUse++
    return permit
  }

  /** It is not needed at the moment, but perhaps for the next message. */
  put(permit: Permit): void {
    this.#inUse--
    if (permit.isLost || this.#isClosed) permit.end()
    else this.#free.push(permit)
  }

  giveBackFree(): void {
    for (const permit of this.#free.splice(0)) permit.end()
  }

  close(): void {
    this.#isClosed = true
    this.giveBackFree()
  }

  #dropLost(): void {
    const held = this.#free.splice(0).filter((permit) => !permit.isLost)
    this.#free.push(...held)
  }

  #acquire(): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const run = this.#semaphore.run(
        ({ signal }) =>
          new Promise<void>((end) => {
            resolve(permitOf(signal, end))
          }),
        { timeoutMs: 0 },
      )
      this.#runs.add(run)
      const ended = () => this.#runs.delete(run)
      run.then(ended, (error) => {
        ended()
        // Of a permit that was handed out: whoever has it knows.
        if (error instanceof NotAcquired) this.#full = { lookAt: this.#runtime.monotonic() + probeMs }
        else if (!isLost(error)) this.#onError(error)
        reject(new NotNow('the limit of the queue is reached', { cause: error }))
      })
    })
  }
}

const isLost = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'LeaseLost'

const permitOf = (signal: AbortSignal, end: () => void): Permit => ({
  get isLost() {
    return signal.aborted
  },
  onLost(callback) {
    const lost = () => callback(signal.reason)
    if (signal.aborted) lost()
    else signal.addEventListener('abort', lost, { once: true })
    return () => signal.removeEventListener('abort', lost)
  },
  end,
})
