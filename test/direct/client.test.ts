import { inspect } from 'node:util'
import { BackendError } from 'lockrow'
import {
  AtomicDynamoDB,
  type DirectClientOptions,
  type DirectRequestEvent,
  directClient,
} from 'lockrow/direct'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FakeServer, fakeServer, refuse, reply, secrets } from './fake-server.ts'

type Answer = Parameters<typeof fakeServer>[0]
let server: FakeServer
let answer: Answer
let events: DirectRequestEvent[]
const opened: { destroy(): void }[] = []

beforeEach(async () => {
  events = []
  answer = (response) => reply(response, 200, {})
  server = await fakeServer((...given) => answer(...given))
})
afterEach(async () => {
  for (const client of opened.splice(0)) client.destroy()
  await server.stop()
})

function open(options: DirectClientOptions = {}) {
  const client = directClient({
    region: 'eu-west-1',
    endpoint: server.endpoint,
    credentials: secrets,
    onRequest: (event) => events.push(event),
    ...options,
  })
  opened.push(client)
  return { client, db: new AtomicDynamoDB(client, 'orders', { retry: { attempts: 3, baseMs: 1, maxMs: 2 } }) }
}
const key = { pk: 'p', sk: 's' }
const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('not refused')
    },
    (error) => error,
  )

describe('what is sent', () => {
  test('one signed request in the form of the service, without compression', async () => {
    await open().client.call('DescribeTable', { TableName: 'ördërs' })
    const [{ operation, headers, body }] = server.received as [(typeof server.received)[0]]
    expect([operation, JSON.parse(body)]).toEqual(['DescribeTable', { TableName: 'ördërs' }])
    expect(headers).toMatchObject({
      host: server.endpoint.slice('http://'.length),
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': 'DynamoDB_20120810.DescribeTable',
      'x-amz-security-token': secrets.sessionToken,
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDTESTTESTTESTTEST\/\d{8}\/eu-west-1\/dynamodb\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
      ),
    })
    expect(headers['accept-encoding']).toBeUndefined()
    expect(headers.authorization).toMatch(/SignedHeaders=[^,]*host[^,]*x-amz-date[^,]*x-amz-target/)
  })

  test('more headers, as they are, and not signed', async () => {
    const { client } = open({ headers: (operation) => ({ 'x-amzn-trace-id': `Root=1;${operation}` }) })
    await client.call('GetItem', {})
    expect(server.received[0]!.headers['x-amzn-trace-id']).toBe('Root=1;GetItem')
    expect(server.received[0]!.headers.authorization).not.toContain('trace')
  })

  test.each(['', 'Get Item', 'GetItem\r\nx: y'])('%j is no operation', async (operation) => {
    await expect(open().client.call(operation, {})).rejects.toMatchObject({ field: 'operation' })
    expect(server.received).toEqual([])
  })

  const circle: { self?: object } = {}
  circle.self = circle
  test.each([[undefined], [null], ['x'], [[]], [{ n: 1n }], [circle]])('%o is no input', async (input) => {
    const error = await caught(open().client.call('GetItem', input as never))
    expect([error, server.received]).toMatchObject([{ code: 'InvalidInput', field: 'input' }, []])
  })

  test('bytes as base64, both ways', async () => {
    const { db } = open()
    const bytes = Uint8Array.of(0, 1, 250, 255)
    const more = Buffer.from('of a pool')
    await db.set({ ...key, data: { bytes, more, set: new Set([bytes]), none: new Uint8Array(0) } })
    const { Item } = JSON.parse(server.received[0]!.body)
    expect(Item.data.M).toEqual({
      bytes: { B: 'AAH6/w==' },
      more: { B: more.toString('base64') },
      set: { BS: ['AAH6/w=='] },
      none: { B: '' },
    })
    answer = (response) => reply(response, 200, { Item })
    const { data } = (await db.get<Record<'bytes' | 'more' | 'none', Uint8Array>>(key))!
    expect(data).toEqual({
      bytes,
      more: Uint8Array.from(more),
      set: new Set([bytes]),
      none: new Uint8Array(0),
    })
    // No part of a larger buffer, which would be kept as long as they are.
    for (const one of [data.bytes, data.more]) {
      expect(one.constructor).toBe(Uint8Array)
      expect(one.buffer.byteLength).toBe(one.byteLength)
    }
  })
})

