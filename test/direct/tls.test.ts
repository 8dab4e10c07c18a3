import type { TLSSocket } from 'node:tls'
import { BackendError } from 'lockrow'
import { AtomicDynamoDB, type DirectClientOptions, directClient } from 'lockrow/direct'
import { afterEach, describe, expect, test } from 'vitest'
import { selfSigned } from './certificate.ts'
import { type FakeServer, fakeServer, rawServer, reply, secrets } from './fake-server.ts'

let server: FakeServer
const opened: { destroy(): void }[] = []
afterEach(async () => {
  for (const client of opened.splice(0)) client.destroy()
  await server.stop()
})

function open(options: DirectClientOptions = {}) {
  const client = directClient({
    region: 'eu-west-1',
    endpoint: server.endpoint,
    credentials: secrets,
    ...options,
  })
  opened.push(client)
  const db = new AtomicDynamoDB(client, 't', { retry: { attempts: 3, baseMs: 1, maxMs: 2 } })
  return { client, db }
}
const key = { pk: 'p', sk: 's' }
const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('not refused')
    },
    (error) => error,
  )

describe('a certificate that is trusted', () => {
  test('requests go over one connection, and the next one goes on with its session', async () => {
    const own = selfSigned('127.0.0.1')
    const resumed: boolean[] = []
    server = await fakeServer((response) => {
      resumed.push((response.socket as TLSSocket).isSessionReused())
      reply(response, 200, {}, resumed.length === 2 ? { connection: 'close' } : {})
    }, own)
    const { client } = open({ ca: own.cert })
    for (let i = 0; i < 3; i++) await client.call('GetItem', {})
    expect(resumed).toEqual([false, false, true])
    expect(server.connections.size).toBe(2)
  })
})

test('what is no certificate: said once it is needed, and destroy does not mind', async () => {
  server = await fakeServer((response) => reply(response, 200, {}), selfSigned('127.0.0.1'))
  const { client } = open({ ca: 5 as never })
  for (let i = 0; i < 2; i++)
    expect(await caught(client.call('GetItem', {}))).toMatchObject({ code: 'InvalidInput', field: 'ca' })
  client.destroy()
})

describe('a certificate that does not fit: one try, and what to set', () => {
  test('signed by nobody who is trusted', async () => {
    server = await fakeServer((response) => reply(response, 200, {}), selfSigned('127.0.0.1'))
    const { db } = open()
    const error = await caught(db.update(key, { add: { n: 1 } }))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(
      /certificate of 127\.0\.0\.1:\d+ is not accepted \(DEPTH_ZERO_SELF_SIGNED_CERT\).*'ca'/,
    )
    expect([server.received.length, server.connections.size]).toEqual([0, 1])
  })

  test('for another name', async () => {
    const own = selfSigned('dynamodb.eu-west-1.amazonaws.com')
    server = await fakeServer((response) => reply(response, 200, {}), own)
    const { db } = open({ ca: own.cert })
    const error = await caught(db.get(key))
    expect(error.message).toMatch(/is not accepted \(ERR_TLS_CERT_ALTNAME_INVALID\): check endpoint/)
    expect(server.received).toEqual([])
  })
})

test('TLS is asked of a server that has none: the endpoint is named', async () => {
  server = await fakeServer((response) => reply(response, 200, {}))
  const { db } = open({ endpoint: server.endpoint.replace('http:', 'https:') })
  const error = await caught(db.update(key, { add: { n: 1 } }))
  expect(error).toBeInstanceOf(BackendError)
  expect(error.message).toMatch(
    /no TLS with 127\.0\.0\.1:\d+ \(\w+\): a server without TLS needs an endpoint 'http/,
  )
})

test('a server of TLS is asked without: what answers is not DynamoDB', async () => {
  server = await fakeServer((response) => reply(response, 200, {}), selfSigned('127.0.0.1'))
  const { db } = open({ endpoint: server.endpoint.replace('https:', 'http:') })
  const error = await caught(db.get(key))
  expect(error).toBeInstanceOf(BackendError)
  expect(error.message).toMatch(/endpoint/)
})

test('a handshake that does not end: never sent, and repeated', async () => {
  let connections = 0
  server = await rawServer(() => connections++)
  const { db } = open({ endpoint: server.endpoint.replace('http:', 'https:'), connectTimeoutMs: 50 })
  const error = await caught(db.update(key, { add: { n: 1 } }))
  expect(error).toBeInstanceOf(BackendError)
  expect(error.message).toMatch(/no connection within connectTimeoutMs, 50 ms.*check the endpoint/)
  await expect.poll(() => connections, { timeout: 10_000 }).toBe(3)
})

test('a socket of your own: for a proxy', async () => {
  const asked: unknown[] = []
  server = await fakeServer((response) => reply(response, 200, {}))
  const { connect } = await import('node:net')
  const { client } = open({
    endpoint: 'http://dynamodb.example:8000',
    connect(to) {
      asked.push(to)
      return connect(server.port, '127.0.0.1')
    },
  })
  expect(await client.call('GetItem', {})).toEqual({})
  expect(asked).toEqual([{ host: 'dynamodb.example', port: 8000, tls: false }])
})
