import type { Changes } from '../contract/changes.ts'
import type { Condition } from '../contract/conditions.ts'
import { BackendError, InvalidInput, Throttled } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { during } from './call-time.ts'
import { certainUpdate, uniqueId, withdraw } from './certain-update.ts'
import { mustBeOurs, nameOf } from './coordination-key.ts'
import { HeldLease, type LeaseRow } from './held-lease.ts'
import { type Fence, LeaseClock, type Moment, momentOf } from './lease.ts'

/** One request for a lease. */
export interface Claim<T, Token extends Fence> {
  changes: Changes
  /** When the row may be taken. */
  if: Condition
  /** A row that is there has one of these fields, or it is not of this kind. */
  fields: readonly string[]
  ttlMs: number
  /** Whether the row shows this attempt. */
  isOurs(item: AtomicDbItem<T> | undefined): boolean
  /** Undoes it, when nobody waits for it any more. */
  takeAway(): Promise<unknown>
  /** The ids that are being taken away. */
  abandoned?: Set<string>
  /** How it is kept once the row shows it. */
  keptIn(item: AtomicDbItem<T>): LeaseRow<Token>
}

/** `doubt`: the outcome is not known; the request may still arrive, and is taken away then. */
export interface Claimed<T, Token extends Fence> {
  lease?: HeldLease<Token>
  item?: AtomicDbItem<T>
  doubt?: true
}

/** Each reply came when the lease that it confirmed was over. A later try may be faster. */
export class LateReply extends BackendError {}

/** This many replies in a row may come too late. */
const mostLate = 3

/**
 * Asks for a lease: 1 request. Hands out only one that still has time left. One that was over when its reply came (a
 * slow backend, a process that was frozen) is given back where it is still ours, and claimed again.
 */
export async function claimLease<T, Token extends Fence>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  call: CallOptions,
  claim: (id: string, sent: Moment) => Claim<T, Token>,
): Promise<Claimed<T, Token>> {
  for (let turn = 0; turn < mostLate; turn++) {
    const claimed = await claimOnce(db, key, call, claim)
    if (!claimed.lease || claimed.lease.isHeld) return claimed
    await giveBack(claimed.lease, call)
  }
  throw new LateReply(
    `each reply for ${nameOf(key)} came when the lease was over: the backend is slower than ttlMs`,
    { keys: [key] },
  )
}

async function claimOnce<T, Token extends Fence>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  call: CallOptions,
  claim: (id: string, sent: Moment) => Claim<T, Token>,
): Promise<Claimed<T, Token>> {
  call.signal?.throwIfAborted()
  const id = uniqueId(db.runtime)
  const sent = momentOf(db.runtime)
  const asked = claim(id, sent)
  let mayArrive = true
  try {
    const options = during(call, { if: asked.if })
    const { applied, item, doubt } = await certainUpdate<T>(db, key, asked.changes, options, asked.isOurs)
    mayArrive = doubt === true
    if (applied) {
      const lease = new HeldLease(asked.keptIn(item!), new LeaseClock(db.runtime, asked.ttlMs, sent))
      return { lease, item }
    }
    mustBeOurs(item, ...asked.fields)
    return { item, doubt }
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof Throttled) mayArrive = false
    throw error
  } finally {
    if (mayArrive) abandon(db, key, id, asked)
  }
}

/** Nobody waits for this attempt any more: if it still arrives, it is taken away. */
function abandon<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  id: string,
  asked: Claim<T, Fence>,
): void {
  asked.abandoned?.add(id)
  void withdraw<T>(db, key, asked.ttlMs, asked.isOurs, asked.takeAway).then(() => asked.abandoned?.delete(id))
}

/** Best effort: its time is over in any case. */
async function giveBack(lease: HeldLease<Fence>, call: CallOptions): Promise<void> {
  try {
    await lease.release(during(call, {}))
  } catch {
    call.signal?.throwIfAborted()
  }
}
