import { expect, test } from 'vitest'
import { requestText } from '../../src/direct/request-text.ts'

const ours = { Host: 'h', 'Content-Length': '2' }

test('a request in one text', () => {
  expect(requestText('/', ours, undefined, '{}')).toBe(
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}',
  )
  expect(requestText('/a/', ours, { traceparent: '00-1' }, '')).toBe(
    'POST /a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\ntraceparent: 00-1\r\n\r\n',
  )
})

test.each([
  [{ host: 'other' }],
  [{ 'content-length': '0' }],
  [{ 'Transfer-Encoding': 'chunked' }],
  [{ Connection: 'close' }],
  [{ 'a b': 'c' }],
  [{ 'a:b': 'c' }],
  [{ '': 'c' }],
  [{ a: 'b\r\nc: d' }],
  [{ a: 'ü' }],
  [{ a: 1 }],
  ['abc'],
  [''],
  [null],
  [['a']],
  [new Headers({ a: 'b' })],
  [new Map([['a', 'b']])],
  [Promise.resolve({ a: 'b' })],
])('%j is refused: it would be another request', (more) => {
  expect(() => requestText('/', ours, more as never, '{}')).toThrow(/^headers/)
})
