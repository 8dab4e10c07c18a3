import { absent, anyOf } from '../contract/conditions.ts'
import { BackendError, LeaseLost } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { boundOf, during } from './call-time.ts'
import { certainUpdate } from './certain-update.ts'
import { nameOf } from './coordination-key.ts'
import { LeaseClock, type Moment, momentOf } from './lease.ts'
import { keep } from './lease-keeper.ts'

export interface Timing {
  heartbeatMs: number
  deadAfterMs: number
  marginMs: number
}

/** How long a process counts itself as alive from one heartbeat on, ms. */
export const ownMs = ({ deadAfterMs, marginMs }: Timing): number => deadAfterMs - marginMs

/** What keeps a process alive for others: the event loop that uses it, or a thread. */
export interface Pulse {
  /** For how long the process still counts itself as alive if no heartbeat succeeds, ms. */
  readonly leftMs: number
  /** Aborted when that time is over. */
  readonly signal: AbortSignal
  start(): Promise<void>
  setDraining(draining: boolean): Promise<void>
  stop(): Promise<void>
}

interface Beat {
  /** Epoch ms by the clock of the process. */
  until: number
  draining: boolean
}

const rowTtl = ({ until }: Beat): number => Math.ceil(until / 1000) + 3600

/** The row that says that a process is alive, refreshed by this event loop. */
export class Heartbeat implements Pulse {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #timing: Timing
  readonly #onBeat: (sent: Moment) => void
  readonly #stop = new AbortController()
  readonly #dead = new AbortController()
  /** Until when this process counts itself as alive. Undefined: not started. */
  #lease: LeaseClock | undefined
  #loop: Promise<void> | undefined
  #until = 0
  #draining = false
  /** Why the last heartbeat failed. */
  #failure: unknown

  /** `onBeat` is told when each heartbeat that the row shows was sent. */
  constructor(
    db: AtomicDbItemsInterface,
    key: AtomicDbItemKey,
    timing: Timing,
    onBeat: (sent: Moment) => void = () => {},
  ) {
    this.#db = db
    this.#key = key
    this.#timing = timing
    this.#onBeat = onBeat
  }

  get signal(): AbortSignal {
    return this.#dead.signal
  }

  get leftMs(): number {
    const left = this.#lease?.leftMs ?? 0
    // Whoever sees that it is over finds the signal aborted.
    if (this.#lease && left <= 0) this.#dead.abort(this.#overdue())
    return this.#dead.signal.aborted ? 0 : left
  }

  async start(): Promise<void> {
    this.#lease = await this.#create()
    this.#loop = keep({
      runtime: this.#db.runtime,
      lease: this.#lease,
      everyMs: this.#timing.heartbeatMs,
      timeoutMs: boundOf(this.#db),
      extend: (call) => this.#beat(call),
      isLost: (error) => error instanceof LeaseLost,
      onError: (error) => {
        this.#failure = error
      },
      overdue: () => this.#overdue(),
      lost: this.#dead,
      done: this.#stop.signal,
    })
  }

  /** A request that is lost is sent again, and so is one whose reply comes when the process counts as dead. */
  async #create(): Promise<LeaseClock> {
    for (let turn = 0; turn < 10; turn++) {
      const sent = momentOf(this.#db.runtime)
      const beat = this.#beatFrom(sent.wall)
      const { item } = await certainUpdate<Beat>(
        this.#db,
        this.#key,
        { set: { ...beat }, ttl: rowTtl(beat) },
        { if: anyOf(absent, { until: { lt: beat.until } }) },
        (found) => found?.data.until === beat.until,
      )
      const lease = new LeaseClock(this.#db.runtime, ownMs(this.#timing), sent)
      if (!item || item.data.until < beat.until || lease.isOver) continue
      this.#onBeat(sent)
      return lease
    }
    throw new BackendError('the requests to start liveness were lost, or answered too late', {
      keys: [this.#key],
    })
  }

  async setDraining(draining: boolean): Promise<void> {
    this.#draining = draining
    await this.#beat({})
  }

  /** Others see at once that the process is gone. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'))
    await this.#loop
    this.#dead.abort(new LeaseLost(`${nameOf(this.#key)}: stopped`, { keys: [this.#key] }))
    await this.#db.delete(this.#key)
  }

  /** Later than all before it, also when the wall clock steps back. */
  #beatFrom(wall: number): Beat {
    this.#until = Math.max(wall + this.#timing.deadAfterMs, this.#until + 1)
    return { until: this.#until, draining: this.#draining }
  }

  async #beat(call: CallOptions): Promise<void> {
    if (this.leftMs <= 0) throw this.#gone('others may take this process for dead')
    const sent = momentOf(this.#db.runtime)
    const beat = this.#beatFrom(sent.wall)
    // A beat that arrives late must not take back what a later one said, nor bring back a row that is gone.
    const { item } = await certainUpdate<Beat>(
      this.#db,
      this.#key,
      { set: { ...beat }, ttl: rowTtl(beat) },
      during(call, { if: { until: { lt: beat.until } } }),
      (found) => found !== undefined && found.data.until >= beat.until,
    )
    if (!item) throw this.#gone('its row is gone')
    if (item.data.until >= beat.until && this.#lease?.grow(sent, ownMs(this.#timing))) {
      this.#failure = undefined
      this.#onBeat(sent)
    }
  }

  #overdue(): LeaseLost {
    const ms = ownMs(this.#timing)
    return new LeaseLost(`no heartbeat for ${ms} ms: others may take this process for dead`, {
      keys: [this.#key],
      cause: this.#failure,
    })
  }

  #gone(why: string): LeaseLost {
    return new LeaseLost(`${nameOf(this.#key)}: ${why}`, { keys: [this.#key] })
  }
}

/** What the row of a process tells of it. */
export type ProcessStatus = 'running' | 'draining' | 'dead'

/** What a process's row says; dead only with `toleranceMs` for the difference of the clocks. 1 RRU. */
export async function processStatus(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  toleranceMs: number,
  options: CallOptions = {},
): Promise<ProcessStatus> {
  // Taken before the request: a process that pauses until it sees the reply must not mistake an old deadline for a missed one.
  const now = db.runtime.now()
  const item = await db.get<Beat>(key, { ...options, consistent: true })
  if (!item || item.data.until + toleranceMs < now) return 'dead'
  return item.data.draining ? 'draining' : 'running'
}
