import { AtomicDbError, InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { milliseconds } from '../model/checks.ts'
import type { FencedLease, KeepOptions } from './held-lease.ts'
import type { WithLine } from './line.ts'
import type { Liveness } from './liveness.ts'
import type { WaitOptions } from './wait-for.ts'

/** What the row holds. It stays when the mutex is free, because the token must grow for ever. */
export interface MutexRow extends WithLine {
  token: number
  /** The attempt that holds it; null: free. */
  owner: string | null
  /** Epoch ms by the owner's clock; null: held until released. */
  until: number | null
  /** A new value at every acquisition and extension: what an observer watches, and what each extension builds on. */
  beat: string
  /** How long it is held from the last beat on, ms. */
  leaseMs: number | null
  /** Liveness row of the owner's process. */
  process: AtomicDbItemKey | null
  /** Epoch ms by the owner's clock. */
  since?: number
  label?: string
}

export interface MutexOptions {
  /** How long it is held without being extended, ms. `null`: until it is released. */
  ttlMs: number | null
  /**
   * `wall`: deadlines are compared by wall clock; a contender waits `clockToleranceMs` longer. `observed`: no two
   * clocks are compared; a contender takes over when its process has seen the row unchanged for the holder's lease,
   * by its own clock. After a crash that takes up to one lease longer. All contenders of a key use the same.
   * @default 'wall'
   */
  lease?: 'wall' | 'observed'
  /** By how much the clocks of different machines may differ, ms. @default 1000 */
  clockToleranceMs?: number
  /**
   * First come, first served: who waits draws a ticket, which it refreshes (1 WRU each time; `ticketMs`, default
   * 10,000, is how long a crashed waiter is waited for). All contenders of the key must say so; `tryAcquire` succeeds
   * only when nobody waits.
   */
  fair?: boolean | { ticketMs?: number }
  /** How often `run` extends, ms: less than half of `ttlMs`. @default a third of `ttlMs` */
  heartbeatMs?: number
  /** Held together with this process's life: others may take it as soon as the process counts as dead. */
  liveness?: Liveness
  /** Who holds it, for people: `peek` shows it to others. Up to 256 characters. */
  label?: string
}

export const mutexOptionNames = [
  'ttlMs',
  'lease',
  'clockToleranceMs',
  'fair',
  'heartbeatMs',
  'liveness',
  'label',
] as const

/** What a contender finds that comes at this moment. */
export interface MutexState {
  /** False: a contender gets it at once, unless another one is faster. */
  locked: boolean
  /** The attempt that has it, or had it last without giving it back. */
  owner?: string
  /** What the owner calls itself. */
  label?: string
  /** Since when it is held, epoch ms by the owner's clock. */
  heldSince?: number
  /** How long until a contender can have it if it is not extended, ms; absent: until it is released. */
  remainingMs?: number
  /** The last one that was given out. */
  fencingToken: number
}

export type AcquireResult =
  | { acquired: true; fencingToken: number; lease: FencedLease }
  | ({ acquired: false } & MutexState)

/** It stayed with others until the time was up. */
export class NotAcquired extends AtomicDbError {
  static override readonly code = 'NotAcquired'
  /** Of a mutex: who has it. */
  readonly state: MutexState | undefined

  constructor(message: string, key: AtomicDbItemKey, state?: MutexState) {
    super(message, { keys: [key] })
    this.state = state
  }
}

export interface MutexRun {
  /** Aborted when the lease is lost, or the process is to end its work: stop writing. */
  signal: AbortSignal
  fencingToken: number
  lease: FencedLease
}

export interface RunOptions extends WaitOptions, KeepOptions {}

/** Two chances before the lease is over, or one lost reply loses it. */
export function checkHeartbeat(heartbeatMs: number | undefined, ttlMs: number): number {
  if (heartbeatMs === undefined) return ttlMs / 3
  milliseconds(heartbeatMs, 'heartbeatMs')
  if (heartbeatMs >= ttlMs / 2)
    throw new InvalidInput('heartbeatMs', 'must be less than half of ttlMs (milliseconds)', {
      limit: ttlMs / 2,
      given: String(heartbeatMs),
    })
  return heartbeatMs
}

export const checkTolerance = (value: number | undefined): number =>
  milliseconds(value ?? 1000, 'clockToleranceMs', { zero: true })

export function checkLabel(label: unknown): string | undefined {
  if (label === undefined || (typeof label === 'string' && label.length > 0 && label.length <= 256))
    return label as string | undefined
  throw new InvalidInput('label', 'must be a text of 1 to 256 characters', { limit: 256 })
}
