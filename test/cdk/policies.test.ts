// What workers and the example ask for is allowed by the policies of their roles, and everything else is denied.

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Jobs, queueLambda } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { streamsWakeUp } from 'lockrow/streams'
import { injectFaults } from 'lockrow/testing'
import { afterAll, beforeAll, describe, expect, inject, it, test, vi } from 'vitest'
import { apiHandler } from '../../examples/orders/api.ts'
import { readHandler } from '../../examples/orders/read.ts'
import {
  getOrder,
  getStock,
  lambdaContext,
  postOrder,
  scheduleEvent,
} from '../../examples/orders/run/events.ts'
import { OUTBOX, productKey } from '../../examples/orders/shop.ts'
import { workerHandler } from '../../examples/orders/worker.ts'
import { LockrowStack } from '../../infra/cdk/stack.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { FakeStreams } from '../streams/fake-streams.ts'
import { fixture, type Json, makeFunction, newApp } from './helpers.ts'
import { type IamRequest, isAllowed, policiesOf, requestsOf, tableArn } from './iam.ts'

const admin = localClient(inject('dynamoEndpoint'))
let table = ''
beforeAll(async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  table = await freshTable(admin, 'policies')
})
afterAll(async () => {
  vi.restoreAllMocks()
  await dropTable(admin, table)
  admin.destroy()
})

/** A database whose requests are judged as those to the table of this logical id. */
function recorded(id: string): { db: AtomicDynamoDB; requests: IamRequest[]; client: DynamoDBClient } {
  const client = localClient(inject('dynamoEndpoint'))
  const requests: IamRequest[] = []
  client.middlewareStack.add(
    (next, context) => (args) => {
      requests.push(...requestsOf(String(context.commandName), args.input as object, tableArn(id)))
      return next(args)
    },
    { step: 'initialize', name: 'record' },
  )
  return { db: new AtomicDynamoDB(client, table), requests, client }
}

const refusals = (policies: Json[], requests: readonly IamRequest[]) =>
  requests.filter((request) => !isAllowed(policies, request))

/** What no grant of lockrow may give, in the name of any role. */
function expectNothingElse(policies: Json[], id: string): void {
  const resource = tableArn(id)
  const foreign = [
    'GetItem',
    'Query',
    'PutItem',
    'UpdateItem',
    'DeleteItem',
    'BatchWriteItem',
    'BatchGetItem',
  ]
  const denied: IamRequest[] = [
    ...['Scan', 'PartiQLSelect', 'DeleteTable', 'UpdateTable', 'DescribeTable', 'CreateBackup'].map(
      (action) => ({ action: `dynamodb:${action}`, resource }),
    ),
    ...foreign.flatMap((name) => {
      const action = `dynamodb:${name}`
      return [
        { action, resource, keys: ['somebody-elses'] },
        { action, resource, keys: [OUTBOX, 'mails', 'somebody-elses'] },
        { action, resource },
        { action, resource: tableArn('Another'), keys: [OUTBOX] },
        { action, resource: `${resource}/index/other`, keys: [OUTBOX] },
      ]
    }),
  ]
  expect(denied.filter((request) => isAllowed(policies, request))).toEqual([])
}

