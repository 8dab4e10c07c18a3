/** Neighbours of sort keys in order of their UTF-8 bytes, among all texts of 1 to 1024 bytes. */

const maxBytes = 1024
const lastPoint = 0x10ffff

const bytesOf = (point: number): number => (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4)

/** The greatest texts of 0 to 3 bytes. */
const greatest = ['', '\x7f', '\u07ff', '\uffff']

/** The last text that begins with `prefix`. */
export function lastWithPrefix(prefix: string): string {
  const room = maxBytes - Buffer.byteLength(prefix)
  return prefix + '\u{10ffff}'.repeat(room >> 2) + greatest[room & 3]
}

/** The first text behind `text`; `undefined` if there is none. */
export function nextText(text: string): string | undefined {
  let bytes = Buffer.byteLength(text)
  if (bytes < maxBytes) return `${text}\0`
  // No room for one character more: the last character that can grow does, and what follows it goes.
  const points = Array.from(text, (character) => character.codePointAt(0)!)
  while (points.length > 0) {
    const point = points.pop()!
    bytes -= bytesOf(point)
    const next = point === 0xd7ff ? 0xe000 : point + 1
    if (next <= lastPoint && bytes + bytesOf(next) <= maxBytes) return String.fromCodePoint(...points, next)
  }
  return undefined
}

/** The last text before `text`; `undefined` if there is none. */
export function previousText(text: string): string | undefined {
  const last = text.codePointAt(text.length - (isPair(text) ? 2 : 1))!
  const rest = text.slice(0, last > 0xffff ? -2 : -1)
  if (last === 0) return rest === '' ? undefined : rest
  return lastWithPrefix(rest + String.fromCodePoint(last === 0xe000 ? 0xd7ff : last - 1))
}

const isPair = (text: string): boolean => /[\ud800-\udbff][\udc00-\udfff]$/.test(text)
