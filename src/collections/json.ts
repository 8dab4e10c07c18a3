import { InvalidInput } from '../errors.ts'

/**
 * Items as JSON and back: `{"$date": ...}`, `{"$bigint": ...}`, `{"$bytes": base64}` and `{"$set": [...]}` stand for what
 * JSON does not have. A Date of a field in `dates` is plain ISO 8601, as it is stored.
 */

export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return { $date: value.toISOString() }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (value instanceof Set) return { $set: [...value].map(toJson) }
  if (Array.isArray(value)) return value.map(toJson)
  return mapped(value, toJson)
}

export function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromJson)
  const [name, ...others] = Object.keys(value)
  if (name?.startsWith('$') && others.length === 0)
    return special(name, (value as Record<string, unknown>)[name])
  return mapped(value, fromJson)
}

function mapped(value: object, make: (value: unknown) => unknown): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) {
    if (name === '__proto__') throw new InvalidInput('json', "a field cannot be named '__proto__'")
    copy[name] = make(one)
  }
  return copy
}

function special(name: string, value: unknown): unknown {
  if (name === '$set' && Array.isArray(value)) return new Set(value.map(fromJson))
  if (typeof value === 'string') {
    if (name === '$bigint' && /^-?\d{1,40}$/.test(value)) return BigInt(value)
    if (name === '$bytes') return new Uint8Array(Buffer.from(value, 'base64'))
    if (name === '$date' && !Number.isNaN(Date.parse(value))) return new Date(value)
  }
  throw new InvalidInput('json', `'${name.slice(0, 40)}' is not what toJSON writes`)
}