describe('of queues', () => {
  const { stack, db } = fixture()
  const role = (name: string) =>
    new Role(stack, name, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  const queue = { pk: 'mails', shards: 3, deadLetterPk: 'graveyard' }
  db.addQueueWorker(makeFunction(stack, 'Sharded'), queue)
  db.addQueueWorker(makeFunction(stack, 'Plain'), { pk: 'jobs' })
  const queues = [queue, { pk: 'jobs' }]
  db.grantQueueProducer(role('Producer'), { queues })
  db.grantQueueConsumer(role('Consumer'), { queues })
  // Who looks into the dead letters as into a queue looks for what is due later there, too.
  const withLetters = [...queues, { pk: 'graveyard' }]
  db.grantRead(role('Reader'), { queues: withLetters })
  db.grantReadWrite(role('Owner'), { queues: withLetters })
  db.grantReadWrite(role('Tenant'), { pkPrefixes: ['acme#'] })
  db.grantReadWrite(role('Stranger'), { pkPrefixes: ['other#'] })
  db.grantStreamsWakeUp(role('Woken'))
  const template = Template.fromStack(stack)
  const id = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))[0]!
  const of = (name: string) => policiesOf(template, name)

  const kinds: [string, { pk: string; shards?: number; deadLetter?: string }, string][] = [
    ['a plain queue', { pk: 'jobs' }, 'Plain'],
    ['a sharded queue', { pk: 'mails', shards: 3, deadLetter: 'graveyard' }, 'Sharded'],
  ]

  it.each(kinds)('%s: pushed to in every way, worked off and inspected', async (_, kind, worker) => {
    const { pk, shards, deadLetter } = kind
    const producer = recorded(id)
    const large = 'x'.repeat(3000)
    const some = shards === undefined ? {} : { shards }
    await producer.db.queuePush(
      [1, 2, 3, 4].map((data) => ({ pk, data })),
      some,
    )
    await producer.db.queuePush({ pk, data: 'later', delaySeconds: 3600 }, some)
    await producer.db.queuePush({ pk, data: 'key', sk: 'key' }, some)
    await producer.db.queuePush({ pk, data: 'group', group: 'g' }, { ...some, exactlyOnce: true })
    for (let i = 0; i < 2; i++)
      await producer.db.queuePush(
        { pk, data: large, deduplicationId: 'once' },
        { ...some, payloadThreshold: 1000 },
      )
    await producer.db.queuePush(
      [
        { pk, data: large },
        { pk, data: 'poison' },
      ],
      {
        ...some,
        payloadThreshold: 1000,
      },
    )

    const consumer = recorded(id)
    const options = { ...kind, maxReceives: 1, backoff: { baseSeconds: 0 }, visibilitySeconds: 10 }
    const drain = queueLambda(
      consumer.db,
      ({ data }) => {
        if (data === 'poison' || data === large) throw new Error('poison')
      },
      { ...options, reserveMs: 1000 },
    )
    const { handled } = await drain({ queue: pk }, lambdaContext('worker', 30_000))
    expect(handled).toBe(6)

    const reader = recorded(id)
    expect(await reader.db.queueStats(pk, { ...some, deadLetter })).toMatchObject({ delayed: 1, dead: 3 })
    await reader.db.queuePeek({ pk, ...some })
    expect(await reader.db.queuePeek({ pk: deadLetter ?? `${pk}#dead` })).toHaveLength(3)

    const owner = recorded(id)
    expect(await owner.db.queueRedrive({ from: deadLetter ?? `${pk}#dead`, ...some })).toBe(3)
    await owner.db.queuePurge(pk, some)

    expect(refusals(of('Producer'), producer.requests)).toEqual([])
    for (const name of ['Consumer', worker]) expect(refusals(of(name), consumer.requests)).toEqual([])
    expect(refusals(of('Reader'), reader.requests)).toEqual([])
    const all = [producer, consumer, reader, owner].flatMap(({ requests }) => requests)
    expect(refusals(of('Owner'), all)).toEqual([])
    // Each of the narrower roles lacks what the others do, and one worker what the other one does.
    expect(refusals(of('Producer'), consumer.requests)).not.toEqual([])
    // A producer looks whether a promise holds; all else that it asks for are writes.
    const writes = producer.requests.filter(({ action }) => !/:(Batch)?GetItem$/.test(action))
    expect(refusals(of('Reader'), writes)).toEqual(writes)
    const other = worker === 'Plain' ? 'Sharded' : 'Plain'
    expect(consumer.requests.filter((one) => isAllowed(of(other), one))).toEqual([])
    for (const { client } of [producer, consumer, reader, owner]) client.destroy()
  })

  it.each(kinds)('%s: with limits, and jobs that are asked about', async (_, kind, worker) => {
    const { pk, shards } = kind
    const [producer, consumer, reader, owner] = [recorded(id), recorded(id), recorded(id), recorded(id)]
    const options = {
      pk,
      ...(shards !== undefined && { shards }),
      deadLetter: kind.deadLetter ?? `${pk}#dead`,
    }
    const [job, other] = await new Jobs(producer.db, options).push([{ data: 1, group: 'g' }, { data: 2 }])
    expect(await new Jobs(owner.db, options).cancel(other!)).toBe(true)
    const handler = new Jobs<number>(consumer.db, options).handler(async (item, { progress }) => {
      await progress(item.data)
      return 'done'
    })
    const limits = { concurrency: 5, groupConcurrency: 1, rate: { limit: 100, windowMs: 1000 } }
    await queueLambda(consumer.db, handler, { ...kind, limits })(
      { queue: pk },
      lambdaContext('worker', 20_000),
    )
    expect(await new Jobs(reader.db, options).status(job!)).toMatchObject({ state: 'done' })
    expect(await new Jobs(reader.db, options).status(other!)).toMatchObject({ state: 'cancelled' })
    expect(refusals(of('Producer'), producer.requests)).toEqual([])
    for (const name of ['Consumer', worker]) expect(refusals(of(name), consumer.requests)).toEqual([])
    expect(refusals(of('Reader'), reader.requests)).toEqual([])
    const all = [producer, consumer, reader, owner]
    expect(
      refusals(
        of('Owner'),
        all.flatMap(({ requests }) => requests),
      ),
    ).toEqual([])
    expect(refusals(of('Reader'), consumer.requests)).not.toEqual([])
    for (const { client } of all) client.destroy()
  })

  it('a tenant: all of its queues, with limits and jobs, and nobody else', async () => {
    const { db: client, requests, client: raw } = recorded(id)
    const pk = 'acme#jobs'
    const jobs = new Jobs<number>(client, { pk })
    const [job] = await jobs.push({ data: 1, group: 'g' })
    const limits = { concurrency: 5, groupConcurrency: 1, rate: { limit: 100, windowMs: 1000 } }
    await queueLambda(
      client,
      jobs.handler(() => 'done'),
      { pk, limits },
    )({}, lambdaContext('worker', 20_000))
    expect(await jobs.status(job!)).toMatchObject({ state: 'done' })
    await client.queuePush({ pk, family: 'acme#', data: 1 })
    await client.queueStats({ family: 'acme#' })
    await client.queuePurge({ family: 'acme#' })
    expect(refusals(of('Tenant'), requests)).toEqual([])
    expect(requests.filter((one) => isAllowed(of('Stranger'), one))).toEqual([])
    raw.destroy()
  })

  it('whoever is woken by the stream: its readers are elected by rows of their own', async () => {
    const { db: client, requests, client: raw } = recorded(id)
    const end = streamsWakeUp(client, new FakeStreams('a'), { tableName: 'app' })(() => {}, {
      pk: 'jobs',
    }) as () => void
    await expect.poll(() => requests.length).toBeGreaterThan(0)
    end()
    await new Promise((done) => setTimeout(done, 100))
    expect(refusals(of('Woken'), requests)).toEqual([])
    expect(refusals(of('Reader'), requests)).toEqual(requests)
    raw.destroy()
  })

  test.each(['Producer', 'Consumer', 'Reader', 'Owner', 'Plain', 'Sharded'])('%s: nothing else', (name) => {
    expectNothingElse(of(name), id)
  })
})

