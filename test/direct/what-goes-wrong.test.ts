import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { BackendError, OutcomeUnknown } from 'lockrow'
import { AtomicDynamoDB, type DirectClientOptions, directClient } from 'lockrow/direct'
import { afterEach, describe, expect, test } from 'vitest'
import { connectionError } from '../../src/direct/connection-errors.ts'
import { exchanged } from '../../src/direct/exchange.ts'
import type { ExchangeFailure } from '../../src/direct/exchange-failure.ts'
import { Pool } from '../../src/direct/pool.ts'
import { type FakeServer, fakeServer, rawServer, refuse, reply, secrets } from './fake-server.ts'

/** What goes wrong on the way: one typed error each, which says what to set, and which is true about writes. */
let server: FakeServer
const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function serve(answer: Parameters<typeof fakeServer>[0]): Promise<void> {
  server = await fakeServer(answer)
  stops.push(() => server.stop())
}
function open(options: DirectClientOptions = {}) {
  const client = directClient({
    region: 'eu-west-1',
    endpoint: server.endpoint,
    credentials: secrets,
    ...options,
  })
  stops.unshift(() => client.destroy())
  const db = new AtomicDynamoDB(client, 't', { retry: { attempts: 3, baseMs: 1, maxMs: 2 } })
  return { client, db }
}
const key = { pk: 'p', sk: 's' }
const html = (status: number) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
  response.end('<html><body>please log in</body></html>')
}
const caught = (promise: Promise<unknown>): Promise<Error & { cause?: Error & { code?: string } }> =>
  promise.then(
    () => {
      throw new Error('not refused')
    },
    (error) => error,
  )

