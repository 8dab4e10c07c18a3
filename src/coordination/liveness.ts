import { AtomicDbError, InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface } from '../interface.ts'
import { checkDb, checkOptions, milliseconds } from '../model/checks.ts'
import { processesPk } from '../model/key-names.ts'
import { uniqueId } from './certain-update.ts'
import { coordinationKey, nameOf } from './coordination-key.ts'
import { Heartbeat, type Pulse, type Timing } from './heartbeat.ts'
import { HeartbeatThread, type LivenessThread } from './heartbeat-thread.ts'

/** Options of `Liveness`. */
export interface LivenessOptions {
  /** How often the process says that it is alive, ms: less than half of `deadAfterMs`. @default 2000 */
  heartbeatMs?: number
  /** When it counts as dead without having said so, ms. @default 10000 */
  deadAfterMs?: number
  /** How long before others may act on its death it counts itself as dead, ms. @default a fifth of `deadAfterMs` */
  marginMs?: number
  /** Where the rows of processes are. @default 'lockrow#processes' */
  pk?: string
  /**
   * Write the heartbeats from a thread, so that work that blocks the event loop (a long computation, a synchronous
   * call) does not make others take the process for dead. The thread cannot use the client of this one: it makes its
   * own from a module. @default they are written by the event loop that uses it
   */
  thread?: {
    /** URL of a module whose default export is a function that returns a database, or a promise of one. */
    module: URL | string
    /** Flags of Node for the thread, as for its `Worker`. @default those of the process */
    execArgv?: readonly string[]
  }
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
 * `signal` fires first. A lapsed row is never revived: make another `Liveness`. With `thread` a blocked event loop does
 * not count as frozen; the signal fires as soon as the thread crashes.
 * 1 WRU per heartbeat, for all mutexes together: about $1.6 a month per process with the defaults, on demand.
 */
export class Liveness {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbItemsInterface
  readonly #timing: Timing
  readonly #thread: LivenessThread | undefined
  readonly #dead = new AbortController()
  #drains = new AbortController()
  #pulse: Pulse | undefined
  #starting: Promise<void> | undefined

  constructor(db: AtomicDbItemsInterface, options: LivenessOptions = {}) {
    checkDb(db)
    checkOptions(options, ['heartbeatMs', 'deadAfterMs', 'marginMs', 'pk', 'thread'])
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
    this.#timing = { heartbeatMs, deadAfterMs, marginMs }
    this.#thread = checkThread(options.thread)
    this.key = coordinationKey({ pk: options.pk ?? processesPk, sk: uniqueId(db.runtime) })
  }

  /**
   * Aborted with `LeaseLost` when this process must assume that others take it for dead. `cause`: the last error of
   * the backend, or of the thread that crashed.
   */
  get signal(): AbortSignal {
    return this.#dead.signal
  }

  /** Aborted while this process is draining: what it runs should come to its end. */
  get draining(): AbortSignal {
    return this.#drains.signal
  }

  /** For how long this process still counts itself as alive if no heartbeat succeeds, ms. */
  get leftMs(): number {
    const left = this.#pulse?.leftMs ?? 0
    return this.#dead.signal.aborted ? 0 : left
  }

  get isAlive(): boolean {
    return this.leftMs > 0
  }

  /** Throws why nothing can be held with it. */
  mustBeAlive(): void {
    if (this.isAlive) return
    this.#dead.signal.throwIfAborted()
    throw new InvalidInput('liveness', 'is not started: await liveness.start() first')
  }

  /**
   * Writes the row and keeps it fresh. 1 WRU.
   * @throws InvalidInput when the module of the thread cannot be used
   * @throws LeaseLost when it was stopped, or lost: make another one
   */
  async start(): Promise<this> {
    this.#dead.signal.throwIfAborted()
    this.#starting ??= this.#start()
    try {
      await this.#starting
      return this
    } catch (error) {
      this.#starting = undefined
      throw error
    }
  }

  async #start(): Promise<void> {
    const pulse: Pulse = this.#thread
      ? new HeartbeatThread(this.#db, this.key, this.#timing, this.#thread)
      : new Heartbeat(this.#db, this.key, this.#timing)
    await pulse.start()
    if (this.#dead.signal.aborted) {
      // Stopped meanwhile.
      await pulse.stop()
      throw this.#dead.signal.reason
    }
    this.#pulse = pulse
    const end = () => this.#dead.abort(pulse.signal.reason)
    if (pulse.signal.aborted) end()
    else pulse.signal.addEventListener('abort', end, { once: true })
  }

  /**
   * This process takes no new work: others see `draining`, waiting acquisitions of its mutexes end with
   * `ProcessDraining`, and the signals of what runs under them are aborted with it. 1 WRU.
   */
  async setDraining(draining = true): Promise<void> {
    if (draining) this.#drains.abort(new ProcessDraining('the process is draining: it takes no new work', {}))
    else if (this.#drains.signal.aborted) this.#drains = new AbortController()
    this.mustBeAlive()
    await this.#pulse!.setDraining(draining)
  }

  /** Others see at once that the process is gone. Ends the thread. */
  async stop(): Promise<void> {
    if (this.#pulse) return this.#pulse.stop()
    this.#dead.abort(new LeaseLost(`${nameOf(this.key)}: stopped`, { keys: [this.key] }))
    await this.#starting?.catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function checkThread(thread: LivenessThread | undefined): LivenessThread | undefined {
  if (thread === undefined) return undefined
  checkOptions(thread, ['module', 'execArgv'], 'thread')
  const { module } = thread
  if (module instanceof URL || (typeof module === 'string' && URL.canParse(module))) return { ...thread }
  throw new InvalidInput('thread.module', "must be a URL: new URL('./make-db.ts', import.meta.url)", {
    given: typeof module,
  })
}
