/** The threats of docs/security.md, each with what keeps it off. */
import { inspect } from 'node:util'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import {
  type AtomicDbInterface,
  AtomicMemoryDb,
  InvalidInput,
  lockKey,
  path,
  RaceCondition,
  transaction,
  unchanged,
} from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const client = localClient(inject('dynamoEndpoint'))
const expressionsSent: string[] = []
let table: string
const backends: Record<string, () => AtomicDbInterface> = {
  memory: () => new AtomicMemoryDb(),
  dynamo: () => new AtomicDynamoDB(client, table),
}

beforeAll(async () => {
  table = await freshTable(client, 'security')
  const listen = (next: (args: unknown) => unknown) => (args: { input: Record<string, unknown> }) => {
    collect(args.input)
    return next(args)
  }
  client.middlewareStack.add(listen as never, { step: 'initialize', name: 'listen' })
})
afterAll(() => dropTable(client, table))

function collect(input: unknown): void {
  if (typeof input !== 'object' || input === null) return
  for (const [name, value] of Object.entries(input)) {
    if (/Expression$/.test(name) && typeof value === 'string') expressionsSent.push(value)
    else if (
      name === 'TransactItems' ||
      Array.isArray(input) ||
      /^(Put|Update|Delete|ConditionCheck)$/.test(name)
    )
      collect(value)
  }
}

const hostile = [
  'a = :0 OR attribute_exists(pk)',
  '#0',
  ':0',
  'x), attribute_exists(pk',
  'SET data = :0 REMOVE version',
  'size',
  'AND',
  'a b',
  "quote's",
  'Ωmega',
]

describe.each(Object.keys(backends))('%s', (name) => {
  test.each(hostile)('the field %j is a name, never a piece of an expression', async (field) => {
    const db = backends[name]!()
    const key = { pk: `injection-${field}`, sk: field }
    await db.set({ ...key, data: { [field]: 1, other: 'untouched' } })
    await db.update(key, { add: [[[field], 1]] }, { if: [[[field], { gte: 1 }]] })
    await db
      .transact([{ type: 'update', key, changes: { set: [[[field, field], 1]] as never } }])
      .catch((error) => expect(error).toBeInstanceOf(InvalidInput))
    expect(await db.get(key)).toEqual({ ...key, data: { [field]: 2, other: 'untouched' } })
    expect((await db.query({ pk: key.pk, sk: field })).length).toBe(1)
  })

  test('a prefix finds what begins with it, whatever it looks like', async () => {
    const db = backends[name]!()
    await db.set(['a', 'a%', 'b'].map((sk) => ({ pk: 'prefix', sk })))
    expect((await db.query({ pk: 'prefix', sk: 'a%' })).map(({ sk }) => sk)).toEqual(['a%'])
    expect(await db.query({ pk: 'prefix', sk: '*' })).toEqual([])
  })

  test('messages of errors name keys, never data', async () => {
    const db = backends[name]!()
    const secret = 'hunter2-8f3a'
    const key = { pk: 'secrets', sk: 's' }
    await db.set({ ...key, data: { secret, text: secret } })
    const lock = await db.getLock(lockKey(key))
    await db.setAtomic({ ...key, data: { secret, text: secret } }, lock)
    const attempts: (() => Promise<unknown>)[] = [
      () => db.setAtomic({ ...key, data: { secret } }, lock),
      () => db.transact([{ type: 'setIfAbsent', item: { ...key, data: secret } }]),
      () => db.transact([{ type: 'set', item: { ...key, data: 1 }, if: { secret: { ne: secret } } }]),
      () => db.update(key, { add: { text: 1 } }),
      () => db.update(key, { append: { text: [secret] } }),
      () => db.set({ ...key, data: { secret, bad: new Date(0) } }),
      () => db.set({ ...key, data: { secret, deep: { list: [secret, undefined] } } }),
      () => db.set({ ...key, data: secret.repeat(40_000) }),
    ]
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => expect.fail('must fail'),
        (e: Error) => e,
      )
      expect(error).toBeInstanceOf(Error)
      expect(`${error.message} ${error.stack}`).not.toContain(secret)
      if (error instanceof RaceCondition) expect(error.message).toContain('secrets/s')
    }
  })

  test('a field __proto__ is refused, and constructor is a field like others', async () => {
    const db = backends[name]!()
    const key = { pk: 'pollution', sk: name }
    const data = JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": 1}}')
    await expect(db.set({ ...key, data })).rejects.toThrow(InvalidInput)
    await db.set({ ...key, data: { constructor: { prototype: 1 }, toString: 'mine' } })
    await db.update(key, { set: { 'constructor.prototype': 2 } })
    expect(await db.get(key)).toMatchObject({ data: { constructor: { prototype: 2 }, toString: 'mine' } })
    for (const where of [
      ['__proto__', 'admin'],
      ['a', '__proto__'],
    ])
      await expect(db.update(key, { set: [[where, true]] })).rejects.toThrow(InvalidInput)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect(inspect(await db.get(key))).not.toContain('admin')
  })

  test('input cannot exhaust the process: refused at once, whatever its size', async () => {
    const db = backends[name]!()
    const key = { pk: 'exhaustion', sk: 's' }
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    const many = Array.from({ length: 100_000 }, (_, i) => ({
      type: 'delete' as const,
      key: { pk: 'p', sk: `${i}` },
    }))
    const refused: (() => Promise<unknown>)[] = [
      () => db.set({ ...key, data: deep }),
      () => db.set({ ...key, data: cyclic }),
      () => db.set({ ...key, data: 'x'.repeat(5_000_000) }),
      () => db.set({ pk: 'x'.repeat(5_000_000), sk: 's' }),
      () => db.transact(many),
      () => db.update(key, { set: { [Array(50_000).fill('a').join('.')]: 1 } }),
      () => db.query({ pk: 'p', limit: Number.POSITIVE_INFINITY }),
    ]
    for (const call of refused) {
      const started = performance.now()
      await expect(call()).rejects.toThrow(InvalidInput)
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })

  test('keys that UTF-8 would make one are refused', async () => {
    const db = backends[name]!()
    for (const sk of ['\ud800', 'a\udc00b'])
      await expect(db.set({ pk: 'p', sk })).rejects.toThrow(InvalidInput)
  })
})

