import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CreateTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import {
  type AtomicDbEvent,
  type AtomicDbOperation,
  BackendError,
  type Changes,
  ConditionFailed,
  lockKey,
  OutcomeUnknown,
  PartialWrite,
  Throttled,
} from 'lockrow'
import { AtomicDynamoDB, type AtomicDynamoDBOptions } from 'lockrow/dynamo'
import {
  type FaultProxy,
  type FaultProxyOptions,
  type PlannedFault,
  type ProxyFault,
  type ProxyRequest,
  signBy,
  startFaultProxy,
  TestClock,
} from 'lockrow/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { freshTable, localClient } from '../setup/local.ts'

/** The real client on a real socket: every request is one try of ours, and what the caller hears is true. */
const key = { pk: 'stock', sk: 'boot' }
const access = { region: 'local', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const quick = { baseMs: 1, maxMs: 3 }
const direct = localClient(inject('dynamoEndpoint'))
const opened: { destroy(): void }[] = [direct]
let table: string
let other: AtomicDynamoDB
let proxy: FaultProxy
let requests: ProxyRequest[]
let between: (request: ProxyRequest) => Promise<void>
let decide: (request: ProxyRequest, nth: number) => ProxyFault | PlannedFault | undefined

beforeAll(async () => {
  table = await freshTable(direct, 'wire')
  other = new AtomicDynamoDB(direct, table)
})
afterEach(() => proxy?.stop())
afterAll(() => {
  for (const client of opened) client.destroy()
})

/** `nth` counts the requests with the action that the fault is for, from 0. */
async function start(fate: typeof decide, more: Partial<FaultProxyOptions> = {}): Promise<void> {
  requests = []
  between = async () => {}
  decide = fate
  const counts = new Map<string, number>()
  proxy = await startFaultProxy({
    target: inject('dynamoEndpoint'),
    hold: { replies: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY },
    between: (request) => between(request),
    ...more,
    decide: (request) => {
      const nth = counts.get(request.action) ?? 0
      counts.set(request.action, nth + 1)
      requests.push(request)
      return decide(request, nth)
    },
  })
}

function config(more: DynamoDBClientConfig = {}): DynamoDBClientConfig {
  return { ...access, endpoint: proxy.endpoint, requestHandler: { httpAgent: proxy.agent }, ...more }
}

function open(options: AtomicDynamoDBOptions = {}, more: DynamoDBClientConfig = {}): AtomicDynamoDB {
  const client = new DynamoDBClient(config(more))
  opened.push(client)
  return new AtomicDynamoDB(client, table, { retry: quick, ...options })
}

const count = (action: string): number => requests.filter((request) => request.action === action).length
const first =
  (action: string, fault: ProxyFault | PlannedFault): typeof decide =>
  (request, nth) =>
    request.action === action && nth === 0 ? fault : undefined

/** Counts what is sent through it, in a field that only its own methods reach. */
class CountingClient extends DynamoDBClient {
  #sent = 0
  override send(...all: unknown[]): never {
    this.#sent++
    const send = super.send as unknown as (...all: unknown[]) => never
    return send.apply(this, all)
  }
  get sent(): number {
    return this.#sent
  }
}

describe('nothing is repeated below the engine', () => {
  const eager = {
    mode: 'eager',
    retry: async (next: (args: unknown) => Promise<unknown>, args: unknown) => {
      for (let i = 0; ; i++) {
        try {
          return await next(args)
        } catch (error) {
          if (i >= 3) throw error
        }
      }
    },
  }
  const kinds: [string, () => DynamoDBClient | DynamoDBDocumentClient][] = [
    ['a plain client', () => new DynamoDBClient(config())],
    ['maxAttempts', () => new DynamoDBClient(config({ maxAttempts: 5 }))],
    ['adaptive retries', () => new DynamoDBClient(config({ retryMode: 'adaptive' }))],
    ['a strategy of its own', () => new DynamoDBClient(config({ retryStrategy: eager as never }))],
    ['cached middleware', () => new DynamoDBClient(config({ cacheMiddleware: true }))],
    ['a document client', () => DynamoDBDocumentClient.from(new DynamoDBClient(config()))],
    ['a class with private fields', () => new CountingClient(config())],
  ]

  test.each(kinds)('%s', async (_, make) => {
    await other.set({ ...key, data: { left: 0 } })
    await start((request, nth) =>
      request.action === 'TransactWriteItems'
        ? nth === 0
          ? 'late'
          : undefined
        : nth < 2
          ? 'serverError'
          : undefined,
    )
    const client = make()
    opened.push(client)
    const events: AtomicDbEvent[] = []
    const db = new AtomicDynamoDB(client, table, { retry: quick, onEvent: (event) => events.push(event) })
    expect(await db.get(key)).toMatchObject({ data: { left: 0 } })
    expect([count('GetItem'), events.length]).toEqual([3, 2])
    const buy = db.transact([
      { type: 'update', key, changes: { add: { left: -1 } }, if: { left: { gte: 1 } } },
    ])
    await expect(buy).rejects.toThrow(ConditionFailed)
    // The try, its repeat, and the harmless one that has the late try refused.
    expect(count('TransactWriteItems')).toBe(3)
    expect(new Set(requests.map(({ token }) => token).filter(Boolean)).size).toBe(1)
    await other.update(key, { add: { left: 1 } })
    await proxy.settle()
    expect(await other.get(key)).toMatchObject({ data: { left: 1 } })
    if (client instanceof CountingClient) expect(client.sent).toBe(requests.length)
  })

  test('other users of the client keep its retries', async () => {
    await start((_, nth) => (nth === 0 ? 'serverError' : undefined))
    const client = new DynamoDBClient(config())
    opened.push(client)
    await new AtomicDynamoDB(client, table, { retry: quick }).get(key)
    decide = (_, nth) => (nth === 2 ? 'serverError' : undefined)
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: { pk: { S: 'none' }, sk: { S: 'none' } } }),
    )
    expect([Item, count('GetItem')]).toEqual([undefined, 4])
  })
})

