import type { AtomicDbInterface } from '../interface.ts'

/** The object that stands for a database behind all of its wrappers: what is remembered of it between calls hangs on it. */
export const databaseIdentity: unique symbol = Symbol.for('lockrow.databaseIdentity') as never

/** A database that says which one it is. */
export interface Identified {
  readonly [databaseIdentity]: object
}

/** Of a database of another kind: itself. */
export const identityOf = (db: AtomicDbInterface): object =>
  (db as Partial<Identified>)[databaseIdentity] ?? db
