/** Values and times as text, for people and for machines. */

/** JSON on one line. What JSON lacks is tagged: {"$bigint":"1"}, {"$bytes":"base64"}, {"$set":[]}. */
export function toJson(value: unknown): string {
  return JSON.stringify(value ?? null, function (this: Record<string, unknown>, key) {
    // Not the second argument: toJSON of a Buffer was called on that.
    const one = this[key]
    if (typeof one === 'bigint') return { $bigint: String(one) }
    if (one instanceof Uint8Array) return { $bytes: Buffer.from(one).toString('base64') }
    if (one instanceof Set) return { $set: [...one] }
    return one
  })
}

/** Without control characters, which could move the cursor or change the colours of a terminal. */
export const clean = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => `\\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`)

export function cut(text: string, width: number): string {
  if (text.length <= width) return text
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(1, width - 1)).join('')}…`
}

/** Columns under headings; the last one is cut to the width of the terminal. */
export function tableOf(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const all = [headings, ...rows].map((cells) => cells.map(clean))
  const widths = headings.map((_, i) => all.reduce((most, cells) => Math.max(most, cells[i]!.length), 0))
  return all.map((cells) =>
    cut(
      cells
        .map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
      width,
    ),
  )
}

/** `name  value` lines; pairs without a value are left out. */
export function fieldsOf(pairs: readonly (readonly [string, string | number | undefined])[]): string[] {
  const given = pairs.filter(([, value]) => value !== undefined)
  const width = Math.max(...given.map(([name]) => name.length))
  return given.map(([name, value]) => `${name.padEnd(width)}  ${clean(String(value))}`)
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

/** Epoch ms as a date, and how far away that is. */
export function moment(ms: number, now: number): string {
  const distance = duration(Math.abs(ms - now) / 1000)
  const date = Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
  return `${date} (${ms >= now ? `in ${distance}` : `${distance} ago`})`
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`