describe('the clock', () => {
  const serverTime = Date.UTC(2026, 0, 1, 12, 0, 0)
  const late = (response: Parameters<Answer>[0]) =>
    refuse(response, 400, 'InvalidSignatureException', 'Signature expired', {
      date: new Date(serverTime).toUTCString(),
    })

  test('is corrected by the date of a refusal; the database asks again', async () => {
    answer = (response, _, nth) => (nth === 0 ? late(response) : reply(response, 200, {}))
    const { db } = open({ now: () => Date.UTC(2026, 5, 1) })
    expect(await db.update(key, { add: { n: 1 } }).catch(() => 'refused')).not.toBe('refused')
    expect(server.received.map(({ headers }) => headers['x-amz-date'])).toEqual([
      '20260601T000000Z',
      '20260101T120000Z',
    ])
    await db.get(key)
    expect(server.received[2]!.headers['x-amz-date']).toBe('20260101T120000Z')
  })

  test('is left alone by a date that no signature has', async () => {
    const refused = { date: 'Sat, 01 Jan 10000 00:00:00 GMT' }
    answer = (response) => refuse(response, 400, 'InvalidSignatureException', 'Signature expired', refused)
    const error = await caught(open({ now: () => Date.UTC(2026, 5, 1) }).db.get(key))
    expect(error.message).toMatch(/refused twice/)
    expect(server.received.map(({ headers }) => headers['x-amz-date'])).toEqual(
      Array(2).fill('20260601T000000Z'),
    )
  })

  test('refused again: the advice is about clock and credentials', async () => {
    answer = late
    expect((await caught(open().db.get(key))).message).toMatch(/refused twice.*clock.*credentials/)
    expect(server.received).toHaveLength(2)
  })
})

describe('credentials', () => {
  const expired: Answer = (response, _, nth) =>
    nth === 0
      ? refuse(response, 400, 'ExpiredTokenException', 'The token has expired')
      : reply(response, 200, {})

  test('that have expired are asked for again, once, and the request repeated', async () => {
    answer = expired
    let asked = 0
    const credentials = async () => ({ ...secrets, sessionToken: `token-number-${++asked}` })
    const { db } = open({ credentials })
    expect(await db.update(key, { add: { n: 1 } }).catch(() => 'refused')).not.toBe('refused')
    expect(server.received.map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      'token-number-1',
      'token-number-2',
    ])
    expect(events.map(({ error, attempt }) => [error, attempt])).toEqual([
      ['ExpiredTokenException', 1],
      [undefined, 2],
    ])
  })

  test('that nobody renews: the error says so', async () => {
    answer = expired
    expect((await caught(open().db.get(key))).message).toMatch(/expired.*newer/)
    expect(server.received).toHaveLength(1)
  })

  test('a source that fails in passing is asked again; nothing is sent without', async () => {
    let asked = 0
    const credentials = async () => {
      if (asked++ < 2) throw Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' })
      return secrets
    }
    await open({ credentials }).db.get(key)
    expect([asked, server.received.length]).toEqual([3, 1])
    const { client } = open({
      credentials: () => Promise.reject(Object.assign(new Error('x'), { code: 'EPIPE' })),
    })
    expect(await caught(client.call('GetItem', {}))).toMatchObject({
      code: 'BackendError',
      cause: { code: 'EPIPE' },
    })
  })

  test('are in no error, event, warning or view of the client, whatever the service says', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const written = (['log', 'warn', 'error', 'info', 'debug'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    const seen: unknown[] = []
    const echoes: Answer[] = [
      (response, { headers }) =>
        refuse(
          response,
          400,
          'InvalidSignatureException',
          `The Canonical String was ${JSON.stringify(headers)}`,
        ),
      (response, { headers }) =>
        refuse(response, 400, 'ValidationException', `${headers['x-amz-security-token']}`),
      (response, { headers }) => refuse(response, 400, 'AccessDeniedException', `${headers.authorization}`),
      (response, { headers }) => refuse(response, 500, 'InternalServerError', JSON.stringify(headers)),
      (response, { headers }) => reply(response, 200, JSON.stringify(headers).slice(0, -1)),
      (response, { headers }) => reply(response, 403, headers, { 'content-type': 'text/html' }),
      (response) => reply(response, 200, {}, { 'x-amz-crc32': 1 }),
      (response) => response.socket!.destroy(),
    ]
    const { client, db } = open({
      onRequest(event) {
        seen.push(event)
        throw new Error('of an observer')
      },
    })
    for (answer of echoes)
      for (const call of [
        () => client.call('GetItem', {}),
        () => db.get(key),
        () => db.update(key, { add: { n: 1 } }),
        () => db.transact([{ type: 'set', item: key }]),
      ])
        seen.push(await call().catch((error) => error))
    seen.push(client, db, warned.mock.calls, ...written.map(({ mock }) => mock.calls))
    const text = `${inspect(seen, { depth: 20, showHidden: true })}${seen.map((one) => (one as Error).stack)}`
    expect(seen.length).toBeGreaterThan(60)
    expect(text).toContain('***')
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret)
    vi.restoreAllMocks()
  })
})

