import { absent, anyOf } from '../conditions.ts'
import { AtomicDbError, BackendError, InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'
import { certainUpdate, uniqueId } from './certain-update.ts'
import { coordinationKey, nameOf } from './coordination-key.ts'
import { Lease, type Moment, momentOf } from './lease.ts'
import { keep } from './lease-keeper.ts'

export interface LivenessOptions {
  /** How often the process says that it is alive, ms: less than half of `deadAfterMs`. @default 2000 */
  heartbeatMs?: number
  /** When it counts as dead without having said so, ms. @default 10000 */
  deadAfterMs?: number
  /** How long before others may act on its death it counts itself as dead, ms. @default a fifth of `deadAfterMs` */
  marginMs?: number
  /** Where the rows of processes are. @default 'lockrow#processes' */
  pk?: string
}

interface Beat {
  /** Epoch ms by the clock of the process. */
  until: number
  draining: boolean
}

/** This process takes no new work, see `Liveness.setDraining`. */
export class ProcessDraining extends AtomicDbError {
  static override readonly code = 'ProcessDraining'
}

/**
 * One row that says that this process is alive, refreshed in the background. Mutexes that are held with it can be
 * taken as soon as the row lapses, instead of after their whole time to live.
 *
 * A process that cannot refresh its row (partitioned, frozen) counts itself as dead `marginMs` before others do:
 * `signal` fires first. A lapsed row is never revived: make another `Liveness`.
 * 1 WRU per heartbeat, for all mutexes together: about $1.6 a month per process with the defaults, on demand.
 */
export class Liveness {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #options: Required<Omit<LivenessOptions, 'pk'>>
  readonly #stop = new AbortController()
  readonly #dead = new AbortController()
  #drains = new AbortController()
  /** Until when this process counts itself as alive. Undefined: not started. */
  #lease: Lease | undefined
  #loop: Promise<void> | undefined
  #until = 0

  constructor(db: AtomicDbInterface, options: LivenessOptions = {}) {
    checkOptions(options, ['heartbeatMs', 'deadAfterMs', 'marginMs', 'pk'])
    const heartbeatMs = milliseconds(options.heartbeatMs ?? 2000, 'heartbeatMs')
    const deadAfterMs = milliseconds(options.deadAfterMs ?? 10_000, 'deadAfterMs')
    if (heartbeatMs * 2 >= deadAfterMs)
      throw new InvalidInput('heartbeatMs', 'must be less than half of deadAfterMs (milliseconds)', {
        limit: deadAfterMs / 2,
        given: String(heartbeatMs),
      })
    const marginMs = milliseconds(options.marginMs ?? deadAfterMs / 5, 'marginMs')
    if (marginMs + heartbeatMs >= deadAfterMs)
      throw new InvalidInput('marginMs', 'leaves no time for a heartbeat (milliseconds)', {
        given: String(marginMs),
      })
    this.#db = db
    this.#options = { heartbeatMs, deadAfterMs, marginMs }
    this.key = coordinationKey({ pk: options.pk ?? 'lockrow#processes', sk: uniqueId(db.runtime) })
  }

  /** Aborted when this process must assume that others take it for dead. */
  get signal(): AbortSignal {
    return this.#dead.signal
  }

  /** Aborted while this process is draining: what it runs should come to its end. */
  get draining(): AbortSignal {
    return this.#drains.signal
  }

  /** For how long this process still counts itself as alive if no heartbeat succeeds, ms. */
  get leftMs(): number {
    return this.#dead.signal.aborted ? 0 : (this.#lease?.leftMs ?? 0)
  }

  get isAlive(): boolean {
    return this.leftMs > 0
  }

  /** Writes the row and keeps it fresh. 1 WRU. */
  async start(): Promise<this> {
    if (this.#loop) return this
    this.#lease = new Lease(this.#db.runtime, this.#ownMs, await this.#create())
    this.#loop = keep({
      runtime: this.#db.runtime,
      lease: this.#lease,
      everyMs: this.#options.heartbeatMs,
      extend: () => this.#beat(),
      isLost: (error) => error instanceof LeaseLost,
      overdue: (cause) => new LeaseLost(`no heartbeat for ${this.#ownMs} ms: others may take it`, { cause }),
      lost: this.#dead,
      done: this.#stop.signal,
    })
    return this
  }

  /** Returns a moment before the row was written. A request that is lost is sent again. */
  async #create(): Promise<Moment> {
    for (let turn = 0; turn < 10; turn++) {
      const sent = momentOf(this.#db.runtime)
      const beat = this.#beatFrom(sent.wall)
      const { item } = await certainUpdate<Beat>(
        this.#db,
        this.key,
        { set: { ...beat }, ttl: rowTtl(beat) },
        { if: anyOf(absent, { until: { lt: beat.until } }) },
        (found) => found?.data.until === beat.until,
      )
      if (item && item.data.until >= beat.until) return sent
    }
    throw new BackendError('the requests to start liveness were lost', { keys: [this.key] })
  }

  /**
   * This process takes no new work: others see `draining`, waiting acquisitions of its mutexes end with
   * `ProcessDraining`, and the signals of what runs under them are aborted with it. 1 WRU.
   */
  async setDraining(draining = true): Promise<void> {
    if (draining) this.#drains.abort(new ProcessDraining('the process is draining: it takes no new work', {}))
    else if (this.#drains.signal.aborted) this.#drains = new AbortController()
    await this.#beat()
  }

  /** Others see at once that the process is gone. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'))
    await this.#loop
    this.#dead.abort(new LeaseLost(`${nameOf(this.key)}: stopped`, { keys: [this.key] }))
    await this.#db.delete(this.key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #ownMs(): number {
    return this.#options.deadAfterMs - this.#options.marginMs
  }

  /** Later than all before it, also when the wall clock steps back. */
  #beatFrom(wall: number): Beat {
    this.#until = Math.max(wall + this.#options.deadAfterMs, this.#until + 1)
    return { until: this.#until, draining: this.#drains.signal.aborted }
  }

  async #beat(): Promise<void> {
    if (!this.isAlive) throw this.#gone('others may take this process for dead')
    const sent = momentOf(this.#db.runtime)
    const beat = this.#beatFrom(sent.wall)
    // A beat that arrives late must not take back what a later one said, nor bring back a row that is gone.
    const { item } = await certainUpdate<Beat>(
      this.#db,
      this.key,
      { set: { ...beat }, ttl: rowTtl(beat) },
      { if: { until: { lt: beat.until } } },
      (found) => found !== undefined && found.data.until >= beat.until,
    )
    if (!item) throw this.#gone('its row is gone')
    if (item.data.until >= beat.until) this.#lease?.grow(sent, this.#ownMs)
  }

  #gone(why: string): LeaseLost {
    return new LeaseLost(`${nameOf(this.key)}: ${why}`, { keys: [this.key] })
  }
}

const rowTtl = ({ until }: Beat): number => Math.ceil(until / 1000) + 3600

export type ProcessStatus = 'running' | 'draining' | 'dead'

/** What a process's row says; dead only with `toleranceMs` for the difference of the clocks. 1 RRU. */
export async function processStatus(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  toleranceMs: number,
  options: CallOptions = {},
): Promise<ProcessStatus> {
  const item = await db.get<Beat>(key, { consistent: true, signal: options.signal })
  if (!item || item.data.until + toleranceMs < db.runtime.now()) return 'dead'
  return item.data.draining ? 'draining' : 'running'
}