describe('one budget', () => {
  test.each([
    ['get', (db: AtomicDynamoDB) => db.get(key)],
    ['getMany', (db: AtomicDynamoDB) => db.getMany([key, { ...key, sk: 'other' }])],
    [
      'getMany of 150',
      (db: AtomicDynamoDB) => db.getMany(Array.from({ length: 150 }, (_, i) => ({ pk: 'p', sk: `${i}` }))),
    ],
    ['set', (db: AtomicDynamoDB) => db.set(key)],
    ['set of two', (db: AtomicDynamoDB) => db.set([key, { ...key, sk: 'other' }])],
    ['update', (db: AtomicDynamoDB) => db.update(key, { add: { n: 1 } })],
    ['transact', (db: AtomicDynamoDB) => db.transact([{ type: 'set', item: key }])],
    ['query', (db: AtomicDynamoDB) => db.query({ pk: 'p' })],
    ['getLock', (db: AtomicDynamoDB) => db.getLock(key)],
  ] as const)('a throttled %s makes at most 10 tries, and says Throttled', async (name, call) => {
    await start(() => 'throttle')
    await expect(call(open())).rejects.toThrow(Throttled)
    // Requests side by side share the repeats.
    expect(requests.length).toBeLessThanOrEqual(name === 'getMany of 150' ? 11 : 10)
    expect(requests.length).toBeGreaterThan(8)
  })

  test('never past timeoutMs', async () => {
    await start(() => 'throttle')
    const db = open({ retry: { attempts: 10_000, baseMs: 10, maxMs: 10 }, timeoutMs: 10_000 })
    await expect(db.get(key, { timeoutMs: 100 })).rejects.toThrow(Throttled)
    expect(requests.length).toBeLessThan(200)
  })
})

