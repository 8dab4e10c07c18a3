import type { AtomicDbItemKey } from '../interface.ts'
import type { Definition, ReferenceDefinition } from './definition.ts'
import { referencesKey } from './entries.ts'
import { isOfVersion, type Stored, versionOf } from './stored.ts'
import type { ReferenceTarget } from './types.ts'

/** How references and deleted items lie in the table. */

/** A reference that is made or given up. */
export interface ReferenceChange {
  readonly name: string
  readonly to: ReferenceTarget
  /** The item that is referred to. */
  readonly target: AtomicDbItemKey
  /** The row that counts references to it. */
  readonly countKey: AtomicDbItemKey
  readonly by: number
  readonly mustExist: boolean
}

/** What a collection that may be referred to shows to those that do. */
export interface Referable extends ReferenceTarget {
  /** Where the item with these key fields lies, and the row that counts references to it. */
  locate(values: Stored): { item: AtomicDbItemKey; count: AtomicDbItemKey }
}

interface Changed {
  readonly changed: ReferenceChange[]
  readonly release: { key: AtomicDbItemKey; own: number } | undefined
}

/** `before` and `after` as they are stored. */
export function referenceChanges(
  definition: Definition,
  before: Stored | undefined,
  after: Stored | undefined,
): Changed {
  const byRow = new Map<string, ReferenceChange>()
  const add = (reference: ReferenceDefinition, item: Stored | undefined, by: number) => {
    const found = item && located(reference, item)
    if (!found) return
    const known = byRow.get(found.count.pk)
    const sum = (known?.by ?? 0) + by
    byRow.set(found.count.pk, {
      name: reference.name,
      to: reference.to,
      target: found.item,
      countKey: found.count,
      by: sum,
      mustExist: sum > 0,
    })
  }
  for (const reference of definition.references) {
    if (before && isOfVersion(reference, versionOf(before))) add(reference, before, -1)
    if (!reference.retired) add(reference, after, 1)
  }
  const own = before && !after && definition.referenced ? ownReferences(definition, before) : undefined
  const self = own && byRow.get(own.pk)
  if (own) byRow.delete(own.pk)
  return {
    changed: [...byRow.values()].filter(({ by }) => by !== 0),
    release: own && { key: own, own: self ? -self.by : 0 },
  }
}

const ownReferences = (definition: Definition, item: Stored): AtomicDbItemKey =>
  referencesKey(definition.name, definition.key.text(item))

/** Absent: the item refers to nothing by these fields. */
function located({ fields, to }: ReferenceDefinition, item: Stored) {
  if (fields.some((field) => item[field] === undefined || item[field] === null)) return undefined
  const values = Object.fromEntries(to.keyFields.map((name, i) => [name, item[fields[i]!]]))
  return (to as Referable).locate(values)
}

/** Where a deleted item is kept: out of the sight of every list. */
export const deletedKey = ({ name }: Definition, { pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({
  pk: `${name}##deleted#${pk}`,
  sk,
})
