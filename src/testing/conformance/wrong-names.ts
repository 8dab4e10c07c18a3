import type { AtomicDbInterface } from '../../interface.ts'

/** Every call of the contract that takes an object with names, and wrong names that its error must know advice for. */

type Wrong = readonly [name: string, advice: RegExp]
export interface Target {
  call(db: AtomicDbInterface, pk: string, extra: object): unknown
  wrong: readonly Wrong[]
  /** Where the name stands, for the error's `field`. */
  where: string
}

const typo: Wrong = ['sginal', /did you mean 'signal'\?/]
export const anywhere: Wrong = ['somethingElse', /is not known/]
const condition: readonly Wrong[] = [
  ['condition', /'if'/],
  ['iff', /'if'/],
]
const expiry: readonly Wrong[] = [
  ['ttlSeconds', /'ttl'/],
  ['expireIn', /'ttl'/],
]

export const row = (pk: string) => ({ pk, sk: 'a' })
const lock = (pk: string) => ({ pk, sk: 'a#lock', version: 'v', ttl: 1 })

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

export const targets: Record<string, Target> = {
  get: {
    call: (db, pk, o) => db.get(row(pk), o),
    where: 'options',
    wrong: [['consistentRead', /'consistent'/]],
  },
  getMany: {
    call: (db, pk, o) => db.getMany([row(pk)], o),
    where: 'options',
    wrong: [['consistant', /did you mean 'consistent'/]],
  },
  getLock: { call: (db, pk, o) => db.getLock(lock(pk), o), where: 'options', wrong: [typo] },
  getLocked: {
    call: (db, pk, o) => db.getLocked([row(pk)], o),
    where: 'options',
    wrong: [['consistent', /always reads strongly/]],
  },
  set: {
    call: (db, pk, o) => db.set(row(pk), o),
    where: 'options',
    wrong: [...expiry, ['condition', /no condition/], ['ttl', /of the item/]],
  },
  setAtomic: {
    call: (db, pk, o) => db.setAtomic(row(pk), lock(pk), o),
    where: 'options',
    wrong: [['if', /no condition/], typo],
  },
  delete: { call: (db, pk, o) => db.delete(row(pk), o), where: 'options', wrong: [['if', /'if'/], typo] },
  query: {
    call: (db, pk, o) => db.query({ pk, ...o }),
    where: 'query',
    wrong: [
      ['prefix', /'sk'/],
      ['limt', /did you mean 'limit'/],
      ['cursor', /'after'/],
      ['desc', /'reverse: true'/],
    ],
  },
  stream: {
    call: async (db, pk, o) => drain(db.stream({ pk, ...o })),
    where: 'query',
    wrong: [
      ['prefix', /'sk'/],
      ['revers', /did you mean 'reverse'/],
    ],
  },
  page: {
    call: (db, pk, o) => db.page({ pk, ...o }),
    where: 'query',
    wrong: [
      ['after', /'cursor'/],
      ['prefix', /'sk'/],
    ],
  },
  count: { call: (db, pk, o) => db.count({ pk, ...o }), where: 'query', wrong: [['fields', /no fields/]] },
  getTogether: { call: (db, pk, o) => db.getTogether([row(pk)], o), where: 'options', wrong: [typo] },
  deleteRange: {
    call: (db, pk, o) => db.deleteRange({ pk, ...o }),
    where: 'range',
    wrong: [['limit', /second/]],
  },
  'options of deleteRange': {
    call: (db, pk, o) => db.deleteRange({ pk }, o),
    where: 'options',
    wrong: [['onprogress', /did you mean 'onProgress'/]],
  },
  queuePush: {
    call: (db, pk, o) => db.queuePush({ pk }, o),
    where: 'options',
    wrong: [['delay', /'delaySeconds'/], ['deduplicationId', /each message/], typo],
  },
  queuePull: {
    call: (db, pk, o) => db.queuePull({ pk, ...o }),
    where: 'options',
    wrong: [
      ['visibilityTimeout', /'ttlSeconds'/],
      ['limit', /queuePullMany/],
      ['maxRecieves', /did you mean 'maxReceives'/],
    ],
  },
  queuePullMany: {
    call: (db, pk, o) => db.queuePullMany({ pk, limit: 1, ...o }),
    where: 'options',
    wrong: [
      ['dlq', /'deadLetter'/],
      ['ttlSecond', /did you mean 'ttlSeconds'/],
    ],
  },
  queueAcknowledge: { call: (db, pk, o) => db.queueAcknowledge(row(pk), o), where: 'options', wrong: [typo] },
  queueRelease: {
    call: (db, pk, o) => db.queueRelease(row(pk), o),
    where: 'options',
    wrong: [['delayMs', /'delaySeconds'/], typo],
  },
  queueExtend: {
    call: (db, pk, o) =>
      db.queueExtend(
        { ...row(pk), data: 1, receipt: 'r', isProcessing: true, receiveCount: 1, enqueuedAt: 1 },
        { ttlSeconds: 1, ...o },
      ),
    where: 'options',
    wrong: [['visibilityTimeout', /'ttlSeconds'/], typo],
  },
  queueStats: {
    call: (db, pk, o) => db.queueStats(pk, o),
    where: 'options',
    wrong: [['shard', /did you mean 'shards'/]],
  },
  queuePeek: {
    call: (db, pk, o) => db.queuePeek({ pk, ...o }),
    where: 'options',
    wrong: [['limits', /did you mean 'limit'/]],
  },
  queuePurge: {
    call: (db, pk, o) => db.queuePurge(pk, o),
    where: 'options',
    wrong: [['limits', /did you mean 'limit'/]],
  },
  queueRedrive: {
    call: (db, pk, o) => db.queueRedrive({ from: pk, ...o }),
    where: 'options',
    wrong: [['form', /did you mean 'from'/]],
  },
  queuePause: {
    call: (db, pk, o) => db.queuePause(pk, o),
    where: 'options',
    wrong: [
      ['untill', /did you mean 'until'/],
      ['seconds', /'until'/],
    ],
  },
  queueResume: {
    call: (db, pk, o) => db.queueResume(pk, o),
    where: 'options',
    wrong: [['timeout', /did you mean 'timeoutMs'/]],
  },
  update: {
    call: (db, pk, o) => db.update(row(pk), { set: { a: 1 } }, o),
    where: 'options',
    wrong: [...condition, ['ttl', /one of the changes/], ['exactlyonce', /did you mean 'exactlyOnce'/]],
  },
  transact: {
    call: (db, pk, o) => db.transact([{ type: 'set', item: row(pk) }], o),
    where: 'options',
    wrong: [
      ['ClientRequestToken', /'idempotencyKey'/],
      ['idempotencykey', /did you mean 'idempotencyKey'/],
    ],
  },
  'changes of update': {
    call: (db, pk, o) => db.update(row(pk), { set: { a: 1 }, ...o }),
    where: 'changes',
    wrong: [
      ['increment', /'add'/],
      ['sets', /did you mean 'set'/],
    ],
  },
  'tests of a condition': {
    call: (db, pk, o) => db.update(row(pk), { set: { a: 1 } }, { if: { a: { gte: 1, ...o } as never } }),
    where: 'if.a',
    wrong: [
      ['ge', /did you mean/],
      ['startsWith', /'beginsWith'/],
    ],
  },
  'an item of set': {
    call: (db, pk, o) => db.set({ ...row(pk), ...o }),
    where: 'item',
    wrong: [...expiry, ['value', /'data'/], ['version', /setAtomic/], ['dat', /did you mean 'data'/]],
  },
  'items of set': {
    call: (db, pk, o) => db.set([row(pk), { ...row(pk), ...o }]),
    where: 'items[1]',
    wrong: expiry,
  },
  'items of setAtomic': {
    call: (db, pk, o) => db.setAtomic([{ ...row(pk), ...o }], lock(pk)),
    where: 'items[0]',
    wrong: expiry,
  },
  'a key of get': {
    call: (db, pk, o) => db.get({ ...row(pk), ...o }),
    where: 'key',
    wrong: [['PK', /'pk' and 'sk'/]],
  },
  'keys of getMany': {
    call: (db, pk, o) => db.getMany([{ ...row(pk), ...o }]),
    where: 'keys[0]',
    wrong: [['id', /'pk' and 'sk'/]],
  },
  'keys of delete': {
    call: (db, pk, o) => db.delete([{ ...row(pk), ...o }]),
    where: 'keys[0]',
    wrong: [['if', /is not known/]],
  },
  'a key of update': {
    call: (db, pk, o) => db.update({ ...row(pk), ...o }, { set: { a: 1 } }),
    where: 'key',
    wrong: [['if', /is not known/]],
  },
  'a message of queuePush': {
    call: (db, pk, o) => db.queuePush({ pk, ...o }),
    where: 'item',
    wrong: [['body', /'data'/], ['delay', /'delaySeconds'/], ['groupId', /'group'/], ...expiry],
  },
  'operation set': {
    call: (db, pk, o) => db.transact([{ type: 'set', item: row(pk), ...o }]),
    where: 'operations[0]',
    wrong: [...condition, ['ttl', /of the item/]],
  },
  'operation setIfAbsent': {
    call: (db, pk, o) => db.transact([{ type: 'setIfAbsent', item: row(pk), ...o }]),
    where: 'operations[0]',
    wrong: [['if', /there is no item/]],
  },
  'operation update': {
    call: (db, pk, o) => db.transact([{ type: 'update', key: row(pk), changes: { set: { a: 1 } }, ...o }]),
    where: 'operations[0]',
    wrong: [...condition, ['set', /'changes'/]],
  },
  'operation delete': {
    call: (db, pk, o) => db.transact([{ type: 'delete', key: row(pk), ...o }]),
    where: 'operations[0]',
    wrong: condition,
  },
  'operation check': {
    call: (db, pk, o) => db.transact([{ type: 'check', lock: lock(pk), ...o }]),
    where: 'operations[0]',
    wrong: condition,
  },
  'operation bump': {
    call: (db, pk, o) => db.transact([{ type: 'bump', lock: lock(pk), ...o }]),
    where: 'operations[0]',
    wrong: [['if', /'check'/]],
  },
  'operation queuePush': {
    call: (db, pk, o) => db.transact([{ type: 'queuePush', item: { pk }, ...o }]),
    where: 'operations[0]',
    wrong: [['items', /'item'/]],
  },
  'operation queueAcknowledge': {
    call: (db, pk, o) => db.transact([{ type: 'queueAcknowledge', item: row(pk), ...o }]),
    where: 'operations[0]',
    wrong: [['key', /'item'/]],
  },
}
