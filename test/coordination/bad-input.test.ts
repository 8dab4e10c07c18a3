import {
  AtomicMemoryDb,
  Counter,
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
} from 'lockrow'
import { expect, it } from 'vitest'
import {
  callback,
  callbacks,
  counts,
  describeRefusals,
  durations,
  flag,
  flags,
  type Line,
  ms,
  positive,
  seconds,
  shards,
  signals,
  whole,
} from '../setup/bad-input.ts'

const db = new AtomicMemoryDb()
const key = { pk: 'p', sk: 'k' }
const handler = () => {}
const lines: Line[] = [
  ['Counter', (shards) => new Counter(db, key, { shards }), shards, 'shards', whole],
  ['queuePull', (shards) => db.queuePull({ pk: 'q', shards }), shards, 'shards', whole],
  ['QueueWorker', (shards) => new QueueWorker(db, handler, { pk: 'q', shards }), shards, 'shards', whole],
  ['queuePull', (maxReceives) => db.queuePull({ pk: 'q', maxReceives }), counts, 'maxReceives', whole],
  [
    'QueueWorker',
    (maxReceives) => new QueueWorker(db, handler, { pk: 'q', maxReceives }),
    // Infinity: a message is never buried.
    counts.filter((count) => count !== Number.POSITIVE_INFINITY),
    'maxReceives',
    whole,
  ],
  ['Mutex', (ttlMs) => new Mutex(db, key, { ttlMs }), positive, 'ttlMs', ms],
  [
    'Mutex',
    (clockToleranceMs) => new Mutex(db, key, { ttlMs: 1, clockToleranceMs }),
    durations,
    'clockToleranceMs',
    ms,
  ],
  [
    'Mutex',
    (heartbeatMs) => new Mutex(db, key, { ttlMs: 100, heartbeatMs }),
    [50, 100, ...positive],
    'heartbeatMs',
    ms,
  ],
  [
    'Mutex',
    (ticketMs) => new Mutex(db, key, { ttlMs: 1, fair: { ticketMs } }),
    positive,
    'fair.ticketMs',
    ms,
  ],
  [
    'Mutex.acquire',
    (timeoutMs) => new Mutex(db, key, { ttlMs: 1 }).acquire({ timeoutMs }),
    durations,
    'timeoutMs',
    ms,
  ],
  [
    'Mutex.run',
    (timeoutMs) => new Mutex(db, key, { ttlMs: 1 }).run(handler, { timeoutMs }),
    durations,
    'timeoutMs',
    ms,
  ],
  [
    'Mutex.run',
    (warnMs) => new Mutex(db, key, { ttlMs: 1 }).run(handler, { warnMs }),
    positive,
    'warnMs',
    ms,
  ],
  ['Mutex.acquire', (pollMs) => new Mutex(db, key, { ttlMs: 1 }).acquire({ pollMs }), positive, 'pollMs', ms],
  [
    'Mutex.tryAcquire',
    (timeoutMs) => new Mutex(db, key, { ttlMs: 1 }).tryAcquire({ timeoutMs }),
    positive,
    'timeoutMs',
    ms,
  ],
  ['Semaphore', (ttlMs) => new Semaphore(db, key, { permits: 1, ttlMs }), positive, 'ttlMs', ms],
  [
    'Semaphore',
    (permits) => new Semaphore(db, key, { permits, ttlMs: 1 }),
    [...counts, 2001],
    'permits',
    whole,
  ],
  [
    'Semaphore.acquire',
    (timeoutMs) => new Semaphore(db, key, { permits: 1, ttlMs: 1 }).acquire({ timeoutMs }),
    durations,
    'timeoutMs',
    ms,
  ],
  ['ReadWriteLock', (ttlMs) => new ReadWriteLock(db, key, { ttlMs }), positive, 'ttlMs', ms],
  [
    'ReadWriteLock.runRead',
    (timeoutMs) => new ReadWriteLock(db, key, { ttlMs: 1 }).runRead(handler, { timeoutMs }),
    durations,
    'timeoutMs',
    ms,
  ],
  [
    'ReadWriteLock.runWrite',
    (timeoutMs) => new ReadWriteLock(db, key, { ttlMs: 1 }).runWrite(handler, { timeoutMs }),
    durations,
    'timeoutMs',
    ms,
  ],
  ['Liveness', (heartbeatMs) => new Liveness(db, { heartbeatMs }), [5000, ...positive], 'heartbeatMs', ms],
  ['Liveness', (deadAfterMs) => new Liveness(db, { deadAfterMs }), positive, 'deadAfterMs', ms],
  ['Liveness', (marginMs) => new Liveness(db, { marginMs }), [9000, ...positive], 'marginMs', ms],
  ['idempotent', (leaseMs) => idempotent(db, key, handler, { leaseMs }), positive, 'leaseMs', ms],
  ['idempotent', (waitMs) => idempotent(db, key, handler, { waitMs }), durations, 'waitMs', ms],
  ['idempotent', (timeoutMs) => idempotent(db, key, handler, { timeoutMs }), positive, 'timeoutMs', ms],
  [
    'idempotent',
    (ttlSeconds) => idempotent(db, key, handler, { ttlSeconds }),
    positive,
    'ttlSeconds',
    seconds,
  ],
  ['RateLimiter', (limit) => new RateLimiter(db, key, { limit, windowMs: 1 }), counts, 'limit', whole],
  ['RateLimiter', (windowMs) => new RateLimiter(db, key, { limit: 1, windowMs }), positive, 'windowMs', ms],
  [
    'RateLimiter',
    (burst) => new RateLimiter(db, key, { limit: 1, windowMs: 1, burst }),
    counts,
    'burst',
    whole,
  ],
  ['NonceSequence', (maxAhead) => new NonceSequence(db, key, { maxAhead }), counts, 'maxAhead', whole],
  [
    'KeyValue',
    (ttlSeconds) => new KeyValue(db, 'p').set('a', 1, { ttlSeconds }),
    positive,
    'ttlSeconds',
    seconds,
  ],
  [
    'QueueWorker',
    (graceSeconds) => new QueueWorker(db, handler, { pk: 'q' }).stop({ graceSeconds }),
    durations,
    'graceSeconds',
    seconds,
  ],
  [
    'QueueWorker',
    (visibilitySeconds) => new QueueWorker(db, handler, { pk: 'q', visibilitySeconds }),
    positive,
    'visibilitySeconds',
    seconds,
  ],
  [
    'QueueWorker',
    (concurrency) => new QueueWorker(db, handler, { pk: 'q', concurrency }),
    counts,
    'concurrency',
    whole,
  ],
  ['queuePull', (ttlSeconds) => db.queuePull({ pk: 'q', ttlSeconds }), positive, 'ttlSeconds', seconds],
  [
    'QueueWorker',
    (deadLetter) => new QueueWorker(db, handler, { pk: 'q', deadLetter }),
    ['q'],
    'deadLetter',
    /queue/,
  ],
  [
    'queuePull',
    (deadLetter) => db.queuePull({ pk: 'q', maxReceives: 3, deadLetter }),
    ['q'],
    'deadLetter',
    /queue/,
  ],
  ['queueLambda', (shards) => queueLambda(db, handler, { pk: 'q', shards }), shards, 'shards', whole],
  ['Mutex.run', (extend) => mutex().run(handler, { extend }), flags, 'extend', flag],
  ['Mutex.run', (onWarning) => mutex().run(handler, { onWarning }), callbacks, 'onWarning', callback],
  ['Mutex.acquire', (signal) => mutex().acquire({ signal }), signals, 'signal', /AbortSignal/],
  [
    'Mutex',
    (fair) => new Mutex(db, key, { ttlMs: 1, fair }),
    ['yes', 1, null],
    'fair',
    /true or false|object/,
  ],
  [
    'Mutex',
    (name) => new Mutex(db, key, { ttlMs: 1, fair: { [name]: 1 } as never }),
    ['tiketMs'],
    'fair.tiketMs',
    /did you mean/,
  ],
  [
    'Mutex',
    (liveness) => new Mutex(db, key, { ttlMs: 1, liveness }),
    [{}, 'x', null],
    'liveness',
    /Liveness/,
  ],
  ['idempotent', (extend) => idempotent(db, key, handler, { extend }), flags, 'extend', flag],
  ['idempotent', (signal) => idempotent(db, key, handler, { signal }), signals, 'signal', /AbortSignal/],
  ['a database', (onEvent) => new AtomicMemoryDb({ onEvent }), callbacks, 'onEvent', callback],
]

