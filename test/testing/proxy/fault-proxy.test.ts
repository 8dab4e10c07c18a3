import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  connectFaults,
  type FaultProxy,
  type FaultProxyOptions,
  type ProxyExchange,
  type ProxyFault,
  signBy,
  socketFaults,
  startFaultProxy,
  TestClock,
} from 'lockrow/testing'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { dropTable, freshTable, localClient } from '../../setup/local.ts'

const target = inject('dynamoEndpoint')
const plain = localClient(target)
let TableName: string
beforeAll(async () => {
  TableName = await freshTable(plain)
})
afterAll(() => dropTable(plain, TableName))

const opened: { proxy: FaultProxy; client: DynamoDBClient }[] = []
afterEach(async () => {
  for (const { proxy, client } of opened.splice(0)) {
    client.destroy()
    await proxy.stop()
  }
})

/** A real client without the SDK's retries, behind a proxy. */
async function behind(options: Partial<FaultProxyOptions>, maxAttempts = 1) {
  const seen: ProxyExchange[] = []
  const proxy = await startFaultProxy({
    target,
    seed: 1,
    onExchange: (exchange) => seen.push(exchange),
    ...options,
  })
  const client = new DynamoDBClient({
    endpoint: proxy.endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts,
    requestHandler: { httpAgent: proxy.agent },
  })
  opened.push({ proxy, client })
  return { proxy, client, seen }
}

/** One fault, once. */
function once(fault: ProxyFault, applied?: boolean): FaultProxyOptions['decide'] {
  let left = 1
  return () => (left-- > 0 ? { fault, applied } : undefined)
}

let used = 0
const freshKey = () => ({ pk: { S: 'proxy' }, sk: { S: `k${used++}` } })
type Key = ReturnType<typeof freshKey>
const put = (Key: Key, n = 1) => new PutItemCommand({ TableName, Item: { ...Key, n: { N: `${n}` } } })
const add = (Key: Key) =>
  new UpdateItemCommand({
    TableName,
    Key,
    UpdateExpression: 'ADD n :n',
    ExpressionAttributeValues: { ':n': { N: '1' } },
  })
const adding = (Key: Key, ClientRequestToken: string) =>
  new TransactWriteItemsCommand({
    ClientRequestToken,
    TransactItems: [{ Update: { ...add(Key).input } as TransactWriteItem['Update'] & object }],
  })
const count = async (Key: Key) => {
  const { Item } = await plain.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))
  return Item ? Number(Item.n!.N) : undefined
}

describe('a reply is lost', () => {
  test.each([
    ['dropReply', undefined, 1, 'ECONNRESET'],
    ['cutAfter', undefined, 1, 'ECONNRESET'],
    ['cutBefore', undefined, undefined, 'ECONNRESET'],
    ['cutDuring', undefined, undefined, 'ECONNRESET'],
  ] as const)('%s', async (fault, applied, expected, code) => {
    const { client, proxy, seen } = await behind({ decide: once(fault, applied) })
    const key = freshKey()
    await expect(client.send(put(key))).rejects.toMatchObject({ code })
    expect(await count(key)).toBe(expected)
    expect(proxy).toMatchObject({ doubts: 1, counts: { [fault]: 1 } })
    expect(seen).toMatchObject([{ fault, applied: expected === 1, answered: false, late: false }])
    await client.send(put(key))
    expect(proxy.doubts).toBe(1)
  })

  test.each(['cutBefore', 'cutDuring'] as const)('%s by its rate, also of a large request', async (fault) => {
    const { client, proxy } = await behind({ rates: { [fault]: 1 } })
    const Item = { ...freshKey(), data: { S: 'x'.repeat(300_000) } }
    const code = expect.stringMatching(/ECONNRESET|EPIPE/)
    await expect(client.send(new PutItemCommand({ TableName, Item }))).rejects.toMatchObject({ code })
    expect(proxy.counts[fault]).toBe(1)
    proxy.rates = {}
    await client.send(put(freshKey()))
  })

  test.each([true, false])('an established connection fails, applied: %s', async (applied) => {
    const { client, proxy } = await behind({ decide: () => ({ fault: 'socket', applied }) })
    for (let i = 0; i < 60; i++) {
      const key = freshKey()
      const error = await client.send(put(key)).catch((e: unknown) => e)
      expect(error).toMatchObject({
        errno: expect.any(Number),
        syscall: expect.stringMatching(/^(read|write)$/),
      })
      expect(await count(key)).toBe(applied ? 1 : undefined)
    }
    expect(socketFaults.filter((fault) => proxy.sockets[fault] === 0)).toEqual([])
  })
})

