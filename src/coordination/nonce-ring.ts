import type { AtomicDbItemKey } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import { nameOf } from './coordination-key.ts'

/**
 * What happened to the last nonce, in a list that each attempt appends to:
 * - `by`: it grew by one, for this attempt
 * - `[by, nonce]`: this attempt was assigned another nonce
 * - `[id]`: a nonce was given back, to be assigned again
 * - `[id, 'last']`: the last nonce was given back, and is one less
 */
export type RingEntry = string | [string] | [string, number | 'last']

export interface Ring {
  n: number
  ring?: RingEntry[]
}

/** Minimum number of assignments that are remembered. A reply may be lost while that many others are assigned. */
export const ringLength = 16

/** Assignments from the newest to the oldest. */
function* assignments({ n, ring = [] }: Ring): Generator<{ by: string; nonce: number }> {
  let last = n
  for (let i = ring.length - 1; i >= 0; i--) {
    const entry = ring[i]!
    if (typeof entry === 'string') yield { by: entry, nonce: last-- }
    else if (entry[1] === 'last') last++
    else if (typeof entry[1] === 'number') yield { by: entry[0], nonce: entry[1] }
  }
}

/** What this attempt was assigned, if it is remembered. */
export function assignedBy(row: Ring | undefined, by: string): number | undefined {
  if (row) for (const one of assignments(row)) if (one.by === by) return one.nonce
  return undefined
}

/** The attempt that was assigned this nonce last, if it is remembered. */
export function attemptOf(row: Ring, nonce: number): string | undefined {
  for (const one of assignments(row)) if (one.nonce === nonce) return one.by
  return undefined
}

export const wasReleasedBy = ({ ring = [] }: Ring, id: string): boolean =>
  ring.some((entry) => typeof entry !== 'string' && entry[0] === id)

const mostRemembered = 10_000

/** What this process knows of a nonce that it was assigned. */
export interface Remembered {
  by: string
  /** `doubtful`: a request to give it back was sent, and nobody knows whether it was applied. */
  state: 'assigned' | 'doubtful' | 'released'
}

const nonces = new WeakMap<Runtime, Map<string, Remembered>>()

/** Which attempt of this process was assigned a nonce: the proof with which it can be given back. */
export function rememberAttempt(runtime: Runtime, key: AtomicDbItemKey, nonce: number, by: string): void {
  const known = nonces.get(runtime) ?? new Map<string, Remembered>()
  nonces.set(runtime, known)
  const name = `${nameOf(key)}/${nonce}`
  known.delete(name)
  known.set(name, { by, state: 'assigned' })
  if (known.size > mostRemembered) known.delete(known.keys().next().value!)
}

export const rememberedAttempt = (
  runtime: Runtime,
  key: AtomicDbItemKey,
  nonce: number,
): Remembered | undefined => nonces.get(runtime)?.get(`${nameOf(key)}/${nonce}`)