test('all expressions sent consist of placeholders, operators and functions', () => {
  expect(expressionsSent.length).toBeGreaterThan(20)
  const words =
    /^(#\d*[ps]?|:\d*[ps]?|\[\d+\]|SET|REMOVE|ADD|DELETE|AND|OR|NOT|BETWEEN|IN|if_not_exists|list_append|attribute_exists|attribute_not_exists|attribute_type|begins_with|contains|size|[=<>+,.()\s]|<>|<=|>=)*$/
  for (const expression of expressionsSent) expect(expression).toMatch(words)
})

test('a field __proto__ that another program stored does not become a prototype', async () => {
  const key = { pk: 'pollution', sk: 'foreign' }
  await client.send(
    new PutItemCommand({
      TableName: table,
      Item: {
        pk: { S: key.pk },
        sk: { S: key.sk },
        // A literal would set the prototype of the request.
        data: { M: JSON.parse('{"__proto__": {"M": {"admin": {"BOOL": true}}}, "name": {"S": "x"}}') },
      },
    }),
  )
  const item = await new AtomicDynamoDB(client, table).get<{ name: string; admin?: boolean }>(key)
  expect(item!.data.name).toBe('x')
  expect(item!.data.admin).toBeUndefined()
  expect(path('a', 'b')).toBeDefined()
})

test('a field __proto__ that another program stored is compared like others, and stays', async () => {
  const key = { pk: 'pollution', sk: 'compared' }
  const stored = (n: string, role: string) =>
    JSON.parse(`{"M": {"__proto__": {"M": {"role": {"S": "${role}"}}}, "n": {"N": "${n}"}}}`)
  const put = (data: never) =>
    client.send(
      new PutItemCommand({ TableName: table, Item: { pk: { S: key.pk }, sk: { S: key.sk }, data } }),
    )
  const db = new AtomicDynamoDB(client, table, { retry: { attempts: 2, baseMs: 1 } })
  await put(stored('1', 'reader') as never)
  await transaction(
    db,
    async (tx) => {
      await tx.get(key)
      tx.set({ ...key, sk: 'written', data: { n: 1 } })
    },
    { attempts: 1 },
  )
  expect(await db.update(key, { add: { n: 1 } }, { if: unchanged(await db.get(key)) })).toMatchObject({
    applied: true,
  })
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: { pk: { S: key.pk }, sk: { S: key.sk } } }),
  )
  expect(JSON.stringify(Item!.data)).toBe(JSON.stringify(stored('2', 'reader')))
  await expect(
    transaction(
      db,
      async (tx) => {
        await tx.get(key)
        await put(stored('2', 'admin') as never)
        tx.set({ ...key, sk: 'written', data: { n: 2 } })
      },
      { attempts: 1 },
    ),
  ).rejects.toThrow()
  // The SDK cannot read a refusal that holds such an item; what counts is that nothing was written.
  expect(await db.get({ ...key, sk: 'written' })).toMatchObject({ data: { n: 1 } })
})
