import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createConnection } from 'node:net'
import { type DirectClient, type DirectClientOptions, directClient } from 'lockrow/direct'
import { afterEach, expect, test } from 'vitest'
import { type FakeServer, fakeServer, rawServer, reply, secrets } from './fake-server.ts'

/** Which connection a request takes, and when one is given up. */
let server: FakeServer
let client: DirectClient
afterEach(async () => {
  client?.destroy()
  await server.stop()
})

function open(options: DirectClientOptions = {}): DirectClient {
  client = directClient({ region: 'eu-west-1', endpoint: server.endpoint, credentials: secrets, ...options })
  return client
}
const read = (more: object = {}) => client.call('GetItem', { TableName: 't', ...more })
const answered = (response: ServerResponse) => reply(response, 200, {})

test('one request after the other takes the same connection', async () => {
  server = await fakeServer(answered)
  open()
  for (let i = 0; i < 5; i++) await read()
  expect(server.connections.size).toBe(1)
})

test.each([1, 3])('no more than maxSockets at once, %i; who waits is served in order', async (maxSockets) => {
  const held: ServerResponse[] = []
  let most = 0
  server = await fakeServer((response) => {
    held.push(response)
    most = Math.max(most, held.length)
    setTimeout(() => answered(held.splice(held.indexOf(response), 1)[0]!), 5)
  })
  open({ maxSockets })
  await Promise.all(Array.from({ length: 20 }, (_, n) => read({ n })))
  expect(most).toBeLessThanOrEqual(maxSockets)
  expect(server.connections.size).toBe(maxSockets)
  const seen = server.received.map(({ body }) => JSON.parse(body).n as number)
  const inOrder = Array.from({ length: 20 }, (_, n) => n)
  // Between connections the order is the network's.
  expect(maxSockets === 1 ? seen : seen.sort((a, b) => a - b)).toEqual(inOrder)
})

test('who waits is served though a connection breaks', async () => {
  server = await fakeServer((response, _, nth) => (nth === 0 ? response.destroy() : answered(response)))
  open({ maxSockets: 1 })
  const results = await Promise.allSettled([read(), read(), read()])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(server.connections.size).toBe(2)
})

test('who gives up waiting leaves the line', async () => {
  const held: ServerResponse[] = []
  server = await fakeServer((response) => held.push(response))
  open({ maxSockets: 1 })
  const first = read()
  const stop = new AbortController()
  const second = client.call('GetItem', { n: 2 }, { signal: stop.signal })
  const third = client.call('GetItem', { n: 3 })
  stop.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1)
  answered(held[0]!)
  await first
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(2)
  answered(held[1]!)
  await third
  expect(server.received.map(({ body }) => JSON.parse(body).n)).toEqual([undefined, 3])
})

test('a connection that was idle for too long is not used again, also where no timer ran meanwhile', async () => {
  server = await fakeServer(answered)
  open({ idleTimeoutMs: 200 })
  await read()
  // As in a function that is frozen: nothing runs.
  const until = performance.now() + 300
  while (performance.now() < until);
  await read()
  expect(server.connections.size).toBe(2)
})

test('idle connections end by themselves', async () => {
  server = await fakeServer(answered)
  open({ idleTimeoutMs: 40 })
  await read()
  const [socket] = server.connections
  if (!socket!.destroyed) await once(socket!, 'close')
  await read()
  expect(server.connections.size).toBe(2)
})

test('a connection that the other side has ended is not used again', async () => {
  server = await fakeServer(answered)
  open()
  await read()
  const [socket] = server.connections
  socket!.end()
  await once(socket!, 'close')
  await read()
  expect(server.connections.size).toBe(2)
})

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a client that is destroyed while it waits for credentials sends nothing', async () => {
  server = await fakeServer(answered)
  open({ credentials: () => sleep(20).then(() => secrets) })
  const under = read()
  client.destroy()
  await expect(under).rejects.toThrow('destroyed')
  expect(server.connections.size).toBe(0)
})

test('destroy ends the connections of earlier accounts, too', async () => {
  server = await fakeServer(answered)
  let account = 111_111_111_111
  let now = Date.now()
  open({
    endpoint: undefined,
    connect: () => createConnection(server.port, '127.0.0.1'),
    now: () => now,
    credentials: async () => ({
      ...secrets,
      accountId: String(account++),
      expiration: new Date(now + 60_000),
    }),
  })
  await read()
  now += 120_000
  await read()
  expect(server.connections.size).toBe(2)
  client.destroy()
  for (const socket of server.connections) if (!socket.closed) await once(socket, 'close')
})

test('an endpoint of your own is the same for every account: its connections stay', async () => {
  server = await fakeServer(answered)
  let account = 111_111_111_111
  let now = Date.now()
  const credentials = async () => {
    return { ...secrets, accountId: String(account++), expiration: new Date(now + 60_000) }
  }
  open({ now: () => now, credentials })
  await read()
  now += 120_000
  await read()
  expect([account, server.connections.size]).toEqual([111_111_111_113, 1])
})