describe('a reply that is not one of DynamoDB', () => {
  const foreign: [string, (response: ServerResponse) => unknown, RegExp][] = [
    [
      'HTML of a proxy',
      html(200),
      /not DynamoDB's \(HTTP 200, text\/html\): check endpoint, region and any proxy/,
    ],
    ['a redirect', html(302), /HTTP 302/],
    ['a refusal of a proxy', html(407), /HTTP 407/],
    ['no JSON', (response) => reply(response, 200, '{"Item":'), /not DynamoDB's \(HTTP 200/],
    ['no object', (response) => reply(response, 200, 'null'), /not DynamoDB's \(HTTP 200/],
    ['an error that is none of its own', (response) => reply(response, 404, { error: 'no' }), /HTTP 404/],
    [
      'too large',
      (response) => reply(response, 200, { x: 'y'.repeat(5000) }),
      /larger than maxReplyBytes, 4000/,
    ],
  ]

  test.each(foreign)('%s: reads say so at once', async (_, answer, message) => {
    await serve(answer)
    const { db, client } = open({ maxReplyBytes: 4000 })
    const error = await caught(db.get(key))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('log in')
    expect(server.received).toHaveLength(1)
    expect((await caught(client.call('GetItem', {}))).message).toBe(error.message)
  })

  test.each(foreign)('%s: of an update nobody knows whether it was done', async (_, answer, message) => {
    await serve(answer)
    const { db, client } = open({ maxReplyBytes: 4000 })
    expect(await caught(db.update(key, { add: { n: 1 } }))).toBeInstanceOf(OutcomeUnknown)
    expect(server.received.filter(({ operation }) => operation === 'UpdateItem')).toHaveLength(1)
    expect((await caught(client.call('UpdateItem', {}))).message).toMatch(message)
  })

  test.each([503, 408, 429])('a gateway in trouble is asked again: %d', async (status) => {
    await serve((response, _, nth) => (nth < 2 ? html(status)(response) : reply(response, 200, {})))
    const { db } = open()
    expect(await db.get(key)).toBeUndefined()
    expect(server.received).toHaveLength(3)
  })
})

describe('a reply that is lost or changed', () => {
  test('a wrong checksum is no reply: a read is repeated, an update is looked up', async () => {
    await serve((response, { operation }, nth) => {
      if (nth === 0) reply(response, 200, {}, { 'x-amz-crc32': 1 })
      else if (operation === 'UpdateItem') reply(response, 200, { Attributes: {} }, { 'x-amz-crc32': 1 })
      else reply(response, 200, {})
    })
    const { db, client } = open()
    expect(await db.get(key)).toBeUndefined()
    expect(server.received).toHaveLength(2)
    const error = await caught(db.update(key, { add: { n: 1 } }))
    expect(error).toBeInstanceOf(OutcomeUnknown)
    expect(server.received.filter(({ operation }) => operation === 'UpdateItem')).toHaveLength(1)
    const raw = await caught(client.call('UpdateItem', {}))
    expect(raw.message).toMatch(/checksum.*it may have been done all the same/)
  })

  test('a connection that is reset on its way', async () => {
    await serve((response) => response.socket!.resetAndDestroy())
    const { db, client } = open()
    expect((await caught(db.get(key))).message).toMatch(/ECONNRESET.*check the endpoint/)
    expect(server.received).toHaveLength(3)
    expect(await caught(db.update(key, { add: { n: 1 } }))).toBeInstanceOf(OutcomeUnknown)
    expect(await caught(client.call('PutItem', {}))).toMatchObject({
      code: 'BackendError',
      cause: { code: 'ECONNRESET' },
    })
  })

  test('a kept connection that is dead: the first byte decides nothing, so the update may have arrived', async () => {
    await serve((response, _, nth) => (nth === 0 ? reply(response, 200, {}) : response.socket!.destroy()))
    const { db } = open()
    await db.get(key)
    expect(await caught(db.update(key, { add: { n: 1 } }))).toBeInstanceOf(OutcomeUnknown)
  })

  test('half a reply', async () => {
    await serve((response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{', () => response.destroy())
    })
    expect((await caught(open().client.call('Query', {}))).message).toMatch(/no reply from 127\.0\.0\.1/)
  })

  test('a server that does not speak HTTP', async () => {
    server = await rawServer((socket) => socket.on('data', () => socket.write('SSH-2.0-OpenSSH\r\n')))
    stops.push(() => server.stop())
    const error = await caught(open().db.get(key))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/is not HTTP: check endpoint/)
  })
})

describe('no connection', () => {
  test('refused: certainly not done, so an update is repeated, and ends as BackendError', async () => {
    await serve(() => {})
    await server.stop()
    const { db, client } = open()
    const error = await caught(db.update(key, { add: { n: 1 } }))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/no connection to 127\.0\.0\.1:\d+ \(ECONNREFUSED\).*check the endpoint/)
    expect(error.cause?.code).toBe('ECONNREFUSED')
    expect((await caught(client.call('PutItem', {}))).cause?.code).toBe('ECONNREFUSED')
  })

  test('an unknown name', async () => {
    await serve(() => {})
    const { client } = open({ endpoint: 'http://no-such-host.invalid' })
    expect((await caught(client.call('PutItem', {}))).message).toMatch(
      /no-such-host\.invalid \((ENOTFOUND|EAI_AGAIN)\)/,
    )
  })
})

describe('times', () => {
  test('the first byte: a write may have been done', async () => {
    await serve(() => {})
    const { client } = open({ firstByteTimeoutMs: 30 })
    const error = await caught(client.call('PutItem', {}))
    expect(error.message).toMatch(/no reply within firstByteTimeoutMs, 30 ms; it may have been done/)
  })

  test('the whole, though bytes come', async () => {
    await serve((response) => {
      response.writeHead(200, { 'content-length': 1000 })
      const timer = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(timer))
    })
    const { client } = open({ requestTimeoutMs: 400 })
    expect((await caught(client.call('Query', {}))).message).toMatch(/within requestTimeoutMs, 400 ms/)
  })

  test('the wait for a connection counts: certainly not sent', async () => {
    await serve(() => {})
    const limits = {
      connectTimeoutMs: 20_000,
      firstByteTimeoutMs: 20_000,
      requestTimeoutMs: 20_000,
      maxReplyBytes: 1,
      maxSockets: 1,
      idleTimeoutMs: 20_000,
    }
    const pool = new Pool(() => connect(server.port, '127.0.0.1'), limits)
    const text = () => 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'
    const first = caught(exchanged(pool, text, limits, {}))
    const second = await caught(exchanged(pool, text, { ...limits, requestTimeoutMs: 30 }, {}))
    expect(second).toMatchObject({ isSent: false, code: 'ETIMEDOUT' })
    expect(second.message).toBe('no free connection: set maxSockets within requestTimeoutMs, 30 ms')
    const url = new URL(server.endpoint)
    expect(connectionError('PutItem', url, second as ExchangeFailure).message).toMatch(
      /^no connection to 127/,
    )
    await expect.poll(() => server.received.length, { timeout: 10_000 }).toBe(1)
    pool.destroy()
    expect(await first).toMatchObject({ isSent: true })
  })

  test('an abort ends a request at once, with its reason, and the connection with it', async () => {
    await serve(() => {})
    const { client } = open()
    const stop = new AbortController()
    const request = client.call('PutItem', {}, { signal: stop.signal })
    await expect.poll(() => server.received.length, { timeout: 10_000 }).toBe(1)
    stop.abort(new Error('enough'))
    await expect(request).rejects.toThrow('enough')
    await expect(client.call('PutItem', {}, { signal: stop.signal })).rejects.toThrow('enough')
    expect(server.received).toHaveLength(1)
  })
})

describe('what the service refuses', () => {
  test('is thrown once, with its name and fields', async () => {
    await serve((response) =>
      refuse(response, 400, 'ResourceNotFoundException', 'Requested resource not found'),
    )
    const { client, db } = open()
    expect(await caught(client.call('GetItem', {}))).toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found',
      $fault: 'client',
      $metadata: { httpStatusCode: 400, requestId: 'REQUEST' },
    })
    expect((await caught(db.get(key))).message).toMatch(/there is no table 't'/)
    expect(server.received).toHaveLength(2)
  })

  test('trouble of its own may hide that it was done', async () => {
    await serve((response) => refuse(response, 500, 'InternalServerError', 'try again'))
    expect(await caught(open().db.update(key, { add: { n: 1 } }))).toBeInstanceOf(OutcomeUnknown)
  })

  test('beforeSending has the last word: nothing leaves', async () => {
    await serve((response) => reply(response, 200, {}))
    const { client } = open()
    for (let i = 0; i < 2; i++) {
      const beforeSending = () => {
        throw new Error('too late')
      }
      await expect(client.call('PutItem', {}, { beforeSending })).rejects.toThrow('too late')
      await client.call('GetItem', {})
    }
    expect(server.received.map(({ operation }) => operation)).toEqual(['GetItem', 'GetItem'])
    expect(server.connections.size).toBe(1)
  })
})
