import type { Changes } from '../../contract/changes.ts'
import { toJson } from '../../model/tagged-json.ts'

type Fields = Record<string, unknown>

/** What an item holds. */
export interface Content {
  data?: unknown
  ttl?: number | undefined
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

const isSame = (a: unknown, b: unknown): boolean =>
  (a === undefined) === (b === undefined) && toJson(a) === toJson(b)

/**
 * The changes that make one item of the other: only the fields that differ are written. Undefined: the data must be
 * replaced as a whole.
 */
export function changesTo(before: Content | undefined, wanted: Content): Changes | undefined {
  if (!isFields(wanted.data) || (before !== undefined && !isFields(before.data))) return undefined
  const old = (before?.data ?? {}) as Fields
  const next = wanted.data
  const set = Object.entries(next)
    .filter(([name, value]) => !(name in old) || !isSame(old[name], value))
    .map(([name, value]): [string[], unknown] => [[name], value])
  const remove = Object.keys(old)
    .filter((name) => !(name in next))
    .map((name) => [name])
  const changes: Changes = {}
  if (set.length > 0) changes.set = set
  if (remove.length > 0) changes.remove = remove
  if (before?.ttl !== wanted.ttl) changes.ttl = wanted.ttl ?? null
  // An item without fields, or one that stays as it is, has nothing to change.
  return Object.keys(changes).length > 0 ? changes : undefined
}
