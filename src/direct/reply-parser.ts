import { ExchangeFailure } from './exchange-failure.ts'

/** A reply as it came, whole. The names of headers are in lower case. */
export interface RawReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** May be a part of a buffer that others share: read it before the next turn. */
  readonly body: Buffer
}

interface Head {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  /** How the end of the body is known. */
  readonly framing: 'length' | 'chunked' | 'close'
  readonly length: number
  readonly isKept: boolean
}

const maxHeadBytes = 32 * 1024
const lineEnd = '\r\n'
const headEnd = '\r\n\r\n'

/** Reads one reply of HTTP/1.1, piece by piece. Throws an `ExchangeFailure` for what is none, or too large. */
export class ReplyParser {
  /** Whether the connection can be used again: known with the whole reply. */
  isReusable = false
  readonly #maxBytes: number
  /** What has come and is not read yet. */
  #rest: Buffer | undefined
  #head: Head | undefined
  #parts: Buffer[] = []
  #size = 0
  /** Of a chunked body: how many bytes of the present chunk are missing, its line end included. */
  #chunkRest = 0
  /** Of a chunked body: its last chunk was read, and what follows it is not. */
  #isTrailer = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The reply, as soon as it is whole. */
  push(chunk: Buffer): RawReply | undefined {
    this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#head ??= this.#readHead()
    if (!this.#head) return undefined
    switch (this.#head.framing) {
      case 'length':
        return this.#byLength(this.#head)
      case 'chunked':
        return this.#chunked(this.#head)
      case 'close':
        this.#keep(this.#taken())
        return undefined
    }
  }

  /** The reply that the end of the connection ends, if it is one. */
  end(): RawReply | undefined {
    return this.#head?.framing === 'close' ? this.#whole(this.#head) : undefined
  }

  #readHead(): Head | undefined {
    for (;;) {
      const rest = this.#rest!
      const end = rest.indexOf(headEnd)
      if (end === -1) {
        if (rest.length > maxHeadBytes || !/^H?T?T?P?$/.test(rest.toString('latin1', 0, 4))) throw notHttp()
        return undefined
      }
      const head = parsedHead(rest.toString('latin1', 0, end))
      const from = end + headEnd.length
      this.#rest = rest.length > from ? rest.subarray(from) : undefined
      if (head.status >= 200) {
        if (head.length > this.#maxBytes) throw this.#tooLarge()
        return head
      }
      // One of those that precede the reply.
      if (head.status === 101 || !this.#rest) {
        if (head.status === 101) throw notHttp()
        return undefined
      }
    }
  }

  #byLength(head: Head): RawReply | undefined {
    const rest = this.#taken()
    const missing = head.length - this.#size
    if (rest.length > missing) {
      // A second reply, that nobody has asked for: no later request may take it for its own.
      this.#keep(rest.subarray(0, missing))
      return this.#whole(head)
    }
    this.#keep(rest)
    if (this.#size < head.length) return undefined
    return this.#whole(head, head.isKept)
  }

  #chunked(head: Head): RawReply | undefined {
    for (;;) {
      if (this.#chunkRest > 0 && !this.#restOfChunk()) return undefined
      const rest = this.#rest
      const end = rest?.indexOf(lineEnd) ?? -1
      if (!rest || end === -1) {
        if (rest && rest.length > maxHeadBytes) throw notHttp()
        return undefined
      }
      const line = rest.toString('latin1', 0, end)
      const from = end + lineEnd.length
      this.#rest = rest.length > from ? rest.subarray(from) : undefined
      if (this.#isTrailer) {
        if (line === '') return this.#whole(head, head.isKept && !this.#rest)
      } else {
        const size = chunkSize(line)
        if (this.#size + size > this.#maxBytes) throw this.#tooLarge()
        if (size === 0) this.#isTrailer = true
        else this.#chunkRest = size + lineEnd.length
      }
    }
  }

  /** Takes what has come of a chunk and of its line end, each byte once. Whether that was all. */
  #restOfChunk(): boolean {
    const rest = this.#taken()
    const content = Math.max(0, this.#chunkRest - lineEnd.length)
    this.#keep(rest.subarray(0, content))
    for (let at = content; at < Math.min(rest.length, this.#chunkRest); at++)
      if (rest[at] !== (this.#chunkRest - at === 2 ? 13 : 10)) throw notHttp()
    if (rest.length > this.#chunkRest) this.#rest = rest.subarray(this.#chunkRest)
    this.#chunkRest = Math.max(0, this.#chunkRest - rest.length)
    return this.#chunkRest === 0
  }

  #taken(): Buffer {
    const rest = this.#rest ?? Buffer.alloc(0)
    this.#rest = undefined
    return rest
  }

  #keep(part: Buffer): void {
    this.#size += part.length
    if (this.#size > this.#maxBytes) throw this.#tooLarge()
    if (part.length > 0) this.#parts.push(part)
  }

  #whole({ status, headers }: Head, isReusable = false): RawReply {
    this.isReusable = isReusable
    const [first] = this.#parts
    const body = this.#parts.length === 1 ? first! : Buffer.concat(this.#parts, this.#size)
    return { status, headers, body }
  }

  #tooLarge(): ExchangeFailure {
    return new ExchangeFailure('TOO_LARGE', `is larger than maxReplyBytes, ${this.#maxBytes}`, true)
  }
}

const notHttp = () =>
  new ExchangeFailure(
    'NOT_HTTP',
    'is not HTTP: check endpoint, its port, and whether it begins with https',
    true,
  )

function parsedHead(text: string): Head {
  const [first, ...lines] = text.split(lineEnd)
  const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first!) ?? []
  if (code === undefined) throw notHttp()
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const line of lines) {
    const colon = line.indexOf(':')
    // Also one that goes on with the line before: nobody may send that any more.
    if (colon < 1 || line[0] === ' ' || line[0] === '\t') throw notHttp()
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers[name]
    headers[name] = before === undefined || before === value ? value : `${before}, ${value}`
  }
  const status = Number(code)
  const isLast = headers.connection !== undefined && /\bclose\b/i.test(headers.connection)
  return { status, headers, ...framingOf(status, headers), isKept: minor === '1' && !isLast }
}

function framingOf(status: number, headers: Head['headers']): Pick<Head, 'framing' | 'length'> {
  const length = headers['content-length']
  if (status < 200 || status === 204 || status === 304) return { framing: 'length', length: 0 }
  if (headers['transfer-encoding'] !== undefined) {
    // With a length as well, two readers could disagree about where it ends.
    if (headers['transfer-encoding'].toLowerCase() !== 'chunked' || length !== undefined) throw notHttp()
    return { framing: 'chunked', length: 0 }
  }
  if (length === undefined) return { framing: 'close', length: 0 }
  if (!/^\d{1,15}$/.test(length)) throw notHttp()
  return { framing: 'length', length: Number(length) }
}

function chunkSize(line: string): number {
  const [digits] = line.split(';', 1)
  if (!/^[0-9a-f]{1,10}[ \t]*$/i.test(digits!)) throw notHttp()
  return Number.parseInt(digits!, 16)
}
