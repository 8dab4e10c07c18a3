// Grants by method and by feature: what is named is allowed, and nothing else.

import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import {
  type AtomicDbInterface,
  AtomicMemoryDb,
  atomic,
  Counter,
  consume,
  idempotent,
  Jobs,
  KeyValue,
  Liveness,
  Mutex,
  NonceSequence,
  QueueWorker,
  queueLambda,
  RateLimiter,
  ReadWriteLock,
  Semaphore,
  transaction,
} from 'lockrow'
import { collection, migrate, planMigration, typed } from 'lockrow/collections'
import { reserveUnique } from 'lockrow/recipes'
import { listSchedules, removeSchedule, Scheduler, schedule, schedulesLambda } from 'lockrow/schedules'
import { streamsWakeUp } from 'lockrow/streams'
import { describe, expect, it, test } from 'vitest'
import {
  AtomicTable,
  type AtomicTableProps,
  type GrantFeature,
  type GrantOptions,
} from '../../infra/cdk/index.ts'
import { callsOf, type GrantMethod, NEEDS } from '../../infra/cdk/methods.ts'
import { rowScan } from '../../src/model/scan-rows.ts'
import { FakeStreams } from '../streams/fake-streams.ts'
import { actionsIn, type Json, newApp, statements } from './helpers.ts'
import { isAllowed, resolve, tableArn } from './iam.ts'

const HOME = { account: '111111111111', region: 'eu-west-1' }

function granted(options: GrantOptions, props: (stack: Stack) => AtomicTableProps = () => ({})): Json[] {
  const stack = new Stack(newApp(), 'Test', { env: HOME })
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  new AtomicTable(stack, 'Db', props(stack)).grant(role, options)
  return statements(Template.fromStack(stack))
}

const keysOf = (statement: Json): string[] =>
  statement.Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']

describe('a grant by method', () => {
  test('gives the actions of the methods, on all keys or on those that are named', () => {
    const [all] = granted({ methods: ['get', 'queuePush'] })
    expect(actionsIn(all)).toEqual(
      [
        'BatchGetItem',
        'BatchWriteItem',
        'ConditionCheckItem',
        'DeleteItem',
        'GetItem',
        'PutItem',
        'UpdateItem',
      ].map((name) => `dynamodb:${name}`),
    )
    expect(all.Condition).toBeUndefined()
    const [one] = granted({ methods: ['get', 'queuePush'], pks: ['mails'], pkPrefixes: ['user#'] })
    expect(keysOf(one)).toEqual([
      'mails',
      'mails#payload#*',
      'mails#dedup#*',
      'mails#once#*',
      'mails#work',
      'mails#scheduled',
      'user#*',
    ])
  })

  test('gives no partitions beside the named ones that its methods do not touch', () => {
    expect(keysOf(granted({ methods: ['get', 'update'], pks: ['a'] })[0])).toEqual(['a'])
    expect(keysOf(granted({ methods: ['queueStats'], pks: ['a'] })[0])).toEqual([
      'a',
      'a#dead',
      'a#dead#payload#*',
      'a#work',
      'a#scheduled',
    ])
    const queues = [{ pk: 'a', shards: 2 }]
    expect(keysOf(granted({ methods: ['queuePurge'], queues })[0])).toEqual([
      'a#shard0',
      'a#shard1',
      'a#shard0#payload#*',
      'a#shard1#payload#*',
      'a',
      'a#work',
      'a#scheduled',
    ])
  })

  test('scan is a grant of its own, and no other method or feature holds it', () => {
    const [scan] = granted({ methods: ['scan'] })
    expect(actionsIn(scan)).toEqual(['dynamodb:Scan'])
    // A scan names no key: a statement that asks for keys must not let it pass.
    const asks = (statement: Json) =>
      isAllowed([statement], {
        action: 'dynamodb:Scan',
        resource: resolve(statement.Resource),
        keys: undefined,
      })
    expect(asks(scan)).toBe(true)
    const methods = (Object.keys(NEEDS) as GrantMethod[]).filter((name) => name !== 'scan')
    const features: GrantFeature[] = ['Mutex', 'QueueWorker', 'schedule', 'transaction']
    expect(asks(granted({ methods, features })[0])).toBe(false)
    expect(asks(granted({ methods, features, pkPrefixes: ['a#'] })[0])).toBe(false)
  })

  test.each<[string, object, RegExp]>([
    ['nothing', {}, /methods and features are both empty/],
    ['empty lists', { methods: [], features: [] }, /methods and features are both empty/],
    ['no method', { methods: ['getMeny'] }, /methods: unknown name 'getMeny': did you mean 'getMany'/],
    ['a feature among the methods', { methods: ['Mutex'] }, /'Mutex': it is one of features/],
    ['a method among the features', { features: ['get'] }, /'get': it is one of methods/],
    ['no feature', { features: ['Mutx'] }, /features: unknown name 'Mutx': did you mean 'Mutex'/],
    ['a name that every object has', { methods: ['toString'] }, /unknown name 'toString'/],
    ['no keys', { methods: ['get'], pks: [] }, /pks, queues and pkPrefixes are all empty/],
    [
      'a prefix without separator',
      { methods: ['get'], pkPrefixes: ['a'] },
      /pkPrefixes: 'a' would also match/,
    ],
    ['keys of a scan', { methods: ['get', 'scan'], pks: ['a'] }, /scan reads the whole table/],
    ['no region', { methods: ['get'], regions: [] }, /regions is empty/],
    [
      'a region without replica',
      { methods: ['get'], regions: ['us-east-1'] },
      /regions: .*'us-east-1' \(eu-west-1\)/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => granted(options as GrantOptions)).toThrow(message)
  })
})

