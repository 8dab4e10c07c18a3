import type { Runtime } from '../../runtime.ts'

/** Options of `TestClock`. */
export interface TestClockOptions {
  /** How many seconds pass on it in a real one. @default 1 */
  speed?: number
  /** Epoch milliseconds at which it starts. @default the time now */
  start?: number
  /** @default Math.random */
  random?: () => number
}

/**
 * A clock that runs as fast as a test wants, and can be advanced: time, timers and chance for a database, and the time
 * of a fault proxy. Ten minutes, after which a token is forgotten, pass in a moment.
 *
 * @example
 * ```ts
 * const clock = new TestClock({ speed: 60 })
 * const db = new AtomicDynamoDB(client, 'table', { runtime: clock })
 * clock.advance(11 * 60_000)
 * ```
 */
export class TestClock implements Runtime {
  readonly #speed: number
  readonly #start: number
  readonly #random: () => number
  readonly #began = performance.now()
  readonly #sleepers = new Set<() => void>()
  #advanced = 0

  constructor({ speed = 1, start = Date.now(), random = Math.random }: TestClockOptions = {}) {
    if (!(speed > 0 && speed <= 100_000)) throw new RangeError('speed: must be above 0, up to 100,000')
    this.#speed = speed
    this.#start = start
    this.#random = random
  }

  now(): number {
    return this.#start + Math.floor(this.monotonic())
  }

  monotonic(): number {
    return (performance.now() - this.#began) * this.#speed + this.#advanced
  }

  random(): number {
    return this.#random()
  }

  /** Lets milliseconds pass at once. Sleepers whose time is over wake up. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError('ms: a clock only goes forward')
    this.#advanced += ms
    for (const look of [...this.#sleepers]) look()
  }

  sleep(ms: number, { signal, unref }: { signal?: AbortSignal; unref?: boolean } = {}): Promise<void> {
    const due = this.monotonic() + ms
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const end = () => {
        clearTimeout(timer)
        this.#sleepers.delete(look)
        signal?.removeEventListener('abort', abort)
      }
      const abort = () => {
        end()
        reject(signal?.reason)
      }
      const look = () => {
        clearTimeout(timer)
        const left = due - this.monotonic()
        if (left <= 0) {
          end()
          return resolve()
        }
        timer = setTimeout(look, Math.min(2 ** 31 - 1, left / this.#speed))
        if (unref) timer.unref()
      }
      if (signal?.aborted) return reject(signal.reason)
      signal?.addEventListener('abort', abort, { once: true })
      this.#sleepers.add(look)
      look()
    })
  }
}

/**
 * The client signs its requests by this clock instead of the system's, `skewMs` beside it; the SDK's own correction
 * of a wrong clock goes on working. For a proxy that judges the age of signatures by the same clock.
 *
 * @example
 * ```ts
 * signBy(client, clock) // a healthy client
 * signBy(client, clock, 3_600_000) // one whose clock is an hour ahead
 * ```
 */
export function signBy(client: { readonly config: object }, clock: { now(): number }, skewMs = 0): void {
  let correction = skewMs
  const ahead = () => clock.now() - Date.now()
  Object.defineProperty(client.config, 'systemClockOffset', {
    get: () => ahead() + correction,
    set: (offset: number) => {
      correction = offset - ahead()
    },
    enumerable: true,
    configurable: true,
  })
}
