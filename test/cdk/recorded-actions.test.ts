// The actions of the grants are those of the calls that were really made: no more, no less.

import { AsyncLocalStorage } from 'node:async_hooks'
import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { type AtomicDbInterface, atomic, consume, lockKey } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, expect, inject, it } from 'vitest'
import {
  ACTIONS,
  type AtomicTable,
  actionsOf,
  type GrantPurpose,
  type GrantScope,
} from '../../infra/cdk/index.ts'
import { NEEDS, needsOf } from '../../infra/cdk/methods.ts'
import { FEATURES_OF, keysOfPartition, keysOfQueue } from '../../infra/cdk/queue-keys.ts'
import { queueOfShard } from '../../src/model/key-names.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { statements, synth } from './helpers.ts'
import { holds, isAllowed, partitionsIn, requestsOf, tableArn } from './iam.ts'

type Method = Exclude<keyof AtomicDbInterface, 'runtime'>
type Purpose = Exclude<GrantPurpose, 'readWrite'>

/** Which grant a method must get along with; a new method does not compile until it is said here. */
const PURPOSES: Record<Method, readonly Purpose[]> = {
  get: ['read'],
  getMany: ['read'],
  getTogether: ['read'],
  query: ['read'],
  stream: ['read'],
  page: ['read'],
  count: ['read'],
  queueStats: ['read'],
  queuePeek: ['read'],
  queuePush: ['queueProducer'],
  queuePull: ['queueConsumer'],
  queuePullMany: ['queueConsumer'],
  queueAcknowledge: ['queueConsumer'],
  queueRelease: ['queueConsumer'],
  queueExtend: ['queueConsumer'],
  queueCancel: [],
  // These take `grantReadWrite`: they write, or purge and redrive whole queues.
  getLock: [],
  getLocked: [],
  set: [],
  setAtomic: [],
  delete: [],
  deleteRange: [],
  update: [],
  transact: [],
  queuePurge: [],
  queueRedrive: [],
  queuePause: [],
  queueResume: [],
}
const METHODS = Object.keys(PURPOSES) as Method[]

/** A call of a method, with the partition keys that it was told. */
interface Call {
  method: Method
  scope: GrantScope
}
const running = new AsyncLocalStorage<Call>()
const actions = new Map<Method | undefined, Set<string>>()
const partitions = new Map<Method | undefined, Set<string>>()

const noted = (map: typeof actions, method: Method | undefined): Set<string> => {
  const seen = map.get(method) ?? new Set()
  map.set(method, seen)
  return seen
}

/** Notes every request under the method that is running. */
function record(client: DynamoDBClient): DynamoDBClient {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const call = running.getStore()
      const method = call?.method
      // Asked once to explain a refusal; the refusal stands without it, so no grant has it.
      if (context.commandName !== 'DescribeTableCommand')
        for (const action of actionsOf(String(context.commandName), args.input as object))
          noted(actions, method).add(action)
      for (const pk of partitionsIn(args.input)) noted(partitions, method).add(pk)
      if (call && context.commandName !== 'DescribeTableCommand')
        requests.push({ ...call, command: String(context.commandName), input: args.input as object })
      return next(args)
    },
    { step: 'initialize', name: 'record' },
  )
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const reply = await next(args)
      if (repliesToLose === 0 || !losing.includes(String(context.commandName))) return reply
      repliesToLose--
      throw Object.assign(new Error('the reply is lost'), { code: 'ECONNRESET' })
    },
    { step: 'deserialize', name: 'lose', priority: 'low' },
  )
  return client
}

/** Transactions whose replies do not arrive: the library then asks whether they were applied. */
let repliesToLose = 0
const TRANSACTIONS = ['TransactWriteItemsCommand']
const WRITES = [...TRANSACTIONS, 'PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand']
let losing = TRANSACTIONS

/** Every request, with the call that made it. */
const requests: (Call & { command: string; input: object })[] = []

/** The outermost call counts: what it calls is part of it. */
const as = <R>(method: Method, work: () => R, scope: GrantScope = {}): R =>
  running.run(running.getStore() ?? { method, scope }, work)

const NAMES = ['pk', 'from', 'to', 'deadLetter', 'idempotencyKey']

/** The scope of a grant for a call: what its arguments name. */
function scopeOf(args: readonly unknown[]): GrantScope {
  const pks = new Set<string>()
  let shards: number | undefined
  let isFamily = false
  const look = (value: unknown, name = '') => {
    if (typeof value === 'string' && NAMES.includes(name)) pks.add(value)
    if (name === 'shards' && typeof value === 'number') shards = value
    if (name === 'family' && typeof value === 'string') isFamily = true
    if (typeof value !== 'object' || value === null || name === 'data' || value instanceof AbortSignal) return
    for (const [key, one] of Object.entries(value)) look(one, key)
  }
  if (typeof args[0] === 'string') pks.add(args[0])
  for (const arg of args) look(arg)
  // A family is granted by its prefix.
  if (isFamily) return {}
  const queues = shards === undefined ? [] : [...pks].map((pk) => ({ pk, shards: shards! }))
  return { pks: [...pks], queues }
}