describe('a grant by feature', () => {
  /** The database itself: what makes schedules is no driver of them. */
  const due = (db: AtomicDbInterface) => unwrapped.get(db)!
  const unwrapped = new WeakMap<AtomicDbInterface, AtomicDbInterface>()
  /** What a program does with it, on a database that tells its methods. */
  const key = { pk: 'a', sk: 'b' }
  const uses: Record<GrantFeature, (db: AtomicDbInterface) => unknown> = {
    Counter: async (db) => {
      const counter = new Counter(db, key, { shards: 3 })
      await counter.increment()
      await counter.get()
    },
    Jobs: async (db) => {
      const jobs = new Jobs<number, number>(db, { pk: 'q' })
      const [job, other] = await jobs.push([{ data: 1 }, { data: 2 }])
      await jobs.cancel(other!)
      const { item } = await due(db).queuePull<number>({ pk: 'q' })
      const { signal } = new AbortController()
      await jobs.handler(async ({ data }, { progress }) => {
        await progress(1)
        return data
      })(item!, { signal })
      expect(await jobs.status(job!)).toMatchObject({ state: 'done' })
    },
    KeyValue: async (db) => {
      const values = new KeyValue(db, 'kv')
      await values.set('a', '1')
      await values.get('a')
      await values.increment('n')
      await values.delete('a')
    },
    Liveness: async (db) => {
      const liveness = await new Liveness(db, { heartbeatMs: 1000, deadAfterMs: 5000 }).start()
      await liveness.stop()
    },
    Mutex: async (db) => {
      const mutex = new Mutex(db, key, { ttlMs: 5000, fair: true })
      await mutex.run(() => {})
      await mutex.peek()
    },
    NonceSequence: async (db) => {
      const nonces = new NonceSequence(db, key)
      await nonces.assign(0)
      await nonces.reset(5)
    },
    QueueWorker: async (db) => {
      await db.queuePush([
        { pk: 'q', data: 1 },
        { pk: 'q', data: 2 },
      ])
      let handled = 0
      await new Promise<void>((done) => {
        const worker = new QueueWorker(
          db,
          () => {
            if (++handled === 2) void worker.stop().then(done)
            else throw new Error('again')
          },
          { pk: 'q', idleMs: [1, 5] },
        )
      })
    },
    RateLimiter: (db) => new RateLimiter(db, key, { limit: 2, windowMs: 1000 }).take(),
    ReadWriteLock: async (db) => {
      const lock = new ReadWriteLock(db, key, { ttlMs: 5000 })
      await lock.runRead(() => {})
      await lock.runWrite(() => {})
    },
    Scheduler: async (db) => {
      await schedule(due(db), { name: 'a', everyMs: 1000 }, { pk: 'q' })
      const scheduler = new Scheduler(db)
      await new Promise((done) => setTimeout(done, 50))
      await scheduler.stop()
    },
    Semaphore: (db) => new Semaphore(db, key, { permits: 2, ttlMs: 5000 }).run(() => {}),
    atomic: (db) =>
      atomic(db)
        .set({ ...key, data: 1 })
        .commit(),
    consume: async (db) => {
      await db.queuePush({ pk: 'q', data: 1 })
      const { item } = await db.queuePull({ pk: 'q' })
      await consume(db, item!, async (tx) => {
        await tx.get(key)
        tx.set({ ...key, data: 1 })
      })
    },
    migrate: async (db) => {
      const users = collection(db, 'users', {
        schema: typed<{ id: string; team: string }>(),
        key: { partition: ['id'] },
        version: 2,
        upgrades: { 2: (item: object) => ({ ...item }) },
        indexes: { team: { key: 'team', retired: true }, name: { key: 'team', since: 2 } },
        unique: { one: { key: 'team', since: 2 } },
      })
      await due(db).set({ pk: 'users#a', sk: '#', data: { id: 'a', team: 'red' } })
      await due(db).set({ pk: 'users##state', sk: '#', data: { 'i:team': '1.1.a.b' } })
      await due(db).set({ pk: 'users##team#red', sk: 'a', data: { id: 'a' } })
      await planMigration(users)
      await migrate(users, { wruPerSecond: 1000 })
    },
    idempotent: (db) => idempotent(db, key, async () => 1, { ttlSeconds: 60 }),
    queueLambda: async (db) => {
      await db.queuePush({ pk: 'q', data: 1 })
      const context = { getRemainingTimeInMillis: () => 20_000 }
      await queueLambda(db, () => {}, { pk: 'q' })({}, context as never)
    },
    reserveUnique: (db) => reserveUnique(db, 'users', { ...key, data: 1 }, { email: 'a@b.c' }),
    schedule: async (db) => {
      await schedule(db, { name: 'a', everyMs: 1000 }, { pk: 'q' })
      await listSchedules(db)
      await removeSchedule(db, 'a')
    },
    schedulesLambda: async (db) => {
      await schedule(due(db), { name: 'a', everyMs: 1000 }, { pk: 'q' })
      expect(await schedulesLambda(db)({}, { getRemainingTimeInMillis: () => 20_000 })).toMatchObject({
        fired: 90,
      })
    },
    streamsWakeUp: async (db) => {
      const wakeUp = streamsWakeUp(db, new FakeStreams('a'), { tableName: 'app' })
      const end = wakeUp(() => {}, { pk: 'q' }) as () => void
      await new Promise((done) => setTimeout(done, 50))
      end()
      await new Promise((done) => setTimeout(done, 50))
    },
    transaction: (db) =>
      transaction(db, async (tx) => {
        await tx.get(key)
        await tx.query({ pk: 'a' })
        tx.set({ ...key, data: 1 })
      }),
  }

  test('covers the limits of workers and the states of jobs beside their queue', () => {
    const pks = ['mails']
    expect(keysOf(granted({ features: ['QueueWorker'], pks })[0])).toContain('mails#limits')
    expect(keysOf(granted({ features: ['queueLambda'], pks })[0])).toContain('mails#limits')
    const queues = [{ pk: 'mails', shards: 2 }]
    for (const named of [{ pks }, { queues }]) {
      const keys = keysOf(granted({ features: ['Jobs'], ...named })[0])
      expect(keys).toContain('mails#job#*')
      expect(keys).toContain('mails#dead')
    }
  })

  it.each(Object.keys(uses) as GrantFeature[])('%s calls what is granted for it', async (feature) => {
    const called = new Set<string>()
    const db = new AtomicMemoryDb()
    const own = new Set(['queuePush', 'queuePull'])
    const telling = new Proxy(db as AtomicDbInterface, {
      get(target, name) {
        const value = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (!own.has(String(name))) called.add(name === rowScan ? 'scan' : String(name))
          return value.apply(target, args)
        }
      },
    })
    unwrapped.set(telling, db)
    await uses[feature](telling)
    expect(called.size).toBeGreaterThan(0)
    expect([...called].filter((method) => !callsOf(feature).includes(method as never))).toEqual([])
  })

  test('adds up with methods', () => {
    const [mutex] = granted({ features: ['Mutex'], methods: ['queuePush'], pks: ['locks', 'mails'] })
    const asks = (action: string) =>
      isAllowed([mutex], { action: `dynamodb:${action}`, resource: resolve(mutex.Resource), keys: ['locks'] })
    expect(['UpdateItem', 'GetItem', 'BatchWriteItem'].map(asks)).toEqual([true, true, true])
    expect(['Query', 'Scan', 'PartiQLSelect'].map(asks)).toEqual([false, false, false])
  })
})

