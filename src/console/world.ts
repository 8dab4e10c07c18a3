import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey } from '../interface.ts'
import type { ConsoleSettings } from './options.ts'

/** What a call of the page works with. */
export interface World {
  readonly db: AtomicDbInterface
  readonly settings: ConsoleSettings
  /** Ends with the request, and after `timeoutMs`. */
  readonly signal: AbortSignal
}

/** What the page sends with a call. */
export type Given = Readonly<Record<string, unknown>>

/** One call of the page. */
export interface ConsoleCall {
  /** It changes the table: refused without `write`. */
  readonly writes?: true
  /**
   * It cannot be undone: the page must send, as `confirm`, the text that the user typed, which must be that of this
   * argument.
   */
  readonly confirms?: string
  /** It asks this process, not the table. */
  readonly isLocal?: true
  run(world: World, given: Given): Promise<unknown>
}

/** The calls of one part of the console, by name. */
export type ConsoleCalls = Readonly<Record<string, ConsoleCall>>

export function textOf(given: Given, name: string): string {
  const value = given[name]
  if (typeof value !== 'string' || value === '') throw new InvalidInput(name, 'must be a text')
  return value
}

export const optionalText = (given: Given, name: string): string | undefined =>
  given[name] === undefined || given[name] === '' ? undefined : textOf(given, name)

export function numberOf(given: Given, name: string, otherwise: number, most: number): number {
  const value = given[name] ?? otherwise
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > most)
    throw new InvalidInput(name, `must be a whole number from 1 to ${most}`)
  return value as number
}

export const keyOf = (given: Given): AtomicDbItemKey => ({ pk: textOf(given, 'pk'), sk: textOf(given, 'sk') })

/** Keys of messages that are selected: all in one queue. */
export function listOf<T extends object>(given: Given, name: string, most = 500): T[] {
  const value = given[name]
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null)
  if (!isList || value.length === 0 || value.length > most)
    throw new InvalidInput(name, `must be a list of 1 to ${most} entries`)
  return value as T[]
}