describe('errors of the service', () => {
  test.each([
    ['serverError', 500, true],
    ['serverError', 500, false],
    ['unavailable', 503, true],
    ['unavailable', 503, false],
  ] as const)('%s, HTTP %i, applied: %s', async (fault, status, applied) => {
    const { client } = await behind({ decide: () => ({ fault, applied }) })
    for (let i = 0; i < 8; i++) {
      const key = freshKey()
      const error = await client.send(put(key)).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(Error)
      // A reply that is cut off has no status any more.
      const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
      if ($metadata?.httpStatusCode) expect($metadata.httpStatusCode).toBe(status)
      expect(await count(key)).toBe(applied ? 1 : undefined)
    }
  })

  test('throttle: each error that DynamoDB has for it', async () => {
    const { client } = await behind({ decide: () => 'throttle' })
    const names = new Set<string>()
    const key = freshKey()
    for (let i = 0; i < 20; i++) await client.send(put(key)).catch((error: Error) => names.add(error.name))
    expect([...names].sort()).toEqual([
      'ProvisionedThroughputExceededException',
      'RequestLimitExceeded',
      'ThrottlingException',
    ])
    expect(await count(key)).toBeUndefined()
  })

  test('clockSkew: each way in which AWS says so', async () => {
    const { client } = await behind({ decide: () => 'clockSkew' })
    const names = new Set<string>()
    for (let i = 0; i < 20; i++)
      await client.send(put(freshKey())).catch((error: Error) => names.add(error.name))
    expect([...names].sort()).toEqual(['InvalidSignatureException', 'RequestExpired', 'RequestTimeTooSkewed'])
  })

  test('conflict: as an exception, and as a reason of a cancelled transaction', async () => {
    const { client } = await behind({ decide: () => 'conflict' })
    const key = freshKey()
    await expect(client.send(put(key))).rejects.toMatchObject({ name: 'TransactionConflictException' })
    await expect(client.send(adding(key, 'conflict'))).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'TransactionConflict' }],
    })
    expect(await count(key)).toBeUndefined()
  })

  test('partialBatch: the rest comes back, and is not done', async () => {
    const { client } = await behind({ decide: () => 'partialBatch' })
    const keys = Array.from({ length: 10 }, freshKey)
    const RequestItems = {
      [TableName]: keys.map((Item) => ({ PutRequest: { Item: { ...Item, n: { N: '1' } } } })),
    }
    const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems }))
    const undone = UnprocessedItems![TableName]!.map((one) => one.PutRequest!.Item!.sk!.S!)
    expect(undone.length).toBeGreaterThan(0)
    const found = await Promise.all(keys.map(count))
    expect(found.map((n) => n === undefined)).toEqual(keys.map(({ sk }) => undone.includes(sk.S)))
    const got = await client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys } } }))
    expect(got.UnprocessedKeys![TableName]!.Keys!.length).toBeGreaterThan(0)
  })
})