describe('a grant in other regions', () => {
  const replicas = [{ region: 'eu-central-1' }, { region: 'us-east-1' }]
  const resources = (statement: Json) => [statement.Resource].flat().map(resolve)

  test('is for the own one unless others are named', () => {
    const [own] = granted({ methods: ['get'] }, () => ({ replicas }))
    expect(resources(own)).toHaveLength(1)
    const regions = ['eu-west-1', 'us-east-1']
    const [both] = granted({ methods: ['get'], regions, pks: ['a'] }, () => ({ replicas }))
    expect(both.Condition.Null).toBeDefined()
    const name = resources(both)[0]!.split('/')[1]!
    expect(resources(both)).toEqual([tableArn(name), tableArn(name, 'us-east-1')])
    const [only] = granted({ methods: ['get'], regions: ['us-east-1'] }, () => ({ replicas }))
    expect(only.Condition).toBeUndefined()
    expect(resources(only)).toEqual([tableArn(name, 'us-east-1')])
  })

  test('may use the key of each of them, through DynamoDB there', () => {
    const arn = (region: string) => `arn:aws:kms:${region}:111111111111:key/k`
    const props = (stack: Stack) => ({
      encryptionKey: Key.fromKeyArn(stack, 'Key', arn('eu-west-1')),
      replicas: replicas.map(({ region }) => ({ region, keyArn: arn(region) })),
    })
    const found = granted({ methods: ['get'], regions: ['eu-west-1', 'us-east-1'] }, props)
    const keys = found.filter((statement) => actionsIn(statement).includes('kms:Decrypt'))
    expect(
      keys.map((statement) => [
        statement.Resource,
        resolve(statement.Condition.StringEquals['kms:ViaService']),
      ]),
    ).toEqual([
      [arn('eu-west-1'), 'dynamodb.eu-west-1.amazonaws.com'],
      [arn('us-east-1'), 'dynamodb.us-east-1.amazonaws.com'],
    ])
  })

  test('of an imported table follows its ARN', () => {
    const stack = new Stack(newApp(), 'Test', { env: HOME })
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    const theirs = 'arn:aws:dynamodb:eu-north-1:222222222222:table/theirs'
    AtomicTable.fromTableArn(stack, 'Db', theirs, { replicas }).grantRead(role, {
      regions: ['eu-north-1', 'us-east-1'],
    })
    expect(statements(Template.fromStack(stack))[0].Resource).toEqual([
      theirs,
      theirs.replace('eu-north-1', 'us-east-1'),
    ])
  })
})
