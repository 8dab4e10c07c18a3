import { isAscii } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { makeUser, sortKey } from './bench/lib/user.ts'
import { decodeRow, encodeRow } from './src/model/attribute-values.ts'
import { decodeNumber, isShownExactly } from './src/model/numbers.ts'

const unfit = new Error('unfit')
let text = ''
let bytes: any
let at = 0
function string(): string {
  const from = at + 1
  const end = text.indexOf('"', from)
  if (text.charCodeAt(at) !== 34 || end < 0) throw unfit
  at = end + 1
  return end - from < 13 ? text.slice(from, end) : bytes.latin1Slice(from, end)
}
const known: string[] = []
let nth = 0
function key(): string {
  const from = at + 1
  const likely = known[nth]
  if (
    likely !== undefined &&
    text.startsWith(likely, from) &&
    text.charCodeAt(from + likely.length) === 34 &&
    text.charCodeAt(at) === 34 &&
    text.charCodeAt(from + likely.length + 1) === 58
  ) {
    at = from + likely.length + 2
    nth++
    return likely
  }
  const end = text.indexOf('"', from)
  if (text.charCodeAt(at) !== 34 || end < 0 || text.charCodeAt(end + 1) !== 58) throw unfit
  at = end + 2
  return (known[nth++] = text.slice(from, end))
}
function map(): Record<string, unknown> {
  if (text.charCodeAt(at++) !== 123) throw unfit
  const decoded: Record<string, unknown> = {}
  if (text.charCodeAt(at) === 125) {
    at++
    return decoded
  }
  for (;;) {
    const name = key()
    if (name === '__proto__') throw unfit
    decoded[name] = value()
    const c = text.charCodeAt(at++)
    if (c === 125) return decoded
    if (c !== 44) throw unfit
  }
}
function list<T>(element: () => T): T[] {
  if (text.charCodeAt(at++) !== 91) throw unfit
  const all: T[] = []
  if (text.charCodeAt(at) === 93) {
    at++
    return all
  }
  for (;;) {
    all.push(element())
    const c = text.charCodeAt(at++)
    if (c === 93) return all
    if (c !== 44) throw unfit
  }
}
function number(): unknown {
  const t = string()
  const n = decodeNumber(t)
  if (!isShownExactly(n, t)) throw unfit
  return n
}
function literal(): unknown {
  if (text.startsWith('true', at)) {
    at += 4
    return true
  }
  if (text.startsWith('false', at)) {
    at += 5
    return false
  }
  throw unfit
}
function value(): unknown {
  // {"S":
  if (text.charCodeAt(at) !== 123 || text.charCodeAt(at + 1) !== 34) throw unfit
  let v: unknown
  const tag = text.charCodeAt(at + 2)
  if (text.charCodeAt(at + 3) === 34 && text.charCodeAt(at + 4) === 58) {
    at += 5
    switch (tag) {
      case 83:
        v = string()
        break
      case 78:
        v = number()
        break
      case 77:
        v = map()
        break
      case 76:
        v = list(value)
        break
      default:
        throw unfit
    }
  } else if (text.startsWith('BOOL":', at + 2)) {
    at += 8
    v = literal()
  } else throw unfit
  if (text.charCodeAt(at++) !== 125) throw unfit
  return v
}
function fast(body: Buffer) {
  if (!isAscii(body) || body.indexOf(92) >= 0) throw unfit
  bytes = body
  text = (body as any).latin1Slice(0, body.length)
  const found = text.indexOf('"Items":[')
  at = found + 8
  const rows = list(() => {
    nth = 0
    return map()
  })
  const rest = JSON.parse(`${text.slice(0, found + 8)}[]${text.slice(at)}`)
  rest.Items = rows
  return rest
}
const body = Buffer.from(
  JSON.stringify({
    Count: 100,
    ScannedCount: 100,
    Items: Array.from({ length: 100 }, (_, i) =>
      encodeRow({ pk: 'ours', sk: sortKey(i), data: makeUser(i) }),
    ),
  }),
)
const time = (n: string, f: () => unknown, N = 3000) => {
  for (let i = 0; i < 800; i++) f()
  let best = 1e9
  for (let k = 0; k < 6; k++) {
    const s = process.cpuUsage()
    for (let i = 0; i < N / 6; i++) f()
    const u = process.cpuUsage(s)
    best = Math.min(best, (u.user + u.system) / (N / 6))
  }
  console.log(n, best.toFixed(1))
}
console.log(
  JSON.stringify(fast(body).Items) === JSON.stringify(JSON.parse(body.toString()).Items.map(decodeRow)),
)
for (let k = 0; k < 2; k++) {
  time('json+decode', () => JSON.parse(body.toString()).Items.map(decodeRow))
  time('fast', () => fast(body))
}
