import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'

/** What an argument must be, in one place: every error names the option and its unit. */

/** The number of single-character edits between two names; two neighbours exchanged are one edit. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  let before: number[] = []
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const exchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const exchange = exchanged ? before[j - 2]! + 1 : substitution
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, substitution, exchange))
    }
    before = row
    row = next
  }
  return row[b.length]!
}

/** `did you mean 'limit'?`, or the list of what is known. */
export function suggestion(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase()
  const ranked = known
    .map((other) => ({ other, distance: editDistance(lower.slice(0, 40), other.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const [best] = ranked
  if (best && best.distance <= Math.max(1, Math.floor(Math.min(name.length, best.other.length) / 3)))
    return `did you mean '${best.other}'?`
  const part = known.find((other) => lower.length > 2 && other.toLowerCase().startsWith(lower))
  if (part) return `did you mean '${part}'?`
  return known.length === 0 ? 'no option is known here' : `known: ${known.join(', ')}`
}

/**
 * Refuses unknown names in an object of options. Fields that are `undefined` count as absent.
 * `hints` gives the advice for names that users of other libraries expect: `{ condition: "use 'if'" }`.
 */
export function checkOptions(
  given: unknown,
  known: readonly string[],
  field = 'options',
  hints: Readonly<Record<string, string>> = {},
): void {
  if (given === undefined) return
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidInput(field, 'must be an object', { given: given === null ? 'null' : typeof given })
  for (const name in given) {
    if (known.includes(name) || (given as Record<string, unknown>)[name] === undefined) continue
    const hint = Object.hasOwn(hints, name) ? hints[name]! : suggestion(name, known)
    throw new InvalidInput(`${field}.${name}`, `is not known: ${hint}`)
  }
}

/** What was given, without its contents: for errors. */
const typeOf = (value: unknown): string => (value === null ? 'null' : typeof value)

/** A database, or what wraps one: what can be read from, with a runtime. */
export function checkDb(db: unknown, field = 'db'): void {
  const given = db as (Partial<AtomicDbInterface> & { then?: unknown; send?: unknown }) | null | undefined
  if (typeof given?.get === 'function' && typeof given.runtime?.now === 'function') return
  const advice =
    typeof given?.then === 'function'
      ? ': await it'
      : typeof given?.send === 'function'
        ? ': new AtomicDynamoDB(client, tableName)'
        : ', such as an AtomicDynamoDB or AtomicMemoryDb'
  throw new InvalidInput(field, `must be a database${advice}`, { given: typeOf(db) })
}

/** A function that the caller gives: a callback, a handler. */
export function checkFunction(value: unknown, field: string): void {
  if (typeof value !== 'function')
    throw new InvalidInput(field, 'must be a function', { given: typeOf(value) })
}

/** `true` or `false`, where it is given. */
export function checkBoolean(value: unknown, field: string): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw new InvalidInput(field, 'must be true or false', { given: typeOf(value) })
}

/** An `AbortSignal`, where it is given; also one of another realm. */
export function checkSignal(value: unknown, field: string): void {
  if (value !== undefined && typeof (value as Partial<AbortSignal> | null)?.throwIfAborted !== 'function')
    throw new InvalidInput(field, 'must be an AbortSignal', { given: typeOf(value) })
}

/** A whole number within bounds, both inclusive. */
export function wholeNumber(
  value: unknown,
  field: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
    return value as number
  const tooLarge = typeof value === 'number' && value > max
  const open = max === Number.MAX_SAFE_INTEGER && !tooLarge
  const range = open ? `from ${min}` : `from ${min} to ${max}`
  throw new InvalidInput(field, `must be a whole number ${range}`, {
    given: typeof value === 'number' ? String(value) : typeof value,
  })
}

/** The longest duration that makes sense for a timer or a deadline: 10 years. */
export const maxDurationMs = 10 * 366 * 24 * 60 * 60 * 1000

/** Whether `milliseconds` lets it pass. */
export const isDuration = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && value <= maxDurationMs

/** A finite number of milliseconds above 0 (from 0 with `zero`), at most 10 years. */
export function milliseconds(
  value: unknown,
  field: string,
  { zero = false }: { zero?: boolean } = {},
): number {
  if (isDuration(value) || (zero && value === 0)) return value
  throw new InvalidInput(
    field,
    `must be ${zero ? '0 or ' : ''}a positive number of milliseconds, at most 10 years`,
    {
      given: typeof value === 'number' ? String(value) : typeof value,
    },
  )
}

/** A finite number of seconds above 0 (from 0 with `zero`), at most 10 years. */
export function seconds(value: unknown, field: string, { zero = false }: { zero?: boolean } = {}): number {
  if (typeof value === 'number' && (zero ? value >= 0 : value > 0) && value <= maxDurationMs / 1000)
    return value
  throw new InvalidInput(
    field,
    `must be ${zero ? '0 or ' : ''}a positive number of seconds, at most 10 years`,
    {
      given: typeof value === 'number' ? String(value) : typeof value,
    },
  )
}

/** A whole number of seconds from `min`, at most 10 years. */
export function wholeSeconds(value: unknown, field: string, { min = 0 }: { min?: number } = {}): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= maxDurationMs / 1000)
    return value as number
  throw new InvalidInput(field, `must be a whole number of seconds from ${min}, at most 10 years`, {
    given: typeof value === 'number' ? String(value) : typeof value,
  })
}

/** A text that is not empty and has at most `limit` bytes of UTF-8. */
export function shortText(value: unknown, field: string, limit: number): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || Buffer.byteLength(value) > limit)
    throw new InvalidInput(field, `must be a text of 1 to ${limit} bytes`, { limit })
  return value
}

/** The latest moment that makes sense, epoch ms: the year 9999. */
export const maxMoment = 253_402_300_799_999

/** A moment to come, as a `Date` or epoch ms; returns epoch ms. */
export function futureMoment(value: unknown, field: string, now: number): number {
  const ms = value instanceof Date ? value.getTime() : value
  if (!Number.isSafeInteger(ms) || (ms as number) > maxMoment)
    throw new InvalidInput(field, 'must be a Date or epoch milliseconds, a whole number', {
      given: value instanceof Date || typeof value === 'number' ? String(value) : typeOf(value),
    })
  if ((ms as number) <= now)
    throw new InvalidInput(field, 'must be in the future: milliseconds, not seconds', {
      given: new Date(ms as number).toISOString(),
    })
  return ms as number
}
