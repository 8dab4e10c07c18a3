// What the class QueueWorker and the command line really send is allowed by the grant that is meant for it, and by no less.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Mutex, QueueWorker } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { cli } from '../cli/helpers.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { fixture, type Json } from './helpers.ts'
import { type IamRequest, isAllowed, policiesOf, requestsOf, tableArn } from './iam.ts'

const { stack, db: table } = fixture()
const role = (name: string) =>
  new Role(stack, name, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
const queues = [{ pk: 'jobs' }, { pk: 'mails', shards: 3, deadLetterPk: 'graveyard' }]
const pks = ['user#1', 'locks']
table.grantQueueProducer(role('Producer'), { queues })
table.grantQueueConsumer(role('Consumer'), { queues })
table.grant(role('Worker'), { features: ['QueueWorker'], queues })
table.grantRead(role('Reader'), { queues, pks })
// The counts of the dead-letter queue itself look for its own dead letters.
const dead = [{ pk: 'jobs' }, { pk: 'jobs#dead' }]
table.grantReadWrite(role('Owner'), { queues: [...queues, ...dead], pks })
table.grant(role('Redrive'), { methods: ['queueRedrive', 'queueStats'], queues: dead })
const template = Template.fromStack(stack)
const resource = tableArn(Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))[0]!)
const policies = new Map<string, Json[]>()
const of = (name: string): Json[] => {
  if (!policies.has(name)) policies.set(name, policiesOf(template, name))
  return policies.get(name)!
}
const refused = (name: string, requests: readonly IamRequest[]) =>
  requests.filter((request) => !isAllowed(of(name), request))

/** DynamoDB Local behind a server that notes what is asked of it. */
const sent: IamRequest[] = []
const server = createServer(async (request, response) => {
  const body = await buffer(request as IncomingMessage)
  const operation = String(request.headers['x-amz-target']).split('.')[1]!
  sent.push(...requestsOf(operation, JSON.parse(body.toString()) as object, resource))
  const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
  const reply = await fetch(inject('dynamoEndpoint'), {
    method: 'POST',
    headers: headers as Record<string, string>,
    body: new Uint8Array(body),
  })
  response.writeHead(reply.status, { 'content-type': 'application/x-amz-json-1.0' })
  response.end(Buffer.from(await reply.arrayBuffer()))
})
let endpoint = ''
let name = ''
const admin = localClient(inject('dynamoEndpoint'))
beforeAll(async () => {
  name = await freshTable(admin, 'sent')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => sent.splice(0))
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await dropTable(admin, name)
  admin.destroy()
})

describe('QueueWorker', () => {
  it.each<[string, { pk: string; shards?: number; deadLetter?: string; strict?: boolean }]>([
    ['a plain queue', { pk: 'jobs' }],
    ['a strict queue', { pk: 'jobs', strict: true }],
    ['a sharded queue with dead letters elsewhere', { pk: 'mails', shards: 3, deadLetter: 'graveyard' }],
  ])(
    '%s: plain, delayed, deduplicated, grouped, large and poisonous messages',
    async (title, kind) => {
      const client = localClient(endpoint)
      const owner = new AtomicDynamoDB(admin, name)
      const { pk, shards } = kind
      const some = shards === undefined ? {} : { shards }
      const large = 'x'.repeat(3000)
      await owner.queuePush(
        [1, 2, 3].map((data) => ({ pk, data, group: `g${data}` })),
        some,
      )
      await owner.queuePush({ pk, data: 'later', delaySeconds: 1 }, some)
      await owner.queuePush({ pk, data: large, deduplicationId: title }, { ...some, payloadThreshold: 1000 })
      await owner.queuePush(
        [
          { pk, data: 'poison' },
          { pk, data: large },
        ],
        { ...some, payloadThreshold: 1000 },
      )
      const left = new Set(['done', 'dead'])
      let handled = 0
      await new Promise<void>((resolve) => {
        const worker = new QueueWorker(
          new AtomicDynamoDB(client, name),
          ({ data }) => {
            if (data === 'poison') throw new Error('poison')
            if (++handled === 6) left.delete('done')
          },
          {
            ...kind,
            concurrency: 3,
            maxReceives: 2,
            backoff: { baseSeconds: 0 },
            visibilitySeconds: 5,
            idleMs: [5, 50],
            onEvent: ({ type }) => {
              if (type === 'dead') left.delete('dead')
              if (left.size === 0) void worker.stop().then(resolve)
            },
          },
        )
        const done = setInterval(() => {
          if (left.size > 0) return
          clearInterval(done)
          void worker.stop().then(resolve)
        }, 20)
      })
      client.destroy()
      expect(sent.length).toBeGreaterThan(10)
      expect(refused('Consumer', sent)).toEqual([])
      expect(refused('Worker', sent)).toEqual([])
      // Who may redrive a queue may do with its rows nearly what a worker does; of another queue nothing.
      const others = ['Producer', 'Reader', ...(pk === 'mails' ? ['Redrive'] : [])]
      for (const other of others) expect(refused(other, sent)).not.toEqual([])
      await owner.queuePurge(kind.deadLetter ?? `${pk}#dead`)
    },
    20_000,
  )
})

