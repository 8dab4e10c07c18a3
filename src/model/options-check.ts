import type { CallOptions } from '../interface.ts'
import { checkBoolean, checkOptions, checkSignal, milliseconds } from './checks.ts'

/** How every object of options is checked: each function that takes one makes its check here. */

/** Every field of T; 'boolean' where its value is checked as well. */
export type Fields<T> = { readonly [name in NameOf<T>]: true | 'boolean' }

/** Of a union: the names of each of its members. */
type NameOf<T> = T extends unknown ? keyof T & string : never

/** Throws `InvalidInput` for unknown names, and where a `signal`, `timeoutMs` or boolean is none. */
export type OptionsCheck = (given: unknown, field?: string) => void

type Hints = Readonly<Record<string, string>>
interface Prepared {
  names: readonly string[]
  booleans: readonly string[]
  hints: Hints | undefined
  hasSignal: boolean
  hasTimeout: boolean
}

/**
 * A check for options of type T. Compiles only with the name of every field. The list is made at the first call, so
 * that a bundle leaves out what it does not use.
 */
export function optionsCheck<T>(
  list: () => readonly [fields: Fields<T>, hints?: Hints],
  name = 'options',
): OptionsCheck {
  let prepared: Prepared | undefined
  return (given, field = name) => {
    if (given === undefined) return
    prepared ??= prepare(...list())
    const { names, booleans, hints, hasSignal, hasTimeout } = prepared
    checkOptions(given, names, field, hints)
    const options = given as Record<string, unknown>
    for (const name of booleans) checkBoolean(options[name], `${field}.${name}`)
    if (options.timeoutMs !== undefined && hasTimeout) milliseconds(options.timeoutMs, `${field}.timeoutMs`)
    if (hasSignal) checkSignal(options.signal, `${field}.signal`)
  }
}

function prepare(fields: Readonly<Record<string, true | 'boolean'>>, hints?: Hints): Prepared {
  const names = Object.keys(fields)
  return {
    names,
    booleans: names.filter((name) => fields[name] === 'boolean'),
    hints,
    hasSignal: 'signal' in fields,
    hasTimeout: 'timeoutMs' in fields,
  }
}

/** For options that extend those of every call. */
export const callOptions: Fields<CallOptions> = { signal: true, timeoutMs: true }
const useIf = "conditions are given as 'if': { if: { state: 'open' } }"
export const ifHints = {
  condition: useIf,
  conditions: useIf,
  iff: useIf,
  where: useIf,
  ConditionExpression: useIf,
}
const useTtl = "expiry is 'ttl' of the item, in epoch seconds: Math.floor(Date.now() / 1000) + seconds"
export const ttlHints = {
  ttlSeconds: useTtl,
  expireIn: useTtl,
  expiresIn: useTtl,
  expires: useTtl,
  expiresAt: useTtl,
  expiry: useTtl,
}
export const ttlOfItem = () => ({ ttl: useTtl, ...ttlHints })
const useDelay = "use 'delaySeconds'"
export const delayHints = { delay: useDelay, delayMs: useDelay, DelaySeconds: useDelay }
