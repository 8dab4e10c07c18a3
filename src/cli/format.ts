/** Values and times as text, for people and for machines. */

import { hex } from '../model/tagged-json.ts'

export { fromJson, toJson, WrongTag } from '../model/tagged-json.ts'

const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Without what could move the cursor, change the colours, or turn the direction of a terminal. */
export const clean = (text: string): string =>
  text.replace(unsafe, (one) => (one <= '\xff' ? `\\x${hex(one, 2)}` : `\\u${hex(one, 4)}`))

const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39] } as const

/** A part of a line that stands out on a terminal. */
export interface Styled {
  readonly style: keyof typeof styles
  readonly text: string
}

/** A line for people, not cleaned yet. */
export type Line = string | readonly (string | Styled)[]

/** The line as it is written: cleaned, and with colours where they are wanted. */
export function render(line: Line, colours: boolean): string {
  const pieces = typeof line === 'string' ? [line] : line
  return pieces.map((piece) => (typeof piece === 'string' ? clean(piece) : paint(piece, colours))).join('')
}

export function paint({ style, text }: Styled, colours: boolean): string {
  const [on, off] = styles[style]
  return colours ? `\x1b[${on}m${clean(text)}\x1b[${off}m` : clean(text)
}

export function cut(text: string, width: number): string {
  if (text.length <= width) return text
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(1, width - 1)).join('')}…`
}

const gap = 2
const narrowest = 8
/** What the last column is left of the width, if it has so much to say. */
const lastColumn = 20

/**
 * Columns under headings, without those that are empty. The last one is always shown; it is cut to the width of the
 * terminal, the others only where it would not be seen.
 */
export function tableOf(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): Line[] {
  const last = headings.length - 1
  const shown = headings.map((_, i) => i === last || rows.some((cells) => cells[i] !== ''))
  const all = [headings, ...rows].map((cells) => cells.filter((_, i) => shown[i]).map(clean))
  const widths = widthsOf(all, width)
  const [head, ...lines] = all.map((cells) => {
    const padded = cells.map((cell, i) => cut(cell, widths[i]!).padEnd(widths[i]!))
    return cut(padded.join(' '.repeat(gap)).trimEnd(), width)
  })
  return [[{ style: 'bold', text: head! }], ...lines]
}

/** Of all columns; the first one, by which rows are named, is shortened after the others. */
function widthsOf(rows: readonly (readonly string[])[], width: number): number[] {
  const natural = rows[0]!.map((_, i) => rows.reduce((most, cells) => Math.max(most, cells[i]!.length), 0))
  const [ofLast] = natural.splice(-1) as [number]
  const tooWide = () =>
    natural.reduce((sum, one) => sum + one + gap, 0) + Math.min(ofLast, lastColumn) > width
  const [first, ...others] = [...natural.keys()]
  for (const candidates of [others, first === undefined ? [] : [first]])
    while (tooWide()) {
      const widest = candidates.reduce((a, b) => (natural[b]! > natural[a]! ? b : a), candidates[0] ?? -1)
      if (widest < 0 || natural[widest]! <= narrowest) break
      natural[widest]!--
    }
  // Not padded at its end: what is longer is cut with its line.
  return [...natural, ofLast]
}

/** `name  value` lines; pairs without a value are left out. */
export function fieldsOf(pairs: readonly (readonly [string, string | number | undefined])[]): Line[] {
  const given = pairs.filter(([, value]) => value !== undefined)
  const width = Math.max(...given.map(([name]) => name.length))
  return given.map(([name, value]) => [{ style: 'dim', text: name.padEnd(width) }, `  ${value}`])
}

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** The two largest units: `2 h 5 min`. */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const [name, size] of units) {
    if (rest >= size && parts.length < 2) parts.push(`${Math.floor(rest / size)} ${name}`)
    rest %= size
  }
  return parts.join(' ') || '0 s'
}

/** How far an epoch time in ms is away: `in 5 min`, `5 min ago`. */
export function distance(ms: number, now: number): string {
  const text = duration(Math.abs(ms - now) / 1000)
  return ms >= now ? `in ${text}` : `${text} ago`
}

/** Epoch ms as a date, and how far away that is. */
export function moment(ms: number, now: number): string {
  const date = Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
  return `${date} (${distance(ms, now)})`
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`
