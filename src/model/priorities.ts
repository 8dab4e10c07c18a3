import { decodeTime } from 'ulid'
import { InvalidInput } from '../errors.ts'
import { suggestion } from './checks.ts'

/**
 * The priority of a message is the first character of its key: high ones lie before all others of their partition, low
 * ones behind them, each in the order in which they were pushed. So one query that reads a partition from its start sees
 * them in their order, and a message costs what it costs without a priority.
 */

export const priorities = ['high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

const marks: Readonly<Record<Priority, string>> = { high: '!', normal: '', low: '}' }

/** The part of a partition in which messages of a priority lie. Together they are all of it. */
export const partOf: Readonly<Record<Priority, { readonly after?: string; readonly to?: string }>> = {
  high: { to: '!~' },
  normal: { after: '!~', to: '}' },
  low: { after: '}' },
}

const pattern = /^([!}]?)([0-7][0-9A-HJKMNP-TV-Z]{25})$/

export function checkPriority(given: unknown, field: string): Priority {
  if (priorities.includes(given as Priority)) return given as Priority
  throw new InvalidInput(
    field,
    `must be 'high', 'normal' or 'low'${typeof given === 'string' ? `: ${suggestion(given, priorities)}` : ''}`,
    { given: typeof given },
  )
}

/** A key that sorts with those of this priority; `ulid` may be the beginning of one. */
export const keyAt = (priority: Priority, ulid: string): string => marks[priority] + ulid

/** The priority that a key says. Keys of the caller's are normal ones, wherever they lie. */
export function priorityOf(sk: string): Priority {
  const mark = pattern.exec(sk)?.[1]
  return mark === '!' ? 'high' : mark === '}' ? 'low' : 'normal'
}

/** The ULID in a key that the library made; `undefined` for a key of the caller's. */
export const ulidIn = (sk: string): string | undefined => pattern.exec(sk)?.[2]

/** The time in a key that the library made, epoch ms. */
export function timeIn(sk: string): number | undefined {
  const ulid = ulidIn(sk)
  return ulid === undefined ? undefined : decodeTime(ulid)
}
