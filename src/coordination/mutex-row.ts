import { AtomicDbError, InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { checkMs, type WaitOptions } from './common.ts'
import type { WithLine } from './line.ts'
import type { Liveness } from './liveness.ts'

/** What the row holds. It stays when the mutex is free: the token must grow for ever. */
export interface MutexRow extends WithLine {
  token: number
  /** The attempt that holds it; null: free. */
  owner: string | null
  /** Epoch ms by the owner's clock; null: held until released. */
  until: number | null
  /** A new value at every acquisition and extension: what an observer watches. */
  beat: string
  leaseMs: number | null
  /** Liveness row of the owner's process. */
  process: AtomicDbItemKey | null
}

export interface MutexOptions {
  /** How long it is held without being extended, ms. `null`: until it is released. */
  ttlMs: number | null
  /**
   * `wall` (default): deadlines are compared by wall clock; a contender waits `clockToleranceMs` longer.
   * `observed`: no two clocks are compared; a contender takes over when the row has not changed for the lease by its
   * own clock (as the AWS lock client does). Takes up to one lease longer after a crash.
   */
  lease?: 'wall' | 'observed'
  /** By how much clocks of different machines may differ, ms. Default 1000. */
  clockToleranceMs?: number
  /**
   * First come, first served: who waits draws a ticket (1 WRU, and another one each `ticketMs` / 2, default 10,000) and
   * is let in when those before it were. A crashed one is passed over when its ticket has lapsed. All contenders of the
   * key must say so; `tryAcquire` succeeds only when nobody waits.
   */
  fair?: boolean | { ticketMs?: number }
  /** How often `run` extends, ms: less than half of `ttlMs`. Default: a third. */
  heartbeatMs?: number
  /** Held together with this process's life: others may take it as soon as the process counts as dead. */
  liveness?: Liveness
}

export interface MutexState {
  locked: boolean
  /** The attempt that holds it. */
  owner?: string
  /** By the wall clock of the reader, ms; absent: held until released. */
  remainingMs?: number
  /** The last one that was given out. */
  fencingToken: number
}

export type AcquireResult = { acquired: true; fencingToken: number } | ({ acquired: false } & MutexState)

/** The mutex stayed with somebody else until the time was up. */
export class NotAcquired extends AtomicDbError {
  static override readonly code = 'NotAcquired'
  readonly state: MutexState

  constructor(message: string, key: AtomicDbItemKey, state: MutexState) {
    super(message, { keys: [key] })
    this.state = state
  }
}

export interface MutexRun {
  /** Fires when the lease is lost: stop writing. */
  signal: AbortSignal
  fencingToken: number
}

export interface RunOptions extends WaitOptions {
  /** Extend while the callback runs. Default true. */
  extend?: boolean
}

export function checkHeartbeat(heartbeatMs: number | undefined, ttlMs: number | null): number {
  if (heartbeatMs === undefined) return (ttlMs ?? 0) / 3
  checkMs(heartbeatMs, 'heartbeatMs')
  // Two chances before the lease is over, or one lost reply loses it.
  if (ttlMs !== null && heartbeatMs >= ttlMs / 2)
    throw new InvalidInput('heartbeatMs', 'must be less than half of ttlMs', {
      limit: ttlMs / 2,
      given: String(heartbeatMs),
    })
  return heartbeatMs
}
