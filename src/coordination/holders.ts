import type { Changes } from '../changes.ts'
import { allOf, type Condition } from '../conditions.ts'
import { BackendError, InvalidInput, LeaseLost, Throttled } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemKey,
  CallOptions,
  UpdateOptions,
  UpdateResult,
} from '../interface.ts'
import type { Path } from '../paths.ts'
import { certainRemoval, certainUpdate, withdraw } from './certain-update.ts'
import { nameOf } from './coordination-key.ts'
import { HeldLease, type LeaseRow } from './held-lease.ts'
import { Lease, type Moment, momentOf } from './lease.ts'

/** Holders by id, with the epoch ms (by their clocks) at which their lease is over. */
export type Holders = Record<string, number>

/** So many lapsed holders are taken out by one write. */
export const atOnce = 20

/** Those whose time is over for everybody. `limit`: now, less the tolerance of the clocks. */
export const lapsed = (holders: Holders | undefined, limit: number): [string, number][] =>
  Object.entries(holders ?? {}).filter(([, until]) => until < limit)

/** Where a place is in the row, and what reading it says. */
export interface Place<T> {
  /** Of the deadline. */
  until: Path
  /** What giving it back does to the row. */
  removal: Changes
  /** The deadline as it is in the row; undefined: not ours any more. */
  read(item: AtomicDbItem<T> | undefined): number | undefined
  /** Holds while the place is ours. */
  ours: Condition
}

export interface PlaceSettings {
  ttlMs: number
  fencingToken?: number
}

/** A lease whose row has a deadline for it: a permit, a reader, a writer. It only grows, and ends when it is gone. */
export function leaseOfPlace<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  id: string,
  place: Place<T>,
  { ttlMs, fencingToken }: PlaceSettings,
  sent: Moment,
): HeldLease {
  const { runtime } = db
  const row: LeaseRow = {
    runtime,
    key,
    id,
    ttlMs,
    heartbeatMs: ttlMs / 3,
    fencingToken,
    async extend(extendMs, _leftMs, options) {
      for (let turn = 0; turn < 5; turn++) {
        const from = momentOf(runtime)
        const until = Math.ceil(from.wall + extendMs)
        const shows = (item: AtomicDbItem<T> | undefined) => (place.read(item) ?? 0) >= until
        const { applied, item } = await certainUpdate<T>(
          db,
          key,
          { set: [[place.until, until]] },
          // A late one must not move the deadline back.
          { signal: options.signal, if: allOf(place.ours, [[place.until, { lt: until }]]) },
          shows,
        )
        // Not written because the row says a later time already: that is as good.
        if (applied || shows(item)) return from
        if (place.read(item) === undefined)
          throw new LeaseLost(`${nameOf(key)}: ${id} has come back by itself`, { keys: [key] })
      }
      throw new BackendError(`the requests to extend ${nameOf(key)} were lost`, { keys: [key] })
    },
    release: (options) => removePlace(db, key, place, options),
  }
  return new HeldLease(row, new Lease(runtime, ttlMs, sent))
}

/** Gives a place back. False: it was not there any more. */
export function removePlace<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  place: Place<T>,
  { signal }: CallOptions,
): Promise<boolean> {
  return certainRemoval<T>(
    db,
    key,
    place.removal,
    { signal, if: place.ours },
    (item) => place.read(item) !== undefined,
  )
}

/** A request for a place that was given up may still arrive: then it is given back. */
export function withdrawPlace<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  place: Place<T>,
  ttlMs: number,
): void {
  void withdraw<T>(
    db,
    key,
    ttlMs,
    (item) => place.read(item) !== undefined,
    () => removePlace(db, key, place, {}),
  )
}

/**
 * One request for a place. When its outcome stays unknown (a lost reply, an abort), it is withdrawn in the background.
 */
export async function takePlace<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  place: Place<T>,
  ttlMs: number,
  changes: Changes,
  options: UpdateOptions,
): Promise<UpdateResult<T> & { doubt?: true }> {
  options.signal?.throwIfAborted()
  let mayArrive = true
  try {
    const result = await certainUpdate<T>(db, key, changes, options, (item) => place.read(item) !== undefined)
    mayArrive = result.doubt === true
    return result
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof Throttled) mayArrive = false
    throw error
  } finally {
    if (mayArrive) withdrawPlace(db, key, place, ttlMs)
  }
}