test('a request that has waited for a connection is signed when it has one', async () => {
  let now = Date.UTC(2026, 0, 1)
  const held: ServerResponse[] = []
  server = await fakeServer((response) => held.push(response))
  open({ maxSockets: 1, now: () => now })
  const both = Promise.all([read(), read()])
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1)
  now += 60_000
  answered(held[0]!)
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(2)
  answered(held[1]!)
  await both
  expect(server.received.map(({ headers }) => headers['x-amz-date'])).toEqual([
    '20260101T000000Z',
    '20260101T000100Z',
  ])
})

test.each([false, true])(
  'headers that are refused end the request alone, with a connection there: %s',
  async (isThere) => {
    server = await fakeServer(answered)
    let headers: Record<string, string> = {}
    open({ maxSockets: 1, headers: () => headers })
    if (isThere) await read()
    headers = { host: 'other' }
    await expect(read()).rejects.toMatchObject({ code: 'InvalidInput', field: 'headers' })
    headers = {}
    await read()
    expect(server.received.length).toBe(isThere ? 2 : 1)
  },
)

test('after more than the reply, or a reply that says so, it is not used again', async () => {
  const text = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
  const texts = [`${text}HTTP/1.1 200 OK\r\n`, text.replace('\r\n', '\r\nconnection: close\r\n'), text, text]
  let n = 0
  server = await rawServer((socket) => socket.on('data', () => socket.write(texts[n++]!)))
  open()
  for (let i = 0; i < 4; i++) expect(await read()).toEqual({})
  expect(server.connections.size).toBe(3)
})

test('what comes unasked on an idle connection is nobody’s reply', async () => {
  const text = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
  server = await rawServer((socket) => socket.on('data', () => socket.write(text)))
  open()
  await read()
  const [socket] = server.connections
  socket!.write(text.replace('{}', '[]'))
  await once(socket!, 'close')
  expect(await read()).toEqual({})
  expect(server.connections.size).toBe(2)
})

test('destroy ends what is under way and what waits; later requests are refused', async () => {
  server = await fakeServer(() => {})
  open({ maxSockets: 1 })
  const both = Promise.allSettled([read(), read()])
  await expect.poll(() => server.received.length, { timeout: 10_000 }).toBe(1)
  client.destroy()
  for (const result of await both) expect(result).toMatchObject({ reason: { code: 'BackendError' } })
  await expect(read()).rejects.toThrow('destroyed')
})

test('after a reply that came before the request was read to its end, it is not used again', async () => {
  server = await rawServer((socket) =>
    socket.once('data', () => {
      socket.pause()
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
    }),
  )
  open({ firstByteTimeoutMs: 1000 })
  await read({ large: 'x'.repeat(12 * 2 ** 20) })
  expect(await read()).toEqual({})
  expect(server.connections.size).toBe(2)
})

test('a long line of requests that are not wanted any more is passed over', async () => {
  server = await fakeServer(answered)
  open({ maxSockets: 1 })
  const late = {
    beforeSending() {
      throw new Error('too late')
    },
  }
  const first = read()
  const line = Array.from({ length: 3000 }, () => client.call('GetItem', {}, late))
  const last = read()
  const results = await Promise.allSettled([first, ...line, last])
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  expect([server.received.length, server.connections.size]).toEqual([2, 1])
})

test('a request that is aborted just before it is sent leaves no timer', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  server = await fakeServer(answered)
  open()
  const before = timers()
  const stop = new AbortController()
  const beforeSending = () => stop.abort(new Error('enough'))
  await expect(client.call('GetItem', {}, { signal: stop.signal, beforeSending })).rejects.toThrow('enough')
  expect([timers() <= before, server.received]).toEqual([true, []])
})

test('a socket that is closed already, or none at all, takes no place in the pool', async () => {
  server = await fakeServer(answered)
  const closed = createConnection(server.port, '127.0.0.1').destroy()
  const { port } = server
  const throws = () => {
    throw 'no Error'
  }
  const given = [() => closed, () => undefined as never, throws]
  open({ maxSockets: 1, connect: (to) => (given.shift() ?? (() => createConnection(port, to.host)))() })
  for (let i = 0; i < 3; i++) await expect(read()).rejects.toThrow('no connection to')
  expect(await read()).toEqual({})
})

test('times beyond those of a timer are no less', async () => {
  server = await fakeServer((response) => {
    response.writeHead(200, { 'content-length': 2 }).write('{')
    setTimeout(() => response.end('}'), 30)
  })
  open({ requestTimeoutMs: 3e9 })
  expect(await read()).toEqual({})
})

test('an idle client does not keep the process alive', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  let inUse = 0
  server = await fakeServer((response) => {
    inUse = sockets()
    answered(response)
  })
  open()
  await read()
  // The side of the server stays.
  await expect.poll(sockets, { timeout: 10_000 }).toBeLessThan(inUse)
})