describe('requests that are held', () => {
  const forever = { replies: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY }

  test('late: arrives after a later one was answered', async () => {
    const { client, proxy, seen } = await behind({ decide: once('late'), hold: { ...forever, replies: 1 } })
    const key = freshKey()
    await expect(client.send(put(key, 1))).rejects.toMatchObject({ code: 'ECONNRESET' })
    await client.send(put(freshKey()))
    expect(await count(key)).toBeUndefined()
    await client.send(put(key, 2))
    await proxy.settle()
    expect(await count(key)).toBe(1)
    expect(seen.at(-1)).toMatchObject({ fault: 'late', applied: true, late: true })
    expect(proxy.doubts).toBe(1)
  })

  test('late: on stop at the latest', async () => {
    const { client, proxy } = await behind({ decide: once('late'), hold: forever })
    const key = freshKey()
    await client.send(put(key)).catch(() => {})
    await proxy.stop()
    expect(await count(key)).toBe(1)
  })

  test('late: not any more when its signature has expired', async () => {
    const clock = new TestClock()
    const { client, proxy } = await behind({ decide: once('late'), hold: forever, clock })
    const key = freshKey()
    await client.send(put(key)).catch(() => {})
    clock.advance(6 * 60_000)
    await proxy.settle()
    expect(await count(key)).toBeUndefined()
  })

  test('inProgress: as long as the first try runs, and for its token alone', async () => {
    const { client, proxy } = await behind({ decide: once('inProgress'), hold: forever })
    const key = freshKey()
    await expect(client.send(adding(key, 'running'))).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(client.send(adding(key, 'running'))).rejects.toMatchObject({
      name: 'TransactionInProgressException',
    })
    await client.send(adding(key, 'another'))
    expect(await count(key)).toBe(1)
    await proxy.settle()
    expect(await count(key)).toBe(2)
    await client.send(adding(key, 'running'))
    expect(await count(key)).toBe(2)
  })
})

describe('what comes twice', () => {
  test('duplicate: two requests, one reply, and only where that is the same as once', async () => {
    const { client, seen } = await behind({ rates: { duplicate: 1 } })
    const key = freshKey()
    await client.send(adding(key, 'duplicate'))
    expect(await count(key)).toBe(1)
    await client.send(add(key))
    expect(await count(key)).toBe(2)
    expect(seen.map(({ fault }) => fault)).toEqual(['duplicate', undefined])
  })

  test('replyTwice: the client hears the first, and its next request gets its own', async () => {
    const { client } = await behind({ decide: () => 'replyTwice' })
    for (let i = 0; i < 5; i++) {
      const key = freshKey()
      await client.send(put(key, i))
      const { Item } = await client.send(new GetItemCommand({ TableName, Key: key }))
      expect(Item?.n?.N).toBe(`${i}`)
    }
  })

  test('staleRead: an earlier reply, to eventually consistent reads alone', async () => {
    const { client } = await behind({ rates: { staleRead: 1 } })
    const key = freshKey()
    const get = async (ConsistentRead: boolean) =>
      (await client.send(new GetItemCommand({ TableName, Key: key, ConsistentRead }))).Item
    expect(await get(false)).toBeUndefined()
    await client.send(put(key))
    expect(await get(false)).toBeUndefined()
    expect(await get(true)).toBeDefined()
  })
})

test('connections that cannot be made, with the errors of Node', async () => {
  const { client, proxy, seen } = await behind({ rates: { connect: 1 } })
  const errors: { code?: string; syscall?: string }[] = []
  for (let i = 0; i < 80; i++) await client.send(put(freshKey())).catch((error) => errors.push(error))
  expect(errors).toHaveLength(80)
  expect(connectFaults.filter((fault) => proxy.sockets[fault] === 0)).toEqual([])
  for (const error of errors) {
    expect(error.code).toMatch(/^E/)
    if (!(error instanceof AggregateError)) expect(error.syscall).toMatch(/^(connect|getaddrinfo)$/)
  }
  expect(errors.some((error) => error instanceof AggregateError)).toBe(true)
  expect(seen).toEqual([])
})

describe('the clock of the service', () => {
  const minutes = 60_000

  test('a signature counts for five minutes, either way', async () => {
    const clock = new TestClock()
    const { client } = await behind({ clock })
    for (const skewMs of [-6 * minutes, 6 * minutes]) {
      signBy(client, clock, skewMs)
      await expect(client.send(put(freshKey()))).rejects.toMatchObject({ name: 'InvalidSignatureException' })
      // The SDK has learned the time from the refusal.
      await client.send(put(freshKey()))
    }
    signBy(client, clock, 4 * minutes)
    await client.send(put(freshKey()))
  })

  test('a client that signs by the clock needs no correction when time passes', async () => {
    const clock = new TestClock()
    const { client } = await behind({ clock })
    signBy(client, clock)
    await client.send(put(freshKey()))
    clock.advance(60 * minutes)
    await client.send(put(freshKey()))
  })

  test('a token counts for ten minutes', async () => {
    const clock = new TestClock()
    const { client } = await behind({ clock })
    signBy(client, clock)
    const key = freshKey()
    const send = () => client.send(adding(key, 'token'))
    await send()
    clock.advance(9 * minutes)
    await send()
    expect(await count(key)).toBe(1)
    clock.advance(2 * minutes)
    await send()
    expect(await count(key)).toBe(2)
  })

  test('freeze: time passes while the request is on its way', async () => {
    const clock = new TestClock()
    const { client, proxy } = await behind({ clock, rates: { freeze: 1 }, maxFreezeMs: 60 * minutes })
    signBy(client, clock)
    const before = clock.now()
    await client.send(put(freshKey())).catch(() => {})
    expect(clock.now() - before).toBeGreaterThan(minutes)
    expect(proxy.counts.freeze).toBeGreaterThan(0)
  })

  test('sleepers wake up when the clock is advanced', async () => {
    const clock = new TestClock({ speed: 10 })
    const slept = clock.sleep(10 * minutes)
    const long = new AbortController()
    const aborted = clock.sleep(30 * minutes, { signal: long.signal })
    clock.advance(11 * minutes)
    await slept
    long.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    const before = clock.now()
    await clock.sleep(200)
    expect(clock.now() - before).toBeGreaterThanOrEqual(199)
  })
})

