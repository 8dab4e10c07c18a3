// The actions of the grants are those of the calls that were really made: no more, no less.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { type AtomicDbInterface, atomic, consume } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { conformanceSuite } from 'lockrow/testing'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { ACTIONS, type AtomicTable, actionsOf, type GrantPurpose } from '../../infra/cdk/index.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { evaluate, statements, synth } from './helpers.ts'

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
}
const METHODS = Object.keys(PURPOSES) as Method[]

const running = new AsyncLocalStorage<Method>()
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
      const method = running.getStore()
      // Asked once to explain a refusal; the refusal stands without it, so no grant has it.
      if (context.commandName !== 'DescribeTableCommand')
        for (const action of actionsOf(String(context.commandName), args.input as object))
          noted(actions, method).add(action)
      for (const pk of partitionsIn(args.input)) noted(partitions, method).add(pk)
      return next(args)
    },
    { step: 'initialize', name: 'record' },
  )
  return client
}

/** The partition keys of a request: of its keys and items, and that of a query. */
function partitionsIn(input: unknown): string[] {
  if (typeof input !== 'object' || input === null) return []
  return Object.entries(input).flatMap(([name, value]) => {
    const text = (value as { S?: unknown } | undefined)?.S
    return (name === 'pk' || name === ':p') && typeof text === 'string' ? [text] : partitionsIn(value)
  })
}

/** The outermost call counts: what it calls is part of it. */
const as = <R>(method: Method, work: () => R): R => running.run(running.getStore() ?? method, work)

/** The same database, telling which of its methods is running. */
function telling(db: AtomicDbInterface): AtomicDbInterface {
  return new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => as(name as Method, () => value.apply(target, args))
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
    } finally {
      await dropTable(admin, table)
    }
  })

  it.each(['grantQueueProducer', 'grantQueueConsumer'] as const)('stays within %s of its key', (name) => {
    const purpose = name === 'grantQueueProducer' ? 'queueProducer' : 'queueConsumer'
    const narrowed = (pks: string[]) => conditionOf((db, role) => db[name](role, { pks }))
    const touched = [...union(partitions, purpose)].filter((pk) => /^jobs(#|$)/.test(pk))
    expect(touched.some((pk) => pk.startsWith('jobs#payload#'))).toBe(true)
    expect(evaluate(narrowed(['jobs', 'jobs#dead']), touched)).toBe(true)
    expect(evaluate(narrowed(['job']), touched)).toBe(false)
  })
})

describe('the actions recorded', () => {
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
