import { InvalidInput } from '../errors.ts'
import type { KeyValue } from './key-encoding.ts'

/** An item's fields as they are stored: dates as ISO 8601, and `$v`, the version of the collection that wrote it. */
export type Stored = Readonly<Record<string, unknown>>

/** The version that wrote an item. Absent: 1. */
export const versionField = '$v'

export const versionOf = (stored: Stored): number => (stored[versionField] as number | undefined) ?? 1

/** Whether items of a version have what was added with `since`, and is retired from `until` on. */
export const isOfVersion = (
  { since, until }: { readonly since: number; readonly until: number },
  version: number,
): boolean => since <= version && version < until

/** The value of a field for a key. */
export function keyValue(field: string, values: Stored, dates: ReadonlySet<string>): KeyValue {
  const value = values?.[field]
  if (value === undefined || value === null)
    throw new InvalidInput(`key.${field}`, 'is missing: every key field needs a value')
  return (dates.has(field) ? toDate(value, field) : value) as KeyValue
}

export function toDate(value: unknown, field: string): Date {
  const date = value instanceof Date ? value : new Date(value as string)
  if (Number.isNaN(date.getTime())) throw new InvalidInput(field, 'is not a Date')
  return date
}

/** A plain copy as it is stored. Throws `InvalidInput` for what is none, and for names of the library's own. */
export function toStored(
  item: unknown,
  dates: ReadonlySet<string>,
  version: number,
): Record<string, unknown> {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw new InvalidInput('item', 'must be an object', { given: item === null ? 'null' : typeof item })
  const stored: Record<string, unknown> = {}
  for (const name in item) {
    const value = (item as Stored)[name]
    if (value === undefined) continue
    if (name.startsWith('$'))
      throw new InvalidInput(`item.${name}`, "names that begin with '$' are the library's own")
    stored[name] = dates.has(name) ? dateText(value, `item.${name}`) : checkNoDate(value, name)
  }
  if (version > 1) stored[versionField] = version
  return stored
}

function checkNoDate(value: unknown, name: string): unknown {
  if (value instanceof Date)
    throw new InvalidInput(`item.${name}`, `is a Date: name it in the collection's 'dates'`)
  return value
}

/** Null stays: an optional date. */
function dateText(value: unknown, field: string): unknown {
  if (value === null) return null
  if (!(value instanceof Date)) throw new InvalidInput(field, 'must be a Date', { given: typeof value })
  if (Number.isNaN(value.getTime())) throw new InvalidInput(field, 'is an invalid Date')
  return value.toISOString()
}

/** Every Date inside, as it is stored: for changes and conditions. */
export function datesAsTexts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Set)
    return value
  if (value instanceof Date) return dateText(value, 'a Date')
  if (Array.isArray(value)) return value.map(datesAsTexts)
  const copy: Record<PropertyKey, unknown> = {}
  for (const name of Reflect.ownKeys(value))
    copy[name] = datesAsTexts((value as Record<PropertyKey, unknown>)[name])
  return copy
}

/** What callers see: without the version, with Dates. The object itself where that is the same. */
export function fromStored(stored: Stored, dates: ReadonlySet<string>): Record<string, unknown> {
  if (dates.size === 0 && !(versionField in stored)) return stored as Record<string, unknown>
  const item: Record<string, unknown> = {}
  for (const name in stored) {
    if (name === versionField) continue
    const value = stored[name]
    item[name] = dates.has(name) && typeof value === 'string' ? new Date(value) : value
  }
  return item
}