test('between: a rival writes before each request is passed on', async () => {
  const key = freshKey()
  const { client } = await behind({
    async between({ action, rows }) {
      expect(action).toBe('UpdateItem')
      expect(rows).toEqual([{ pk: key.pk.S, sk: key.sk.S }])
      await plain.send(put(key, 40))
    },
  })
  await client.send(add(key))
  expect(await count(key)).toBe(41)
})

test('the copy of a request that comes too late is refused by itself', async () => {
  const clock = new TestClock()
  let forwarded = 0
  const judged = {
    advance: (ms: number) => clock.advance(ms),
    // Time passes between the copies.
    now: () => clock.now() + (forwarded++ > 2 ? 6 * 60_000 : 0),
  }
  const { client, proxy } = await behind({ clock: judged, decide: () => 'duplicate' })
  signBy(client, clock)
  const key = freshKey()
  await client.send(adding(key, 'twice'))
  expect([await count(key), proxy.counts.duplicate]).toEqual([1, 1])
})

test('what expires while a rival writes is not done: signature and token are judged when the database acts', async () => {
  const clock = new TestClock()
  const { client } = await behind({ clock, between: async () => clock.advance(6 * 60_000) })
  signBy(client, clock)
  const key = freshKey()
  await expect(client.send(add(key))).rejects.toMatchObject({ name: 'InvalidSignatureException' })
  expect(await count(key)).toBeUndefined()
})

test('one seed, the same faults; counts of each; nothing is left behind', async () => {
  const runs: unknown[] = []
  for (let i = 0; i < 2; i++) {
    const rates = { dropReply: 0.2, cutBefore: 0.1, throttle: 0.2, duplicate: 0.5, socket: 0.2, connect: 0.2 }
    const { client, proxy } = await behind({ seed: 7, rates })
    for (let n = 0; n < 40; n++) await client.send(put(freshKey())).catch(() => {})
    runs.push([proxy.counts, proxy.sockets])
    client.destroy()
    await proxy.stop()
    await expect(fetch(proxy.endpoint)).rejects.toThrow()
  }
  expect(runs[0]).toEqual(runs[1])
})

test.each([
  [undefined, 'options'],
  [{}, 'target'],
  [{ target: 'DynamoDB' }, 'target'],
  [{ rate: {} }, 'options.rate'],
  [{ rates: { dropreply: 1 } }, 'rates.dropreply'],
  [{ rates: { dropReply: 5 } }, 'rates.dropReply'],
  [{ hold: { reply: 1 } }, 'hold.reply'],
])('a fault proxy with %j is refused: %s', async (options, field) => {
  const given = options && { target: 'http://127.0.0.1:9', ...options }
  const wrong = options && Object.keys(options).length === 0 ? {} : given
  await expect(startFaultProxy(wrong as never)).rejects.toMatchObject({ code: 'InvalidInput', field })
})

test('rates that are changed later are checked too', async () => {
  await using proxy = await startFaultProxy({ target: 'http://127.0.0.1:9' })
  expect(() => {
    proxy.rates = { late: 2 }
  }).toThrow('rates.late: must be a probability from 0 to 1, got 2')
})
