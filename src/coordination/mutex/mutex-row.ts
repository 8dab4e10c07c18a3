import type { AtomicDbItemKey } from '../../interface.ts'
import type { WithLine } from './ticket-line.ts'

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

/** What a contender would find now. */
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