const mutex = () => new Mutex(db, key, { ttlMs: 1000 })

describeRefusals(lines)

/** The key of an item, of a message, of a lock, and none at all. */
const foreign: [string, (at: { pk: string; sk: string }) => Promise<unknown>][] = [
  ['Mutex', (at) => new Mutex(db, at, { ttlMs: 1000 }).tryAcquire()],
  ['fair Mutex', (at) => new Mutex(db, at, { ttlMs: 1000, fair: true }).acquire({ timeoutMs: 50 })],
  ['Semaphore', (at) => new Semaphore(db, at, { permits: 1, ttlMs: 1000 }).tryAcquire()],
  ['reader', (at) => new ReadWriteLock(db, at, { ttlMs: 1000 }).tryAcquireRead()],
  ['writer', (at) => new ReadWriteLock(db, at, { ttlMs: 1000 }).tryAcquireWrite()],
  ['idempotent', (at) => idempotent(db, at, handler)],
  ['NonceSequence', (at) => new NonceSequence(db, at).assign(1)],
  ['NonceSequence.reset', (at) => new NonceSequence(db, at).reset()],
  ['RateLimiter', (at) => new RateLimiter(db, at, { limit: 1, windowMs: 1000 }).take()],
]

it.each(foreign)('%s refuses the key of an item, and leaves that alone', async (_, act) => {
  const item = { pk: 'items', sk: 'a', data: { name: 'x' } }
  await db.set(item)
  await expect(act({ pk: item.pk, sk: item.sk })).rejects.toMatchObject({
    code: 'InvalidInput',
    field: 'key',
  })
  expect((await db.get(item))?.data).toEqual(item.data)
  for (const wrong of [undefined, null, {}, { pk: 'p' }, { pk: '', sk: 'a' }, { pk: 'p', sk: 'a#lock' }])
    await expect(Promise.resolve().then(() => act(wrong as never))).rejects.toMatchObject({
      code: 'InvalidInput',
    })
})
