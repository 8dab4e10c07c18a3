import type { AtomicDbItem, AtomicDbItemKey } from '../interface.ts'
import type { Definition } from './definition.ts'
import { ownPartitions } from './names.ts'
import type { Stored } from './stored.ts'

/** What rows of a table are to a collection. */

/** Whether it is one of the collection's items: what it holds leads to where it lies. */
export function isItemOf({ key }: Definition, { pk, sk, data }: AtomicDbItem): boolean {
  if (typeof data !== 'object' || data === null) return false
  try {
    const at = key.of(data as Stored)
    return at.pk === pk && at.sk === sk
  } catch {
    // A field of the key is missing, or is none.
    return false
  }
}

/** The name of the index that a row belongs to. Absent: it is of none. */
export function indexNameOf({ name }: Definition, { pk }: AtomicDbItemKey): string | undefined {
  const prefix = `${name}##`
  if (!pk.startsWith(prefix)) return undefined
  const found = /^[\w.-]+/.exec(pk.slice(prefix.length))?.[0]
  return found === undefined || ownPartitions.includes(found) ? undefined : found
}
