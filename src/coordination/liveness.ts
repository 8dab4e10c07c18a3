import { absent, anyOf } from '../conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey } from '../interface.ts'
import { checkMs, coordinationKey, uniqueId } from './common.ts'

export interface LivenessOptions {
  /** How often the process says that it is alive. Default 2000 ms. */
  heartbeatMs?: number
  /** When it counts as dead without having said so. Default 10,000 ms; at least twice the heartbeat. */
  deadAfterMs?: number
  /** How long before others may act on our death we count ourselves as dead. Default a fifth of `deadAfterMs`. */
  marginMs?: number
  /** Where the rows of processes are. Default `lockrow#processes`. */
  pk?: string
}

interface Beat {
  until: number
  draining: boolean
}

/**
 * One row that says that this process is alive, refreshed in the background. Mutexes that are held with it can be
 * taken at once when the row lapses, instead of after their whole time to live.
 *
 * A process that cannot refresh its row (partitioned, frozen) counts itself as dead `marginMs` before others do:
 * `signal` fires first. A lapsed row is never revived: start a new one.
 * 1 WRU per heartbeat, for all mutexes together: about $1.6 a month per process with the defaults, on demand.
 */
export class Liveness {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #options: Required<Omit<LivenessOptions, 'pk'>>
  readonly #stop = new AbortController()
  readonly #dead = new AbortController()
  #draining = false
  #refreshed = 0
  #loop: Promise<void> | undefined

  constructor(db: AtomicDbInterface, options: LivenessOptions = {}) {
    const heartbeatMs = checkMs(options.heartbeatMs ?? 2000, 'heartbeatMs')
    const deadAfterMs = checkMs(options.deadAfterMs ?? 10_000, 'deadAfterMs')
    if (heartbeatMs * 2 >= deadAfterMs)
      throw new InvalidInput('heartbeatMs', 'must be less than half of deadAfterMs', {
        limit: deadAfterMs / 2,
        given: String(heartbeatMs),
      })
    const marginMs = checkMs(options.marginMs ?? deadAfterMs / 5, 'marginMs')
    if (marginMs + heartbeatMs >= deadAfterMs)
      throw new InvalidInput('marginMs', 'leaves no time for a heartbeat', { given: String(marginMs) })
    this.#db = db
    this.#options = { heartbeatMs, deadAfterMs, marginMs }
    this.key = coordinationKey({ pk: options.pk ?? 'lockrow#processes', sk: uniqueId(db.runtime) })
  }

  /** Fires when this process must assume that others take it for dead. */
  get signal(): AbortSignal {
    return this.#dead.signal
  }

  /** Writes the row and keeps it fresh. */
  async start(): Promise<this> {
    if (this.#loop) return this
    await this.#beat()
    this.#loop = this.#run()
    return this
  }

  /** The process takes no new work: others see `draining`. */
  async setDraining(draining = true): Promise<void> {
    this.#draining = draining
    await this.#beat()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'))
    await this.#loop
    this.#dead.abort(new Error('stopped'))
    await this.#db.delete(this.key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #beat(): Promise<void> {
    // Counted from before it is sent: the row cannot be fresher than that.
    const sent = this.#db.runtime.monotonic()
    const until = this.#db.runtime.now() + this.#options.deadAfterMs
    const ttl = Math.ceil(until / 1000) + 3600
    const beat: Beat = { until, draining: this.#draining }
    // A beat that arrives late must not take back what a later one said.
    const later = anyOf(absent, { until: { lte: until } })
    await this.#db.update(this.key, { set: { ...beat }, ttl }, { if: later })
    this.#refreshed = sent
  }

  async #run(): Promise<void> {
    const { heartbeatMs, deadAfterMs, marginMs } = this.#options
    const { runtime } = this.#db
    while (!this.#stop.signal.aborted) {
      const deadline = this.#refreshed + deadAfterMs - marginMs
      try {
        await runtime.sleep(Math.max(0, Math.min(heartbeatMs, deadline - runtime.monotonic())), {
          signal: this.#stop.signal,
          unref: true,
        })
      } catch {
        return
      }
      if (runtime.monotonic() >= deadline) {
        this.#dead.abort(
          new Error(`no heartbeat for ${deadAfterMs - marginMs} ms: others may take this process for dead`),
        )
        return
      }
      // One that fails is tried again at the next beat, until the deadline.
      await Promise.race([
        this.#beat().catch(() => {}),
        runtime.sleep(Math.max(0, deadline - runtime.monotonic()), { unref: true }),
      ])
    }
  }
}

export type ProcessStatus = 'running' | 'draining' | 'dead'

/** What a process's row says; dead only with `toleranceMs` for the difference of the clocks. 1 RRU. */
export async function processStatus(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  toleranceMs: number,
): Promise<ProcessStatus> {
  const item = await db.get<Beat>(key, { consistent: true })
  if (!item || item.data.until + toleranceMs < db.runtime.now()) return 'dead'
  return item.data.draining ? 'draining' : 'running'
}
