import type { Changes } from '../contract/changes.ts'
import { allOf, type Condition } from '../contract/conditions.ts'
import type { Path } from '../contract/paths.ts'
import { BackendError, LeaseLost } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { boundOf, during } from './call-time.ts'
import { certainRemoval, certainUpdate } from './certain-update.ts'
import { nameOf } from './coordination-key.ts'
import type { LeaseRow } from './held-lease.ts'
import { type Fence, type Moment, momentOf } from './lease.ts'
import type { Claim } from './lease-claim.ts'

/** Holders by id, with the epoch ms (by their clocks) at which their lease is over. */
export type Holders = Record<string, number>

/** Maximum number of lapsed holders that one write takes out. */
export const atOnce = 20

/** Those whose time is over for everybody. `limit`: now, less the tolerance of the clocks. */
export const lapsed = (holders: Holders | undefined, limit: number): [string, number][] =>
  Object.entries(holders ?? {}).filter(([, until]) => until < limit)

/** Where a place is in the row, and what reading it says. */
export interface Place<T> {
  /** Of the deadline. */
  until: Path
  /** When the row expires if it is extended now, epoch seconds. Undefined: it does not. */
  expiry?(): number
  /** What giving it back does to the row. */
  removal: Changes
  /** The deadline as it is in the row; undefined: not ours any more. */
  read(item: AtomicDbItem<T> | undefined): number | undefined
  /** Holds while the place is ours. */
  ours: Condition
}

/** Where and for how long a place is held. */
export interface PlaceSettings {
  ttlMs: number
  /** What taking it does to the row. */
  changes: Changes
  /** When it may be taken. */
  if: Condition
  /** One of these is in every row of this kind. */
  fields: readonly string[]
}

/** A request for a place. `token`: the fencing token in the row that shows it. */
export function claimOfPlace<T, Token extends Fence = undefined>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  id: string,
  place: Place<T>,
  settings: PlaceSettings,
  token: (item: AtomicDbItem<T>) => Token,
): Claim<T, Token> {
  return {
    ...settings,
    isOurs: (item) => place.read(item) !== undefined,
    takeAway: () => removePlace(db, key, place, {}),
    keptIn: (item) => rowOfPlace(db, key, id, place, settings.ttlMs, token(item)),
  }
}

/** How a lease is kept in a row that has a deadline for it: a permit, a reader, a writer. */
function rowOfPlace<T, Token extends Fence>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  id: string,
  place: Place<T>,
  ttlMs: number,
  fencingToken: Token,
): LeaseRow<Token> {
  return {
    runtime: db.runtime,
    key,
    id,
    ttlMs,
    heartbeatMs: ttlMs / 3,
    fencingToken,
    timeoutMs: boundOf(db),
    extend: (extendMs, _leftMs, options) => extendPlace(db, key, id, place, extendMs, options),
    release: (options) => removePlace(db, key, place, options),
  }
}

/** Moves the deadline on; it only grows, and ends when the place is gone. */
async function extendPlace<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  id: string,
  place: Place<T>,
  ttlMs: number,
  options: CallOptions,
): Promise<Moment> {
  for (let turn = 0; turn < 5; turn++) {
    const sent = momentOf(db.runtime)
    const until = Math.ceil(sent.wall + ttlMs)
    const shows = (item: AtomicDbItem<T> | undefined) => (place.read(item) ?? 0) >= until
    // A late one must not move the deadline back.
    const isEarlier = during(options, { if: allOf(place.ours, [[place.until, { lt: until }]]) })
    const { applied, item } = await certainUpdate<T>(
      db,
      key,
      { set: [[place.until, until]], ...(place.expiry && { ttl: place.expiry() }) },
      isEarlier,
      shows,
    )
    // Not written because the row says a later time already: that is as good.
    if (applied || shows(item)) return sent
    if (place.read(item) === undefined)
      throw new LeaseLost(`${nameOf(key)}: ${id} is not held any more`, { keys: [key], cause: item })
  }
  throw new BackendError(`the requests to extend ${nameOf(key)} were lost`, { keys: [key] })
}

/** Gives a place back. False: it was not there any more. */
export function removePlace<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  place: Place<T>,
  options: CallOptions,
): Promise<boolean> {
  return certainRemoval<T>(
    db,
    key,
    place.removal,
    during(options, { if: place.ours }),
    (item) => place.read(item) !== undefined,
  )
}
