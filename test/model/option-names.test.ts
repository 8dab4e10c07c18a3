import {
  AtomicBuilder,
  AtomicLRUCache,
  AtomicMemoryDb,
  atomic,
  Counter,
  consume,
  exactlyOnce,
  fenced,
  InvalidInput,
  idempotent,
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
  watch,
} from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { AtomicDynamoDB, createTable } from 'lockrow/dynamo'
import { withTracing } from 'lockrow/otel'
import {
  addClamped,
  addWithin,
  allocateBlock,
  changeUnique,
  compareAndDelete,
  compareAndSet,
  decrement,
  increment,
  putIfAbsent,
  releaseUnique,
  reserveUnique,
  uniqueOwner,
} from 'lockrow/recipes'
import { AtomicChaosDb } from 'lockrow/testing'
import { describe, expect, test } from 'vitest'

/** What JavaScript lets through must be refused with the name of the argument, not with a TypeError. */

const key = { pk: 'p', sk: 'a' }
const lease = { ttlMs: 1000 }
const message = { ...key, receipt: 'r' } as never
const memory = new AtomicMemoryDb()
type Make = (given: never) => unknown

async function refused(call: () => unknown): Promise<InvalidInput> {
  try {
    await call()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInput)
    return error as InvalidInput
  }
  throw new Error('was not refused')
}

const ofDb: Record<string, Make> = {
  AtomicBuilder: (db) => new AtomicBuilder(db),
  AtomicChaosDb: (db) => new AtomicChaosDb(db),
  AtomicLRUCache: (db) => new AtomicLRUCache(db, 10),
  Counter: (db) => new Counter(db, key),
  KeyValue: (db) => new KeyValue(db, 'p'),
  Liveness: (db) => new Liveness(db),
  Mutex: (db) => new Mutex(db, key, lease),
  'Mutex.restore': (db) => Mutex.restore(db, '', lease),
  NonceSequence: (db) => new NonceSequence(db, key),
  QueueWorker: (db) => new QueueWorker(db, () => {}, { pk: 'q' }),
  RateLimiter: (db) => new RateLimiter(db, key, { limit: 1, windowMs: 1 }),
  ReadWriteLock: (db) => new ReadWriteLock(db, key, lease),
  Semaphore: (db) => new Semaphore(db, key, { permits: 1, ...lease }),
  addClamped: (db) => addClamped(db, key, 'n', 1, {}),
  addWithin: (db) => addWithin(db, key, 'n', 1),
  allocateBlock: (db) => allocateBlock(db, key, 1),
  atomic: (db) => atomic(db),
  changeUnique: (db) => changeUnique(db, 's', { ...key, data: 1 }, {}, {}),
  compareAndDelete: (db) => compareAndDelete(db, key, 1),
  compareAndSet: (db) => compareAndSet(db, key, 1, 2),
  consume: (db) => consume(db, message, () => {}),
  decrement: (db) => decrement(db, key, 'n'),
  exactlyOnce: (db) => exactlyOnce(db, () => {}),
  idempotent: (db) => idempotent(db, key, () => 1),
  increment: (db) => increment(db, key, 'n'),
  putIfAbsent: (db) => putIfAbsent(db, { ...key, data: 1 }),
  queueLambda: (db) => queueLambda(db, () => {}, { pk: 'q' }),
  releaseUnique: (db) => releaseUnique(db, 's', key, {}),
  reserveUnique: (db) => reserveUnique(db, 's', { ...key, data: 1 }, {}),
  transaction: (db) => transaction(db, () => 1),
  uniqueOwner: (db) => uniqueOwner(db, 's', 'n', 'v'),
  watch: (db) => watch(db, key).next(),
  withTracing: (db) => withTracing(db),
}

describe.each(Object.entries(ofDb))('%s', (_, make) => {
  test.each([
    [undefined, 'got undefined'],
    [null, 'got null'],
    ['table', 'got string'],
    [new Map(), 'such as an AtomicDynamoDB or AtomicMemoryDb, got object'],
    [Promise.resolve(memory), 'await it'],
    [{ send: () => {} }, 'new AtomicDynamoDB(client, tableName)'],
  ])('no database: %j', async (given, advice) => {
    const error = await refused(() => make(given as never))
    expect(error).toMatchObject({ field: 'db', message: expect.stringContaining(advice) })
  })
})