describe('of the example', () => {
  const template = Template.fromStack(
    new LockrowStack(newApp({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Lockrow'),
  )
  const id = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))[0]!
  const policies = (name: string) => policiesOf(template, `Orders${name}`)

  it('each handler does what its role allows', async () => {
    const [api, read, worker] = [recorded(id), recorded(id), recorded(id)]
    const context = () => lambdaContext('fn', 30_000)
    const owner = new AtomicDynamoDB(admin, table)
    await owner.set({ ...productKey('boot'), data: { left: 2 } })
    const place = apiHandler(api.db)
    const order = { product: 'boot', quantity: 1, customer: 'ann' }
    const { body } = await place(postOrder(order, 'key-1'), context())
    for (const key of ['key-1', 'key-2', 'key-3']) await place(postOrder(order, key), context())
    await place(postOrder({ ...order, product: 'none' }, 'key-4'), context())
    const look = readHandler(read.db)
    await look(getOrder((JSON.parse(body!) as { id: string }).id), context())
    await look(getStock('boot'), context())
    const ship = workerHandler(worker.db, { table })
    expect(await ship(scheduleEvent(OUTBOX), context())).toEqual({ handled: 2, empty: true })

    expect(refusals(policies('Api'), api.requests)).toEqual([])
    expect(refusals(policies('Read'), read.requests)).toEqual([])
    expect(refusals(policies('Worker'), worker.requests)).toEqual([])
    expect(refusals(policies('Read'), worker.requests)).not.toEqual([])
    for (const { client } of [api, read, worker]) client.destroy()
  })

  it('each handler does so through lost replies, throttling and conflicts as well', async () => {
    const [api, read, worker] = [recorded(id), recorded(id), recorded(id)]
    const rates = { dropReply: 0.2, throttle: 0.1, conflict: 0.1 }
    const faults = [api, read, worker].map(({ client }, seed) =>
      injectFaults(client, { seed, rates, log: () => {} }),
    )
    await new AtomicDynamoDB(admin, table).set({ ...productKey('coat'), data: { left: 12 } })
    const context = () => lambdaContext('fn', 30_000)
    for (let n = 0; n < 8; n++) {
      await apiHandler(api.db)(
        postOrder({ product: 'coat', quantity: 1, customer: 'bob' }, `f-${n}`),
        context(),
      )
      await readHandler(read.db)(getStock('coat'), context())
    }
    // A pull that fails ends a run; the next one goes on.
    for (let run = 0; run < 3; run++)
      await workerHandler(worker.db, { table })(scheduleEvent(OUTBOX), context()).catch(() => {})
    expect(faults.reduce((sum, { counts }) => sum + counts.dropReply, 0)).toBeGreaterThan(2)
    expect(refusals(policies('Api'), api.requests)).toEqual([])
    expect(refusals(policies('Read'), read.requests)).toEqual([])
    expect(refusals(policies('Worker'), worker.requests)).toEqual([])
    for (const { client } of [api, read, worker]) client.destroy()
  })

  /** What each role may do with a row of each kind, of all that there is to do with rows. */
  const rows = {
    order: 'order#1',
    product: 'product#boot',
    outbox: OUTBOX,
    dead: `${OUTBOX}#dead`,
    other: 'user#1',
  }
  const commits = 'BatchGetItem ConditionCheckItem DeleteItem GetItem PutItem UpdateItem'
  const consumes = 'BatchGetItem ConditionCheckItem DeleteItem GetItem PutItem Query UpdateItem'
  const permitted: Record<string, Record<keyof typeof rows, string>> = {
    Api: { order: commits, product: commits, outbox: commits, dead: '', other: '' },
    Read: { order: 'GetItem', product: 'GetItem', outbox: '', dead: '', other: '' },
    Worker: { order: commits, product: '', outbox: consumes, dead: consumes, other: '' },
  }
  const actions = [...consumes.split(' '), 'BatchWriteItem', 'Scan', 'PartiQLSelect', 'PartiQLUpdate']

  test.each(Object.entries(permitted))(
    '%s: these actions on these rows, and nothing else',
    (name, expected) => {
      const resource = tableArn(id)
      const found = Object.entries(rows).map(([kind, key]) => {
        const may = actions.filter((each) =>
          isAllowed(policies(name), { action: `dynamodb:${each}`, resource, keys: [key] }),
        )
        return [kind, may.join(' ')]
      })
      expect(Object.fromEntries(found)).toEqual(expected)
      expectNothingElse(policies(name), id)
    },
  )
})

describe('the evaluator', () => {
  const allow = (more: object = {}) => ({ Effect: 'Allow', Action: 'dynamodb:Get*', Resource: '*', ...more })
  const request = { action: 'dynamodb:GetItem', resource: tableArn('T'), keys: ['a#1'] }

  test('denies what no statement allows, and what one denies', () => {
    expect(isAllowed([], request)).toBe(false)
    expect(isAllowed([allow()], request)).toBe(true)
    expect(isAllowed([allow(), { ...allow(), Effect: 'Deny' }], request)).toBe(false)
    expect(isAllowed([allow({ Resource: tableArn('U') })], request)).toBe(false)
  })

  test('puts the tags of the session in for variables, literally, and matches nothing without them', () => {
    const Condition = {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['$' + '{aws:PrincipalTag/Tenant}#*'] },
    }
    const asTenant = (Tenant: string) => isAllowed([allow({ Condition })], request, { Tenant })
    expect(asTenant('a')).toBe(true)
    expect(asTenant('b')).toBe(false)
    expect(asTenant('*')).toBe(false)
    expect(isAllowed([allow({ Condition })], request)).toBe(false)
  })

  test.each([
    ['operator', { NumericEquals: { 'dynamodb:LeadingKeys': '1' } }],
    ['condition key', { StringEquals: { 'unheard-of': 'x' } }],
    ['policy variable', { StringLike: { 'dynamodb:LeadingKeys': '$' + '{unheard:of}' } }],
  ])('refuses to judge an unknown %s', (what, Condition) => {
    expect(() => isAllowed([allow({ Condition })], request)).toThrow(`Unknown ${what}`)
  })
})