describe('the command line', () => {
  const calls: [string, string[], string[]][] = [
    ['get', ['get', 'user#1', 'a'], ['Reader', 'Owner']],
    ['query', ['query', 'user#1'], ['Reader', 'Owner']],
    ['count', ['query', 'user#1', '--count'], ['Reader', 'Owner']],
    ['lock show', ['lock', 'show', 'user#1', 'a'], ['Reader', 'Owner']],
    ['mutex show', ['mutex', 'show', 'locks', 'm'], ['Reader', 'Owner']],
    ['mutex force-release', ['mutex', 'force-release', 'locks', 'm', '--yes'], ['Owner']],
    ['queue push', ['queue', 'push', 'jobs', '1', '--deduplication-id', 'x'], ['Producer', 'Owner']],
    ['queue push, sharded', ['queue', 'push', 'mails', '1', '--shards', '3'], ['Producer', 'Owner']],
    ['queue stats', ['queue', 'stats', 'jobs'], ['Reader', 'Owner', 'Redrive']],
    ['queue peek', ['queue', 'peek', 'mails', '--shards', '3'], ['Reader', 'Owner']],
    ['queue redrive', ['queue', 'redrive', 'jobs', '--yes'], ['Owner', 'Redrive']],
    [
      'queue cancel',
      ['queue', 'cancel', 'jobs', '--unique-id', 'x', '--yes'],
      ['Owner', 'Producer', 'Redrive'],
    ],
    ['queue purge', ['queue', 'purge', 'jobs', '--yes'], ['Owner']],
    // What looks at the table itself, or at all rows, is in no grant.
    ['check', ['check'], []],
    ['convert', ['convert', '--dry-run'], []],
  ]

  it.each(calls)('%s is allowed to whom it is meant for', async (_, argv, roles) => {
    const owner = new AtomicDynamoDB(admin, name)
    await owner.set({ pk: 'user#1', sk: 'a', data: 1 })
    await owner.getLock({ pk: 'user#1', sk: 'a#lock' })
    await new Mutex(owner, { pk: 'locks', sk: 'm' }, { ttlMs: null }).tryAcquire()
    await owner.queuePush({ pk: 'jobs', data: 'poison' })
    const { item } = await owner.queuePull({ pk: 'jobs' })
    await owner.queueRelease(item!, { deadLetter: 'jobs#dead', reason: 'test' })
    if (argv.includes('cancel')) await owner.queuePush({ pk: 'jobs', uniqueId: 'x' })
    const env = { NO_COLOR: '1', LOCKROW_TABLE: name, AWS_ENDPOINT_URL_DYNAMODB: endpoint }
    expect(await cli(argv, { env })).toMatchObject({ code: 0, err: '' })
    expect(sent.length).toBeGreaterThan(0)
    const all = ['Producer', 'Consumer', 'Worker', 'Reader', 'Owner', 'Redrive']
    const allowed = all.filter((one) => refused(one, sent).length === 0)
    expect(allowed.filter((one) => ['Reader', 'Owner', 'Producer', 'Redrive'].includes(one)).sort()).toEqual(
      [...roles].sort(),
    )
  })
})
