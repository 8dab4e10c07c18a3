import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import type { Definition } from './definition.ts'

/** What the parts of a collection work with. */
export interface World {
  readonly db: AtomicDbInterface
  readonly definition: Definition
}

/** The world of a collection, for functions that take one. */
export const collectionWorld: unique symbol = Symbol.for('lockrow.collectionWorld') as never

/** A collection of `collection(...)`. */
export interface HasWorld {
  readonly [collectionWorld]: World
}

export function worldOf(collection: unknown, field = 'collection'): World {
  const world = (collection as Partial<HasWorld> | undefined)?.[collectionWorld]
  if (!world) throw new InvalidInput(field, 'must be a collection, as collection(db, name, options) makes it')
  return world
}
