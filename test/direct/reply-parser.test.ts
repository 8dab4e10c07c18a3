import { describe, expect, test } from 'vitest'
import { type RawReply, ReplyParser } from '../../src/direct/reply-parser.ts'

/** Feeds pieces until the reply is there. */
function read(pieces: readonly (string | Buffer)[], { max = 1000, isEnded = false } = {}) {
  const parser = new ReplyParser(max)
  let reply: RawReply | undefined
  for (const piece of pieces) {
    if (reply) throw new Error('fed on after the reply')
    reply = parser.push(Buffer.from(piece))
  }
  if (isEnded) reply ??= parser.end()
  return reply && { ...reply, body: reply.body.toString(), isReusable: parser.isReusable }
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Crc32:  7 \r\n'
const byLength = `${head}Content-Length: 7\r\n\r\n{"a":1}`
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nTrailer: x\r\n\r\n`
const plain = {
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': '7' },
  body: '{"a":1}',
  isReusable: true,
}

describe('a reply is the same however it is cut into pieces', () => {
  test.each([
    ['by its length', byLength],
    ['in chunks', chunked],
    ['after one that precedes it', `HTTP/1.1 100 Continue\r\n\r\n${byLength}`],
  ])('%s', (_, text) => {
    const whole = read([text])
    expect(whole).toMatchObject(plain)
    for (let at = 1; at < text.length; at++) expect(read([text.slice(0, at), text.slice(at)])).toEqual(whole)
    expect(read([...text])).toEqual(whole)
  })

  test('a chunk in many pieces is copied once, not with each piece', () => {
    const parser = new ReplyParser(2 ** 25)
    const piece = Buffer.alloc(8192, 'x')
    parser.push(Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${(2 ** 25).toString(16)}\r\n`))
    for (let size = 0; size < 2 ** 25; size += piece.length) expect(parser.push(piece)).toBeUndefined()
    expect(parser.push(Buffer.from('\r\n0\r\n\r\n'))?.body.length).toBe(2 ** 25)
  })

  test('one that the end of the connection ends', () => {
    const text = `${head}\r\n{"a":1}`
    expect(read([text])).toBeUndefined()
    expect(read([...text], { isEnded: true })).toMatchObject({ ...plain, isReusable: false })
    expect(read([byLength.slice(0, -1)], { isEnded: true })).toBeUndefined()
    expect(read([chunked.slice(0, -2)], { isEnded: true })).toBeUndefined()
  })

  test('no body', () => {
    expect(read(['HTTP/1.1 204 No Content\r\n\r\n'])).toMatchObject({
      status: 204,
      body: '',
      isReusable: true,
    })
    expect(read(['HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n'])).toMatchObject({ status: 200, body: '' })
  })
})

describe('the connection is not used again', () => {
  test.each([
    ['close', byLength.replace('\r\n', '\r\nConnection: close\r\n')],
    ['HTTP/1.0', byLength.replace('1.1', '1.0')],
    ['more than the reply', `${byLength}HTTP/1.1 200 OK\r\n`],
    ['more than the last chunk', `${chunked}x`],
  ])('%s', (_, text) => {
    expect(read([text])).toMatchObject({ body: '{"a":1}', isReusable: false })
  })
})

describe('refused', () => {
  const code = (text: string, max?: number) => {
    try {
      return read([text], { max })
    } catch (error) {
      return (error as { code?: string }).code
    }
  }

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x50'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a line without colon', 'HTTP/1.1 200 OK\r\nnothing\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\na: b\r\n c: d\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['an encoding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['a chunk without size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk that does not end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n'],
    ['another upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\na: ${'x'.repeat(33_000)}`],
    ['a size without end', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'0'.repeat(33_000)}`],
  ])('%s', (_, text) => {
    expect(code(text)).toBe('NOT_HTTP')
  })

  test.each([
    ['by its length, before it comes', 'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\n'],
    ['to the end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(11)}`],
  ])('too large, %s', (_, text) => {
    expect(code(text, 10)).toBe('TOO_LARGE')
  })
})