describe('a backend that never answers', () => {
  let silent: Server
  let db: AtomicDynamoDB
  beforeAll(async () => {
    silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const client = new DynamoDBClient({ ...access, endpoint })
    opened.push(client)
    db = new AtomicDynamoDB(client, table, { timeoutMs: 100 })
  })
  afterAll(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const many = Array.from({ length: 30 }, (_, i) => ({ pk: 'p', sk: `${i}` }))

  test.each([
    ['get', () => db.get(key), BackendError],
    ['getMany', () => db.getMany(many), BackendError],
    ['query', () => db.query({ pk: 'p' }), BackendError],
    ['set', () => db.set(key), OutcomeUnknown],
    ['set of many', () => db.set(many), PartialWrite],
    ['delete', () => db.delete(key), OutcomeUnknown],
    ['update', () => db.update(key, { set: { n: 1 } }), OutcomeUnknown],
    ['exactlyOnce', () => db.update(key, { set: { n: 1 } }, { exactlyOnce: true }), OutcomeUnknown],
    ['transact', () => db.transact([{ type: 'set', item: key }]), OutcomeUnknown],
  ] as const)('%s ends with a true answer', async (_, call, error) => {
    await expect(call()).rejects.toThrow(error)
  })

  test('an abort ends at once', async () => {
    const stop = new AbortController()
    const call = db.update(key, { set: { n: 1 } }, { signal: stop.signal, timeoutMs: 60_000 })
    stop.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })
})

describe('what a fault means', () => {
  test.each(['dropReply', 'cutAfter', 'serverError', 'unavailable', 'socket'] as const)(
    'an update that was applied is found out after %s',
    async (fault) => {
      await other.set({ ...key, data: { n: 0 } })
      await start(first('UpdateItem', { fault, applied: true }))
      expect(await open().update(key, { add: { n: 1 } })).toMatchObject({ applied: true })
      expect([count('UpdateItem'), (await other.get<{ n: number }>(key))?.data.n]).toEqual([1, 1])
    },
  )

  test.each([
    ['set', { set: { state: 'paid' } }, { set: { state: 'shipped' } }],
    ['remove from a set', { removeFromSet: { tags: ['x'] } }, { addToSet: { tags: ['x'] } }],
    ['delete', { delete: true }, { set: { '': { state: 'reborn' } } }],
  ] as [string, Changes, Changes][])(
    '%s: what others wrote since is not undone, the outcome is unknown',
    async (_, ours, theirs) => {
      await other.set({ ...key, data: { state: 'new', tags: new Set(['x', 'y']) } })
      await start((request) =>
        request.isWrite && request.action !== 'TransactWriteItems'
          ? { fault: 'socket', applied: true }
          : undefined,
      )
      between = async (request) => {
        if (request.action === 'GetItem') await other.update(key, theirs)
      }
      await expect(open().update(key, ours)).rejects.toThrow(OutcomeUnknown)
      expect(requests.filter(({ isWrite }) => isWrite)).toHaveLength(1)
    },
  )

  test('no connection was made: the update is sent again', async () => {
    await other.set({ ...key, data: { n: 0 } })
    await start(() => undefined)
    proxy.rates = { connect: 1 }
    const db = open({ onEvent: () => (proxy.rates = {}) })
    expect(await db.update(key, { add: { n: 1 } })).toMatchObject({ applied: true, item: { data: { n: 1 } } })
  })

  const middleware = (step: 'initialize' | 'deserialize', work: Wrapped, name: string) => {
    const client = new DynamoDBClient(config())
    opened.push(client)
    const wrapped = (next: Parameters<Wrapped>[0]) => (args: unknown) => work(next, args)
    client.middlewareStack.add(wrapped as never, { step, name } as never)
    return new AtomicDynamoDB(client, table, { retry: { ...quick, attempts: 3 } })
  }
  type Wrapped = (next: (args: unknown) => Promise<unknown>, args: unknown) => Promise<unknown>

  test.each(['initialize', 'deserialize'] as const)(
    "what the program's own middleware throws after sending hides a reply: %s",
    async (step) => {
      await other.set({ ...key, data: { n: 0 } })
      await start(() => undefined)
      for (const thrown of [new Error('of an audit log'), 'a text']) {
        const db = middleware(
          step,
          async (next, args) => {
            await next(args)
            throw thrown
          },
          'failsAfter',
        )
        await expect(db.update(key, { add: { n: 1 } })).rejects.toThrow(OutcomeUnknown)
        await expect(db.transact([{ type: 'update', key, changes: { add: { n: 1 } } }])).rejects.toThrow(
          OutcomeUnknown,
        )
      }
      expect(await other.get(key)).toMatchObject({ data: { n: 4 } })
    },
  )

  test("what the program's own middleware throws before sending is final, and no doubt", async () => {
    await start(() => undefined)
    const db = middleware('initialize', () => Promise.reject(new Error('not now')), 'failsBefore')
    const failed = await db.update(key, { add: { n: 1 } }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(BackendError)
    expect(failed).not.toBeInstanceOf(OutcomeUnknown)
    expect([String(failed), requests.length]).toEqual([expect.stringContaining('not now'), 0])
  })

  test('TransactionInProgressException is waited for, under the same token', async () => {
    await other.set({ ...key, data: { n: 0 } })
    await start(first('TransactWriteItems', 'inProgress'), { hold: { replies: 2, ms: 50 } })
    const db = open({ retry: { attempts: 200, baseMs: 5, maxMs: 5 } })
    await db.transact([{ type: 'update', key, changes: { add: { n: 1 } } }])
    expect(new Set(requests.map(({ token }) => token)).size).toBe(1)
    expect(await other.get(key)).toMatchObject({ data: { n: 1 } })
  })

  test.each(['GetItem', 'PutItem', 'UpdateItem', 'TransactWriteItems', 'Query', 'BatchWriteItem'])(
    'a signature that is refused for its time is made anew: %s',
    async (action) => {
      await start(first(action, 'clockSkew'))
      const db = open()
      await db.set({ ...key, data: { n: 0 } })
      await db.set(['boot', 'other'].map((sk) => ({ ...key, sk, data: { n: 0 } })))
      await db.get(key)
      await db.query(key)
      await db.update(key, { add: { n: 1 } })
      await db.transact([{ type: 'set', item: key }])
      expect(count(action)).toBe(2)
    },
  )

  test('refused twice: the advice is about the clock, and nothing was written', async () => {
    await start(() => 'clockSkew')
    await expect(open().update(key, { add: { n: 1 } })).rejects.toThrow(/clock/)
    expect(requests).toHaveLength(2)
  })
})

describe('a token by its age', () => {
  /** The machine is suspended between signing and sending: for so many minutes at the second try, the third, ... */
  function suspended(...minutes: number[]): AtomicDynamoDB {
    const client = new DynamoDBClient(config())
    opened.push(client)
    signBy(client, clock)
    let tries = -1
    client.middlewareStack.addRelativeTo(
      ((next: (args: unknown) => Promise<unknown>) => async (args: unknown) => {
        clock.advance((minutes[tries++] ?? 0) * 60_000)
        return next(args)
      }) as never,
      { relation: 'after', toMiddleware: 'httpSigningMiddleware', name: 'suspended' },
    )
    return new AtomicDynamoDB(client, table, { runtime: clock, retry: quick })
  }
  const add: AtomicDbOperation = { type: 'update', key, changes: { add: { n: 1 } } }
  const lost = first('TransactWriteItems', 'dropReply')
  let clock: TestClock
  beforeEach(async () => {
    clock = new TestClock()
    await other.set({ ...key, data: { n: 0 } })
  })
  afterEach(async () => {
    expect(await other.get(key)).toMatchObject({ data: { n: 1 } })
  })

  test('after 4.5 minutes no try leaves: checked after signing, last before the socket', async () => {
    await start(lost, { clock })
    await expect(suspended(4.7).transact([add])).rejects.toThrow(OutcomeUnknown)
    // The lost one, and what tells that it was applied; nothing tells which way its conditions went.
    expect(requests.map(({ body }) => body.includes('"ConditionCheck"'))).toEqual([false, true])
  })

  test('a try that was not applied by then is ruled out, and the work is done under a new token', async () => {
    await start(first('TransactWriteItems', 'late'), { clock })
    await suspended(4.7).transact([add])
    await proxy.settle()
    expect(new Set(requests.map(({ token }) => token)).size).toBe(2)
  })

  test('the answer that a token was free counts up to 9.5 minutes: later it may be forgotten', async () => {
    await start(lost, { clock })
    between = async (request) => {
      if (request.body.includes('"ConditionCheck"')) clock.advance(4 * 60_000)
    }
    await expect(suspended(6.5).transact([add])).rejects.toThrow(OutcomeUnknown)
  })

  test('with a forgotten token it asks nothing', async () => {
    await start(lost, { clock })
    await expect(suspended(11).transact([add])).rejects.toThrow(OutcomeUnknown)
    expect(requests).toHaveLength(1)
  })

  test.each(['idempotencyKey', 'bump', 'lock', 'message'])(
    'a row of its own tells at any age: %s',
    async (way) => {
      const lock = await other.getLock(lockKey({ ...key, sk: 'own' }))
      const own: Record<string, AtomicDbOperation[]> = {
        bump: [{ type: 'bump', key: lockKey(key) }],
        lock: [{ type: 'bump', lock }],
        message: [{ type: 'queuePush', item: { pk: 'told', data: 1 } }],
      }
      await start(lost, { clock })
      const options = way === 'idempotencyKey' ? { idempotencyKey: `told-${Math.random()}` } : {}
      const { locks, pushed } = await suspended(30).transact([add, ...(own[way] ?? [])], options)
      expect(count('TransactWriteItems')).toBe(1)
      if (way === 'lock') expect((await other.getLock(lock)).version).toBe(locks[0]!.version)
      if (way === 'message')
        expect((await other.query({ pk: 'told' })).map(({ sk }) => sk)).toEqual([pushed[0]!.sk])
    },
  )

  test('a row of its own that is not there tells nothing', async () => {
    await start(first('TransactWriteItems', 'late'), { clock })
    const bumped = suspended(30).transact([add, { type: 'bump', key: lockKey(key) }])
    await expect(bumped).rejects.toThrow(OutcomeUnknown)
    await other.update(key, { set: { n: 1 } })
  })

  test('where every try was refused, a new token is drawn', async () => {
    await other.set({ ...key, data: { n: 0 } })
    const clock = new TestClock()
    await start(first('TransactWriteItems', 'throttle'), { clock })
    const client = new DynamoDBClient(config())
    opened.push(client)
    signBy(client, clock)
    const db = new AtomicDynamoDB(client, table, {
      runtime: clock,
      retry: quick,
      onEvent: () => clock.advance(5 * 60_000),
    })
    await db.transact([{ type: 'update', key, changes: { add: { n: 1 } } }])
    expect(await other.get(key)).toMatchObject({ data: { n: 1 } })
    expect(new Set(requests.map(({ token }) => token)).size).toBe(2)
  })
})

describe('what a table refuses', () => {
  const calls: [string, (db: AtomicDynamoDB) => Promise<unknown>][] = [
    ['get', (db) => db.get(key)],
    ['getMany', (db) => db.getMany([key, { ...key, sk: 'other' }])],
    ['getLocked', (db) => db.getLocked([key])],
    ['getLock', (db) => db.getLock(key)],
    ['set', (db) => db.set(key)],
    ['set of two', (db) => db.set([key, { ...key, sk: 'other' }])],
    ['delete', (db) => db.delete(key)],
    ['query', (db) => db.query({ pk: 'p' })],
    ['update', (db) => db.update(key, { set: { n: 1 } })],
    ['transact', (db) => db.transact([{ type: 'set', item: key }])],
  ]

  test('other keys: each call says so', async () => {
    const TableName = `keys-${Date.now()}`
    await direct.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'PK', KeyType: 'HASH' },
          { AttributeName: 'SK', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: ['PK', 'SK'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        })),
      }),
    )
    const db = new AtomicDynamoDB(direct, TableName, { retry: quick })
    for (const [name, call] of calls) {
      const error = await call(db).catch((caught: unknown) => caught)
      expect(error, name).toBeInstanceOf(BackendError)
      expect(String(error), name).toContain('PK and SK')
    }
  })

  test('no such table: nothing says that rows may be written', async () => {
    const db = new AtomicDynamoDB(direct, 'no-such-table', { retry: quick })
    for (const [name, call] of calls) {
      const error = await call(db).catch((caught: unknown) => caught)
      expect(error, name).toBeInstanceOf(BackendError)
      expect(String(error), name).toContain('no-such-table')
    }
  })

  test('getLocked of more than 4 MB is read in parts', async () => {
    const keys = Array.from({ length: 12 }, (_, i) => ({ pk: 'large', sk: `${i}` }))
    await other.set(keys.map((at) => ({ ...at, data: 'x'.repeat(390_000) })))
    const locked = await other.getLocked<string>(keys)
    expect(locked.map(({ item, lock }) => [item?.data.length, lock.sk])).toEqual(
      keys.map(({ sk }) => [390_000, `${sk}#lock`]),
    )
  })
})
