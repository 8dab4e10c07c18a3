import { absent, anyOf, type Condition } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem } from '../interface.ts'
import type { Definition } from './definition.ts'
import { NewerVersion } from './errors.ts'
import { fromStored, type Stored, toStored, versionField, versionOf } from './stored.ts'

/** What was stored, as items of this version. Throws `NewerVersion` for those of a later one. */
export function toCurrent(definition: Definition, stored: Stored): Record<string, unknown> {
  checkKnown(definition, stored)
  let item = fromStored(stored, definition.dates)
  for (let to = versionOf(stored) + 1; to <= definition.version; to++)
    item = definition.upgrades[to]!(item) as Record<string, unknown>
  return item
}

/** The same as it would be stored by this version. The object itself where it is of this version. */
export function upgraded(definition: Definition, before: AtomicDbItem): AtomicDbItem {
  const stored = before.data as Stored
  if (isCurrent(definition, stored)) return before
  const item = toCurrent(definition, stored)
  const data = toStored(item, definition.dates, definition.version)
  const { pk, sk } = before
  const moved = definition.key.of(data)
  if (moved.pk !== pk || moved.sk !== sk)
    throw new InvalidInput('options.upgrades', 'an upgrade cannot change the key of an item', {
      keys: [{ pk, sk }],
    })
  return before.ttl === undefined ? { pk, sk, data } : { pk, sk, data, ttl: before.ttl }
}

export const isCurrent = ({ version }: Definition, stored: Stored): boolean => versionOf(stored) === version

export function checkKnown({ name, version }: Definition, stored: Stored): void {
  const found = versionOf(stored)
  if (found > version) throw new NewerVersion(name, found, version)
}

/** Holds for items of this version. */
export const isCurrentCondition = (version: number): Condition =>
  [[[versionField], version === 1 ? { exists: false } : { eq: version }]] as Condition

/** Holds where a whole item of this version may be written. */
export const isWritable = (version: number): Condition =>
  version === 1
    ? anyOf(absent, isCurrentCondition(1))
    : anyOf(absent, isCurrentCondition(1), [[[versionField], { lte: version }]] as Condition)
