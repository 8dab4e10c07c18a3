import { inspect } from 'loupe'

/** Values as a console shows them. */

const longest = 10_000

function textOfError(error: Error): string {
  const { name, message } = error
  const more = Object.entries(error).filter(([, value]) => value !== undefined)
  const fields = more.length ? ` ${inspect(Object.fromEntries(more), { truncate: longest })}` : ''
  return `${name}: ${message}${fields}`
}

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return textOfError(value)
  return inspect(value, { truncate: longest, quoteStyle: 'single' } as object)
}

/** A line of `console.log`. */
export const lineOfValues = (values: readonly unknown[]): string => values.map(textOf).join(' ')