const callbacks: Record<string, [field: string, make: Make]> = {
  QueueWorker: ['handler', (fn) => new QueueWorker(memory, fn, { pk: 'q' })],
  queueLambda: ['handler', (fn) => queueLambda(memory, fn, { pk: 'q' })],
  exactlyOnce: ['handler', (fn) => exactlyOnce(memory, fn)],
  consume: ['handler', (fn) => consume(memory, message, fn)],
  transaction: ['fn', (fn) => transaction(memory, fn)],
  idempotent: ['fn', (fn) => idempotent(memory, key, fn)],
  'Mutex.run': ['fn', (fn) => new Mutex(memory, key, lease).run(fn)],
  'Semaphore.run': ['fn', (fn) => new Semaphore(memory, key, { permits: 1, ...lease }).run(fn)],
  'ReadWriteLock.runRead': ['fn', (fn) => new ReadWriteLock(memory, key, lease).runRead(fn)],
  'ReadWriteLock.runWrite': ['fn', (fn) => new ReadWriteLock(memory, key, lease).runWrite(fn)],
}

test.each(Object.entries(callbacks))(
  'a callback that is none is refused before anything is written: %s',
  async (_, [field, make]) => {
    for (const given of [undefined, null, {}, 'text', Promise.resolve()])
      expect((await refused(() => make(given as never))).field).toBe(field)
    expect(await memory.get(key)).toBeUndefined()
  },
)

const ofKey: Record<string, Make> = {
  Counter: (at) => new Counter(memory, at),
  Mutex: (at) => new Mutex(memory, at, lease),
  NonceSequence: (at) => new NonceSequence(memory, at),
  RateLimiter: (at) => new RateLimiter(memory, at, { limit: 1, windowMs: 1 }),
  ReadWriteLock: (at) => new ReadWriteLock(memory, at, lease),
  Semaphore: (at) => new Semaphore(memory, at, { permits: 1, ...lease }),
  idempotent: (at) => idempotent(memory, at, () => 1),
  addWithin: (at) => addWithin(memory, at, 'n', 1),
  addClamped: (at) => addClamped(memory, at, 'n', 1, { max: 1 }),
  allocateBlock: (at) => allocateBlock(memory, at, 1),
  compareAndSet: (at) => compareAndSet(memory, at, 1, 2),
  compareAndDelete: (at) => compareAndDelete(memory, at, 1),
  putIfAbsent: (at) => putIfAbsent(memory, at),
  reserveUnique: (at) => reserveUnique(memory, 's', at, {}),
  releaseUnique: (at) => releaseUnique(memory, 's', at, {}),
  transaction: (at) => transaction(memory, (tx) => tx.get(at)),
  watch: (at) => watch(memory, at).next(),
  get: (at) => memory.get(at),
  getLock: (at) => memory.getLock(at),
  update: (at) => memory.update(at, { set: { a: 1 } }),
  queueAcknowledge: (at) => memory.queueAcknowledge(at),
}

test.each(Object.entries(ofKey))('a key that is none: %s', async (_, make) => {
  for (const given of [undefined, null, 'p/a', 5, {}, { pk: 'p' }, { pk: 1, sk: 2 }, { pk: '', sk: 'a' }])
    expect((await refused(() => make(given as never))).field).toMatch(/^(key|item|entity)(\.|$)|^pk$|^sk$/)
})

test.each<[string, string, () => unknown]>([
  ['AtomicDynamoDB', 'client', () => new AtomicDynamoDB(undefined as never, 'table')],
  ['AtomicDynamoDB', 'tableName', () => new AtomicDynamoDB({ send() {} } as never, '')],
  ['createTable', 'client', () => createTable(undefined as never, 'table')],
  ['createTable', 'tableName', () => createTable({ send() {} } as never, undefined as never)],
  ['AtomicEngine', 'storage', () => new AtomicEngine(undefined as never)],
  ['AtomicLRUCache', 'maxItems', () => new AtomicLRUCache(memory, undefined as never)],
  ['Mutex', 'ttlMs', () => new Mutex(memory, key, undefined as never)],
  ['Semaphore', 'options', () => new Semaphore(memory, key, undefined as never)],
  ['ReadWriteLock', 'options', () => new ReadWriteLock(memory, key, undefined as never)],
  ['RateLimiter', 'limit', () => new RateLimiter(memory, key, undefined as never)],
  ['KeyValue', 'pk', () => new KeyValue(memory, undefined as never)],
  ['QueueWorker', 'options', () => new QueueWorker(memory, () => {}, undefined as never)],
  ['queueLambda', 'options', () => queueLambda(memory, () => {}, undefined as never)],
  ['exactlyOnce', 'options.retries', () => exactlyOnce(memory, () => {}, { retries: 3 } as never)],
  ['exactlyOnce', 'attempts', () => exactlyOnce(memory, () => {}, { attempts: 0 })],
  ['consume', 'message', () => consume(memory, undefined as never, () => {})],
  ['addClamped', 'options', () => addClamped(memory, key, 'n', 1, null as never)],
  ['fenced', 'changes', () => fenced(undefined as never, 1)],
])('what else must be given is named: %s without %s', async (_, field, call) => {
  expect((await refused(call)).field).toBe(field)
})
