import { decodeNumber, isShownExactly } from '../model/numbers.ts'
import type { Row } from '../storage.ts'

/**
 * Reads the rows of a query or a batch straight from its text, without the objects that JSON would make for every value: half
 * the work of a large page. Only what is plain, which nearly all replies are: ASCII, no escapes, and values that callers
 * see as they are stored. Of anything else it says so, and the reply is read as JSON.
 */

/** The output of a query with its rows decoded. */
export interface OutputWithRows {
  readonly Rows: Row[]
}

/** In the options of a request: its caller takes `Rows` as well. */
export const takesRows = Symbol('takesRows')

/** Of a query, or of a batch from one table; a table of the same name stands behind a brace of its own. */
const opening = /(?<=^\{|,)"(?:Items":|Responses":\{"[^"]*":)\[/

/** The output, with `Rows` in place of `Items` or `Responses`; nothing where the reply is not plain. */
export function outputWithRows(body: Buffer): OutputWithRows | undefined {
  text = body.toString()
  bytes = body
  try {
    if (text.length !== body.length || text.includes('\\') || text.includes('\ufffd')) return undefined
    // Without escapes no text holds a quote, and nothing before the rows has such a name: these are the rows themselves.
    const found = opening.exec(text)
    if (!found) return undefined
    at = found.index + found[0].length - 1
    const Rows = list(row)
    if (found[0].startsWith('"R')) expect(125)
    const rest = JSON.parse(`${text.slice(0, found.index)}"Items":null${text.slice(at)}`)
    delete rest.Items
    return { ...rest, Rows }
  } catch {
    return undefined
  } finally {
    // Nothing of the reply outlives it.
    text = ''
    bytes = nothing
    names = []
  }
}

const nothing = Buffer.alloc(0)
/** What is being read, and how far. */
let text = ''
let bytes: Buffer = nothing
let at = 0
/** The names of the row before in their order: those of the next one are likely the same. */
let names: string[] = []
let nth = 0

/** Not plain: made once, for it only says that JSON must do it. */
const unfit = new Error('not plain')

const quote = 34
const comma = 44
const colon = 58

function row(): Row {
  nth = 0
  return map() as Row
}

function map(): Record<string, unknown> {
  const decoded: Record<string, unknown> = {}
  expect(123)
  if (text.charCodeAt(at) === 125) {
    at++
    return decoded
  }
  for (;;) {
    const key = name()
    if (key === '__proto__') throw unfit
    decoded[key] = value()
    if (isEnd(125)) return decoded
  }
}

function list<T>(element: () => T): T[] {
  const elements: T[] = []
  expect(91)
  if (text.charCodeAt(at) === 93) {
    at++
    return elements
  }
  for (;;) {
    elements.push(element())
    if (isEnd(93)) return elements
  }
}

/** A value in DynamoDB's form: an object whose one field names the type. */
function value(): unknown {
  expect(123)
  expect(quote)
  const type = text.charCodeAt(at)
  const isShort = text.charCodeAt(at + 1) === quote
  if (!isShort) return literal()
  at += 2
  expect(colon)
  const decoded = ofType(type)
  expect(125)
  return decoded
}

function ofType(type: number): unknown {
  switch (type) {
    case 83:
      return string()
    case 78:
      return number()
    case 77:
      return map()
    case 76:
      return list(value)
    default:
      throw unfit
  }
}

const literals: readonly (readonly [string, unknown])[] = [
  ['BOOL":true}', true],
  ['BOOL":false}', false],
  ['NULL":true}', null],
]

function literal(): unknown {
  for (const [form, meaning] of literals)
    if (text.startsWith(form, at)) {
      at += form.length
      return meaning
    }
  throw unfit
}

/** From 13 characters on a slice would keep the whole reply in memory, as long as the value lives. */
function string(): string {
  expect(quote)
  const from = at
  const to = text.indexOf('"', from)
  if (to === -1) throw unfit
  at = to + 1
  return to - from < 13 ? text.slice(from, to) : bytes.toString('latin1', from, to)
}

function number(): unknown {
  const digits = string()
  const shown = decodeNumber(digits)
  if (!isShownExactly(shown, digits)) throw unfit
  return shown
}

function name(): string {
  expect(quote)
  const likely = names[nth]
  if (likely !== undefined && text.startsWith(likely, at) && text.charCodeAt(at + likely.length) === quote) {
    at += likely.length + 1
    nth++
    expect(colon)
    return likely
  }
  const to = text.indexOf('"', at)
  if (to === -1) throw unfit
  const found = text.slice(at, to)
  at = to + 1
  expect(colon)
  names[nth++] = found
  return found
}

function expect(code: number): void {
  if (text.charCodeAt(at++) !== code) throw unfit
}

/** After an element: whether it was the last one. */
function isEnd(closing: number): boolean {
  const code = text.charCodeAt(at++)
  if (code === closing) return true
  if (code !== comma) throw unfit
  return false
}
