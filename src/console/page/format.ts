/** Numbers, times and sizes for people. */

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** The two largest units: `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return ms <= 0 ? '0 s' : `${Math.round(ms)} ms`
  let rest = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [name, size] of units) {
    if (rest >= size && parts.length < 2) parts.push(`${Math.floor(rest / size)} ${name}`)
    rest %= size
  }
  return parts.join(' ')
}

/** How far away a time is: `in 5 min`, `5 min ago`. */
export const distance = (ms: number, now: number): string =>
  ms >= now ? `in ${duration(ms - now)}` : `${duration(now - ms)} ago`

export const count = (n: number, atLeast = false): string =>
  `${n.toLocaleString('en-US')}${atLeast ? '+' : ''}`

/** Units to one digit behind the point where there are few. */
export const unitsText = (n: number): string =>
  n >= 100 ? Math.round(n).toLocaleString('en-US') : String(Math.round(n * 10) / 10)

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`
  const kb = n / 1024
  return kb < 1024 ? `${kb.toFixed(kb < 10 ? 1 : 0)} KB` : `${(kb / 1024).toFixed(1)} MB`
}

/** A date of this browser's time zone, to the second. */
export function dateText(ms: number): string {
  if (!(Math.abs(ms) <= 8.64e15)) return String(ms)
  const date = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The time in a ULID, epoch ms. */
export function ulidTime(text: string): number | undefined {
  if (!ulid.test(text)) return undefined
  let time = 0
  for (const one of text.slice(0, 10)) time = time * 32 + alphabet.indexOf(one)
  return time
}

/** One line of a long text. */
export const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`
