import { ulid } from 'ulid'
import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { withLocal } from './lib/local.ts'
import { type Spread, spread, throughput } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { type DocumentClient, lib, makeClient, sdkVersion } from './lib/sdk.ts'
import type { Section } from './lib/section.ts'
import { number, progress } from './lib/terminal.ts'
import { makeUser, sortKey } from './lib/user.ts'

const { DeleteCommand, GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } = lib

const kinds = [
  'get',
  'set',
  'getLock + setAtomic',
  'update',
  'transaction of 5',
  'queue push, pull, acknowledge',
] as const
type Kind = (typeof kinds)[number]
/** The work of one client, by its number; each has rows of its own, so that nobody waits for another. */
type Works = Record<Kind, (client: number) => Promise<unknown>>

/** The whole way to DynamoDB Local: lockrow against SDK calls by hand for the same outcome. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const concurrencies = tiny ? [1, 4] : [1, 8, 32]
  const rounds = tiny ? 1 : 8
  const ms = tiny ? 40 : 300
  const results = new Map<string, { ours: number[]; hand: number[] }>()
  await withLocal(async (endpoint, table) => {
    const client = makeClient(endpoint)
    const other = makeClient(endpoint)
    const ours = byLockrow(new AtomicDynamoDB(client, table))
    const hand = byHand(lib.DynamoDBDocumentClient.from(other), table)
    for (let i = 0; i < 32; i++) await ours.set(i)
    for (const works of [ours, hand])
      for (const kind of kinds) await throughput(4, tiny ? 20 : 300, works[kind])
    for (const concurrency of concurrencies) {
      for (const kind of kinds) {
        const result = { ours: [] as number[], hand: [] as number[] }
        results.set(`${kind} ${concurrency}`, result)
        for (let round = 0; round < rounds; round++) {
          progress(`local: ${kind}, ${concurrency} at once, round ${round + 1}`)
          const turns = [
            async () => result.ours.push(await throughput(concurrency, ms, ours[kind])),
            async () => result.hand.push(await throughput(concurrency, ms, hand[kind])),
          ]
          if (round % 2 === 1) turns.reverse()
          for (const turn of turns) await turn()
        }
      }
    }
    client.destroy()
    other.destroy()
  })
  const share = (kind: Kind, concurrency: number): Spread => {
    const { ours, hand } = results.get(`${kind} ${concurrency}`)!
    return spread(ours.map((rate, round) => rate / hand[round]!))
  }
  const most = concurrencies.at(-1)!
  return {
    id: 'local',
    title: 'DynamoDB Local: throughput against SDK calls written by hand',
    settings: { '@aws-sdk': sdkVersion, rounds, 'ms per turn': ms, item: 'about 350 bytes' },
    targets: kinds.map((kind) => {
      const { median } = share(kind, most)
      return {
        what: `${kind}, ${most} at once`,
        target: 'at least 0.97',
        value: median.toFixed(3),
        met: median >= 0.97,
      }
    }),
    tables: [
      {
        title: 'Throughput, SDK by hand = 1 (median of ratios [quartiles])',
        columns: ['outcome', ...concurrencies.map((c) => `${c} at once`)],
        rows: kinds.map((kind) => [
          kind,
          ...concurrencies.map((c) => {
            const { median, low, high } = share(kind, c)
            return `${median.toFixed(3)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
          }),
        ]),
      },
      {
        title: 'Outcomes a second (median): lockrow, by hand',
        columns: ['outcome', ...concurrencies.map((c) => `${c} at once`)],
        rows: kinds.map((kind) => [
          kind,
          ...concurrencies.map((c) => {
            const { ours, hand } = results.get(`${kind} ${c}`)!
            return `${number(Math.round(spread(ours).median))}, ${number(Math.round(spread(hand).median))}`
          }),
        ]),
      },
    ],
    charts: concurrencies.map((c) => ({
      kind: 'bars' as const,
      title: `${c} at once`,
      unit: 'throughput, SDK by hand = 1',
      mark: 1,
      bars: kinds.map((kind) => {
        const { median, low, high } = share(kind, c)
        return { name: kind, value: median, low, high }
      }),
    })),
    notes: [
      'Server and client share the cores of one machine, and the server takes most of the time: this shows that lockrow sends nothing more, `bench:client` shows what it computes.',
      'By hand means the same outcome in the same number of requests: guarded update with the new item back, transaction with a token, pull as a query of 4 rows and a guarded claim with a receipt, acknowledge guarded by the receipt. Not by hand: what happens after a lost reply.',
    ],
  }
}

function byLockrow(db: AtomicDynamoDB): Works {
  const key = (client: number) => ({ pk: 'local-ours', sk: sortKey(client) })
  return {
    get: (client) => db.get(key(client)),
    set: (client) => db.set({ ...key(client), data: makeUser(client) }),
    'getLock + setAtomic': async (client) => {
      const lock = await db.getLock({ pk: 'local-ours', sk: `${sortKey(client)}#lock` })
      await db.setAtomic({ ...key(client), data: makeUser(client) }, lock)
    },
    update: (client) => db.update(key(client), { add: { stock: -1 } }, { if: { stock: { gte: 1 } } }),
    'transaction of 5': (client) =>
      db.transact(
        five(client).map((sk) => ({
          type: 'set' as const,
          item: { pk: 'local-ours', sk, data: makeUser(client) },
        })),
      ),
    'queue push, pull, acknowledge': async (client) => {
      const pk = `queue-ours-${client}`
      await db.queuePush({ pk, data: makeUser(client) })
      const { item } = await db.queuePull({ pk })
      await db.queueAcknowledge(item!)
    },
  }
}

const five = (client: number) => Array.from({ length: 5 }, (_, i) => `${sortKey(client)}/${i}`)

function byHand(client: DocumentClient, TableName: string): Works {
  const Key = (n: number) => ({ pk: 'local-hand', sk: sortKey(n) })
  const put = (n: number) =>
    client.send(new PutCommand({ TableName, Item: { ...Key(n), data: makeUser(n) } }))
  const made = new Set<number>()
  return {
    get: (n) => client.send(new GetCommand({ TableName, Key: Key(n), ConsistentRead: true })),
    set: put,
    'getLock + setAtomic': async (n) => {
      const lock = { pk: 'local-hand', sk: `${sortKey(n)}#lock` }
      const { Item } = await client.send(new GetCommand({ TableName, Key: lock, ConsistentRead: true }))
      const now = Math.floor(Date.now() / 1000)
      if (!Item) {
        await client.send(
          new PutCommand({ TableName, Item: { ...lock, version: ulid(), ttl: now + 86_400 } }),
        )
        return
      }
      await client.send(
        new TransactWriteCommand({
          ClientRequestToken: ulid(),
          TransactItems: [
            { Put: { TableName, Item: { ...Key(n), data: makeUser(n) } } },
            {
              Update: {
                TableName,
                Key: lock,
                UpdateExpression: 'SET version = :new, #t = :ttl',
                ConditionExpression: 'version = :old AND #t > :now',
                ExpressionAttributeNames: { '#t': 'ttl' },
                ExpressionAttributeValues: {
                  ':new': ulid(),
                  ':old': Item.version,
                  ':ttl': now + 86_400,
                  ':now': now,
                },
                ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
              },
            },
          ],
        }),
      )
    },
    update: async (n) => {
      if (!made.has(n)) await put(n)
      made.add(n)
      await client.send(
        new UpdateCommand({
          TableName,
          Key: Key(n),
          UpdateExpression: 'SET #d.stock = #d.stock - :n',
          ConditionExpression: '#d.stock >= :n',
          ExpressionAttributeNames: { '#d': 'data' },
          ExpressionAttributeValues: { ':n': 1 },
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
    },
    'transaction of 5': (n) =>
      client.send(
        new TransactWriteCommand({
          ClientRequestToken: ulid(),
          TransactItems: five(n).map((sk) => ({
            Put: { TableName, Item: { pk: 'local-hand', sk, data: makeUser(n) } },
          })),
        }),
      ),
    'queue push, pull, acknowledge': async (n) => {
      const pk = `queue-hand-${n}`
      await client.send(new PutCommand({ TableName, Item: { pk, sk: ulid(), data: makeUser(n), n: 0 } }))
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'pk = :p',
          ExpressionAttributeValues: { ':p': pk },
          ConsistentRead: true,
          Limit: 4,
        }),
      )
      const now = Date.now()
      const { sk } = Items.find((row) => !((row.due as number) > now))!
      const receipt = ulid()
      await client.send(
        new UpdateCommand({
          TableName,
          Key: { pk, sk },
          UpdateExpression: 'SET r = :r, due = :due, n = n + :one',
          ConditionExpression: 'attribute_exists(n) AND (attribute_not_exists(due) OR due <= :now)',
          ExpressionAttributeValues: { ':r': receipt, ':due': now + 300_000, ':one': 1, ':now': now },
          ReturnValues: 'ALL_NEW',
        }),
      )
      await client.send(
        new DeleteCommand({
          TableName,
          Key: { pk, sk },
          ConditionExpression: 'r = :r',
          ExpressionAttributeValues: { ':r': receipt },
        }),
      )
    },
  }
}
