import type { AtomicDbItemsInterface } from '../interface.ts'

/** A database all of whose calls end at one time, such as that of an invocation. */
interface Ending {
  readonly leftMs?: number | undefined
  readonly ending?: AtomicDbItemsInterface
}

/** How long calls of this database still have, ms; `Infinity` where there is no end. Whoever waits between calls asks. */
export const timeLeftOf = (db: AtomicDbItemsInterface): number =>
  (db as Ending).leftMs ?? Number.POSITIVE_INFINITY

/** The database for calls that end what was begun, such as giving back a lease: these have a little more time. */
export const endingOf = <D extends AtomicDbItemsInterface>(db: D): D =>
  ((db as Ending).ending as D | undefined) ?? db