describe('onRequest', () => {
  test('says what a span needs, for each try', async () => {
    answer = (response, _, nth) =>
      nth === 0
        ? refuse(response, 400, 'ThrottlingException', 'slow down')
        : reply(response, 200, { Item: { pk: { S: 'p' }, sk: { S: 's' } } })
    const from = Date.now()
    await open().db.get(key)
    expect(events).toEqual([
      {
        operation: 'GetItem',
        table: 'orders',
        host: server.endpoint.slice('http://'.length),
        attempt: 1,
        startedAt: expect.any(Number),
        ms: expect.any(Number),
        status: 400,
        requestId: 'REQUEST',
        units: undefined,
        error: 'ThrottlingException',
      },
      expect.objectContaining({ attempt: 2, status: 200, error: undefined }),
    ])
    for (const { startedAt, ms } of events) {
      expect(startedAt).toBeGreaterThanOrEqual(from)
      expect(ms).toBeGreaterThan(0)
    }
  })

  test('units are asked for with consumedCapacity alone, and added up', async () => {
    answer = (response) =>
      reply(response, 200, {
        ConsumedCapacity: [{ TableName: 'orders', CapacityUnits: 2 }, { CapacityUnits: 0.5 }],
      })
    await open().client.call('BatchGetItem', { RequestItems: { orders: {} } })
    await open({ consumedCapacity: true }).client.call('Query', { TableName: 'orders' })
    expect(server.received.map(({ body }) => JSON.parse(body).ReturnConsumedCapacity)).toEqual([
      undefined,
      'TOTAL',
    ])
    expect(events.map(({ units, table }) => [units, table])).toEqual([
      [2.5, 'orders'],
      [2.5, 'orders'],
    ])
  })

  test('an observer that throws or rejects makes no error of a request that succeeded', async () => {
    const throws = () => {
      throw new Error('of an observer')
    }
    // What it rejects with would end the process: vitest reports it.
    const rejects = () => Promise.reject(new Error('of an observer')) as never
    for (const onRequest of [throws, rejects])
      expect(await open({ onRequest }).client.call('GetItem', {})).toEqual({})
  })

  test('a reply without figures has no units', async () => {
    answer = (response) => reply(response, 200, { ConsumedCapacity: null })
    expect(await open().client.call('GetItem', {})).toEqual({ ConsumedCapacity: null })
    expect(events).toMatchObject([{ units: undefined }])
  })

  test('without a connection there is no status', async () => {
    await server.stop()
    await caught(open().client.call('GetItem', {}))
    expect(events).toMatchObject([{ status: undefined, requestId: undefined, error: 'ECONNREFUSED' }])
  })
})

describe('options', () => {
  const credentials = secrets
  test.each([
    [{ regoin: 'x' }, 'options.regoin'],
    [{ maxAttempts: 3 }, 'options.maxAttempts'],
    [{ maxSockets: 0 }, 'maxSockets'],
    [{ connectTimeoutMs: 0 }, 'connectTimeoutMs'],
    [{ firstByteTimeoutMs: '1' }, 'firstByteTimeoutMs'],
    [{ requestTimeoutMs: Number.NaN }, 'requestTimeoutMs'],
    [{ maxReplyBytes: 1.5 }, 'maxReplyBytes'],
    [{ onRequest: true }, 'onRequest'],
    [{ connect: {} }, 'connect'],
    [{ headers: {} }, 'headers'],
    [{ consumedCapacity: 'TOTAL' }, 'options.consumedCapacity'],
    [{ endpoint: 'localhost:8000' }, 'endpoint'],
    [{ region: '' }, 'region'],
  ])('%j is refused: %s', (options, field) => {
    const given = { region: 'eu-west-1', credentials, ...options } as DirectClientOptions
    expect(() => directClient(given)).toThrow(expect.objectContaining({ code: 'InvalidInput', field }))
    expect(() => new AtomicDynamoDB(given, 't')).toThrow(expect.objectContaining({ field }))
  })

  test.each([[undefined], [null], ['client'], [{ send() {} }]])('%j is no client', (client) => {
    expect(() => new AtomicDynamoDB(client as never, 't')).toThrow(/^client:/)
  })

  test('a table has a name', () => {
    expect(() => new AtomicDynamoDB({ region: 'eu-west-1' }, '')).toThrow(/^tableName:/)
  })

  test('no credentials anywhere: said when they are needed, and nothing is sent', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '')
    const error = await caught(open({ credentials: undefined }).db.get(key))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/no AWS credentials: set AWS_ACCESS_KEY_ID/)
    vi.unstubAllEnvs()
    expect(server.received).toEqual([])
  })
})