/** The same database, telling which of its methods is running. */
function telling(db: AtomicDbInterface): AtomicDbInterface {
  return new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => as(name as Method, () => value.apply(target, args), scopeOf(args))
    },
  })
}

// Tables are made and dropped by another client, whose requests are nobody's.
const admin = localClient(inject('dynamoEndpoint'))
const client = record(localClient(inject('dynamoEndpoint')))
afterAll(() => {
  admin.destroy()
  client.destroy()
})

conformanceSuite({ describe, it, afterAll }, 'the conformance suite, recorded', {
  // The others look at values, conditions and refusals, and send no other requests.
  capabilities: ['items', 'queries', 'locks', 'updates', 'transactions', 'queues'],
  async open(runtime) {
    const table = await freshTable(admin, 'recorded')
    return {
      client: () => telling(new AtomicDynamoDB(client, table, { runtime })),
      close: () => dropTable(admin, table),
    }
  },
})

describe('a queue with all its options, recorded', () => {
  const large = 'x'.repeat(2000)
  const message = (data: string) => ({ pk: 'jobs', data })

  it('is used', async () => {
    const table = await freshTable(admin, 'recorded')
    const db = telling(new AtomicDynamoDB(client, table))
    try {
      await db.queuePush([1, 2, 3, 4, 5, 6].map((i) => message(`${i}`)))
      await db.queuePush({ ...message('key'), sk: 'key' })
      await db.queuePush([message(large), message(large), message(large)], { payloadThreshold: 1000 })
      for (let i = 0; i < 2; i++)
        await db.queuePush({ ...message(large), deduplicationId: 'once' }, { payloadThreshold: 1000 })
      await as('queuePush', () => atomic(db).queuePush(message('in a transaction')).commit())
      await as('stream', async () => {
        for await (const item of db.stream({ pk: 'jobs' })) expect(item.pk).toBe('jobs')
      })
      const { items } = await db.queuePullMany<string>({ pk: 'jobs', limit: 12, maxReceives: 2 })
      expect(items).toHaveLength(12)
      expect(items.filter(({ data }) => data === large)).toHaveLength(4)
      // Given back by this process, which asks for them by their keys.
      for (const item of items) await db.queueRelease(item)
      const again = await db.queuePullMany<string>({ pk: 'jobs', limit: 12, maxReceives: 2 })
      expect(again.items).toHaveLength(12)
      const [first, second, third, ...rest] = again.items
      await as('queueAcknowledge', () => consume(db, first!, () => {}))
      await db.queueAcknowledge(await db.queueExtend(second!, { ttlSeconds: 60 }))
      await db.queueAcknowledge({ pk: third!.pk, sk: third!.sk })
      for (const item of rest) await db.queueRelease(item, { reason: 'to the dead letters' })
      const { item, dead } = await db.queuePull({ pk: 'jobs', maxReceives: 2 })
      expect(item).toBeUndefined()
      expect(dead).toHaveLength(9)
      expect(await db.queueStats('jobs')).toMatchObject({ ready: 0, dead: 9 })
      const hasty = telling(new AtomicDynamoDB(client, table, { retry: { attempts: 1 } }))
      repliesToLose = 1
      await hasty.queuePush({ ...message('unanswered'), deduplicationId: 'unanswered' })
      const { items: left } = await hasty.queuePullMany({ pk: 'jobs', limit: 2 })
      expect(left).toHaveLength(1)
      const [unique] = await db.queuePush([1, 2].map((i) => ({ ...message('unique'), uniqueId: `u${i}` })))
      expect((await db.queuePush({ ...message('unique'), uniqueId: 'u1' }))[0]!.sk).toBe(unique!.sk)
      repliesToLose = 1
      expect(await hasty.queueCancel(unique!)).toBe(true)
      expect(await db.queueCancel({ pk: 'jobs', uniqueId: 'u2' })).toBe(true)
      repliesToLose = 1
      await hasty.queueRelease(left[0]!, { deadLetter: 'jobs#dead', reason: 'unanswered' })
      expect(repliesToLose).toBe(0)
      expect(await db.queueStats('jobs')).toMatchObject({ ready: 0, dead: 10 })
    } finally {
      await dropTable(admin, table)
    }
  })

  it.each(['grantQueueProducer', 'grantQueueConsumer'] as const)('stays within %s of its key', (name) => {
    const purpose = name === 'grantQueueProducer' ? 'queueProducer' : 'queueConsumer'
    const narrowed = (pks: string[]) => conditionOf((db, role) => db[name](role, { pks }))
    const touched = [...union(partitions, purpose)].filter((pk) => /^jobs(#|$)/.test(pk))
    expect(touched.some((pk) => pk.startsWith('jobs#payload#'))).toBe(true)
    expect(holds(narrowed(['jobs']), { keys: touched })).toBe(true)
    expect(holds(narrowed(['job']), { keys: touched })).toBe(false)
  })
})

describe('replies that do not arrive, recorded', () => {
  it('are asked for by the same methods', async () => {
    const table = await freshTable(admin, 'recorded')
    const db = telling(new AtomicDynamoDB(client, table, { retry: { attempts: 1 } }))
    const key = { pk: 'item', sk: 'a' }
    const without = async (commands: string[], replies: number, work: () => Promise<unknown>) => {
      losing = commands
      repliesToLose = replies
      await work().catch(() => {})
      repliesToLose = 0
      losing = TRANSACTIONS
    }
    try {
      await without(WRITES, 1, () => db.getLock(lockKey(key)))
      await expireSoon(table, lockKey(key))
      await db.getLocked([key])
      await db.set({ ...key, data: { n: 1 } })
      const locks = await Promise.all([db.getLock(lockKey(key)), db.getLock(lockKey({ ...key, sk: 'b' }))])
      // The question whether it was applied stays without reply too: then the rows are looked at.
      await without(TRANSACTIONS, 2, () => db.setAtomic({ ...key, data: { n: 2 } }, locks))
      await without(TRANSACTIONS, 2, () => db.setAtomic({ ...key, data: { n: 2 } }, locks[0]!))
      await without(TRANSACTIONS, 2, () => db.transact([{ type: 'bump', key: lockKey(key) }]))
      await without(WRITES, 1, () => db.update(key, { add: { n: 1 } }))
      await db.queuePush([1, 2, 3, 4, 5].map((n) => ({ pk: 'lost', data: n })))
      const { items } = await db.queuePullMany({ pk: 'lost', limit: 4 })
      await without(WRITES, 1, () => db.queueExtend(items[0]!, { ttlSeconds: 600 }))
      await without(WRITES, 1, () => db.queueAcknowledge(items[1]!))
      await without(WRITES, 1, () => db.queueRelease(items[2]!))
      await db.queueRelease(items[3]!, { deadLetter: 'lost#dead', reason: 'lost' })
      await without(TRANSACTIONS, 1, () => db.queueRedrive({ from: 'lost#dead' }))
      for (const method of ['queuePull', 'queuePullMany'] as const) {
        await db.queuePush({ pk: method, data: 'poison' })
        await db.queueRelease((await db.queuePull({ pk: method })).item!)
        await without(TRANSACTIONS, 1, () =>
          db[method]({
            pk: method,
            maxReceives: 1,
            ...(method === 'queuePullMany' && { limit: 1 }),
          } as never),
        )
      }
      const large = { pk: 'peeked', data: 'x'.repeat(2000) }
      await db.queuePush([large, large], { payloadThreshold: 1000 })
      await db.queuePeek({ pk: 'peeked' })
    } finally {
      await dropTable(admin, table)
    }
  })
})

/** Within its last hour a lock is refreshed when it is read. */
const expireSoon = (table: string, { pk, sk }: { pk: string; sk: string }) =>
  admin.send(
    new UpdateItemCommand({
      TableName: table,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET #ttl = :ttl',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':ttl': { N: String(Math.floor(Date.now() / 1000) + 600) } },
    }),
  )

describe('the actions recorded', () => {
  it.each(METHODS)('by %s are those that a grant of the method gives', (method) => {
    const given = NEEDS[method].actions.map((action) => `dynamodb:${action}`)
    expect([...noted(actions, method)].sort()).toEqual([...given].sort())
  })

  it('by methods are together those of the purposes', () => {
    for (const purpose of ['read', 'queueProducer', 'queueConsumer'] as const) {
      const methods = METHODS.filter((method) => PURPOSES[method].includes(purpose))
      expect(needsOf({ methods }).actions).toEqual([...ACTIONS[purpose]].sort())
    }
    expect(needsOf({ methods: METHODS }).actions).toEqual([...ACTIONS.readWrite].sort())
  })

  it('come from every method of the contract', () => {
    expect(METHODS.filter((method) => !actions.has(method))).toEqual([])
    // Streams that the suite iterates outside of any method.
    expect([...noted(actions, undefined)]).toEqual(['dynamodb:Query'])
  })

  it.each(['read', 'queueProducer', 'queueConsumer'] as const)('are exactly those of %s', (purpose) => {
    expect([...union(actions, purpose)].sort()).toEqual([...ACTIONS[purpose]].sort())
  })

  it('are all together exactly those of readWrite', () => {
    const all = new Set([...actions.values()].flatMap((seen) => [...seen]))
    expect([...all].sort()).toEqual([...ACTIONS.readWrite].sort())
  })
})

describe('every request recorded', () => {
  const table = tableArn('Db')
  const statement = (purpose: GrantPurpose, scope?: GrantScope) => ({
    Effect: 'Allow',
    Action: [...ACTIONS[purpose]],
    Resource: table,
    ...(scope && { Condition: conditionFor(purpose, scope) }),
  })
  /** As that of a grant, but for its limit of length: one call may name a hundred keys. */
  const conditionFor = (purpose: GrantPurpose, { pks = [], queues = [] }: GrantScope) => ({
    'ForAllValues:StringLike': {
      'dynamodb:LeadingKeys': [
        ...pks.flatMap((pk) => keysOfPartition(FEATURES_OF[purpose], pk)),
        ...queues.flatMap((queue) => keysOfQueue(FEATURES_OF[purpose], queue)),
      ],
    },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  })
  /** By the method, with the keys that belong to it. */
  const grantedByMethod = (request: (typeof requests)[number]) => {
    const { actions, keys } = needsOf({ methods: [request.method] })
    const { pks = [], queues = [] } = request.scope
    const patterns = [
      ...pks.flatMap((pk) => keysOfPartition(keys, pk)),
      ...queues.flatMap((queue) => keysOfQueue(keys, queue)),
    ]
    const Condition = {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': patterns },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    }
    const policy = { Effect: 'Allow', Action: actions, Resource: table, Condition }
    return requestsOf(request.command, request.input, table).every((one) => isAllowed([policy], one))
  }
  const granted = (purpose: GrantPurpose, request: (typeof requests)[number], scope?: GrantScope) =>
    requestsOf(request.command, request.input, table).every((one) =>
      isAllowed([statement(purpose, scope)], one),
    )
  const name = ({ method, command, input, scope }: (typeof requests)[number]) =>
    `${method}: ${command} of ${partitionsIn(input)} within ${JSON.stringify(scope)}`

  /** Narrowed to what the call named. What it does not name lies in the messages: see below. */
  const named = () =>
    requests.filter(
      (request) =>
        request.method !== 'queueRedrive' &&
        !isOfShardByUniqueId(request) &&
        (request.scope.pks?.length ?? 0) > 0,
    )
  /** Who cancels by uniqueId names the queue; in which shard the message lies, its marker says. */
  const isOfShardByUniqueId = ({ method, input }: (typeof requests)[number]) =>
    method === 'queueCancel' && partitionsIn(input).some((pk) => queueOfShard(pk) !== pk)

  it('is allowed by the grants of its method, narrowed to what the call names', () => {
    expect(named().length).toBeGreaterThan(2000)
    expect(new Set(named().map(({ method }) => method))).toEqual(
      new Set(METHODS.filter((method) => method !== 'queueRedrive')),
    )
    const refused = named().filter((request) =>
      (['readWrite', ...PURPOSES[request.method]] as const).some(
        (purpose) => !granted(purpose, request, request.scope),
      ),
    )
    expect(refused.map(name)).toEqual([])
  })

  it('is allowed by a grant of its method alone, narrowed to what the call names', () => {
    expect(
      named()
        .filter((request) => !grantedByMethod(request))
        .map(name),
    ).toEqual([])
  })

  it('is denied by each grant that lacks its actions, and by those for other keys', () => {
    const reads = new Set<string>(ACTIONS.read)
    for (const request of requests) {
      const actions = actionsOf(request.command, request.input)
      expect(granted('read', request)).toBe(actions.every((action) => reads.has(action)))
      expect(granted('readWrite', request, { pks: ['other'] })).toBe(false)
    }
  })

  it('of a redrive is allowed where both queues are named', () => {
    const moves = requests.filter(({ method }) => method === 'queueRedrive')
    expect(moves.length).toBeGreaterThan(10)
    const queue = (pk: string) => queueOfShard(pk.replace(/#dead$/, ''))
    const refused = moves.filter((request) => {
      const pks = [...(request.scope.pks ?? []), ...partitionsIn(request.input).map(queue)]
      const queues = [...new Set(pks.map(queue))].map((pk) => ({ pk, shards: 16 }))
      return !granted('readWrite', request, { pks, queues })
    })
    expect(refused.map(name)).toEqual([])
  })
})

function union(map: typeof actions, purpose: Purpose): Set<string> {
  const methods = METHODS.filter((method) => PURPOSES[method].includes(purpose))
  return new Set(methods.flatMap((method) => [...(map.get(method) ?? [])]))
}

function conditionOf(grant: (db: AtomicTable, role: Role) => unknown) {
  const template = synth({}, ({ stack, db }) => {
    grant(db, new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
  })
  return statements(template)[0].Condition
}
