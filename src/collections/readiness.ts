import { identityOf } from '../model/database-identity.ts'
import { IndexNotReady } from './errors.ts'
import type { IndexDefinition } from './index-definition.ts'
import { type CollectionState, completeIn, stateKey } from './state.ts'
import type { World } from './world.ts'

/** Up to which version the collections of a database are complete. Only grows. */
const known = new WeakMap<object, Map<string, number>>()

/** Throws `IndexNotReady` for an index that lacks entries. No request once it is ready; else 1 RRU. */
export async function checkReady({ db, definition }: World, index: IndexDefinition): Promise<void> {
  const needed = Math.max(index.since, index.changed)
  if (needed === 1) return
  const identity = identityOf(db)
  let ofDatabase = known.get(identity)
  if (!ofDatabase) {
    ofDatabase = new Map()
    known.set(identity, ofDatabase)
  }
  if ((ofDatabase.get(definition.name) ?? 1) >= needed) return
  const row = await db.get<CollectionState>(stateKey(definition), { consistent: true })
  // Nobody has written to it yet; items of a table that was there before are not known of.
  if (!row && definition.key.isListed) return
  const complete = row ? completeIn(row.data) : 1
  ofDatabase.set(definition.name, complete)
  if (complete < needed) throw new IndexNotReady(definition.name, index.name)
}
