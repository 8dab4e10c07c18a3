// What each method of the contract asks of DynamoDB, and which methods the other parts of the library call.

import type { AtomicDbInterface } from '../../src/interface.ts'
import { suggestion } from '../../src/model/checks.ts'
import type { KeyFeature } from './queue-keys.ts'

/** A method of `AtomicDbInterface`, or `scan`: what `scanRows` needs, for tools that read the whole table. */
export type GrantMethod = Exclude<keyof AtomicDbInterface, 'runtime'> | 'scan'

/** Actions of IAM, without `dynamodb:`, and the partitions beside its own that the method can touch. */
interface Needs {
  readonly actions: readonly string[]
  readonly keys?: readonly KeyFeature[]
}

const reads = ['BatchGetItem', 'GetItem', 'Query']
const pulls = [...reads, 'ConditionCheckItem', 'DeleteItem', 'PutItem', 'UpdateItem']

/** With what follows a lost reply: the row is read, or a transaction is asked for by a condition check. */
export const NEEDS: Readonly<Record<GrantMethod, Needs>> = {
  get: { actions: ['GetItem'] },
  getMany: { actions: ['BatchGetItem', 'GetItem'] },
  getTogether: { actions: ['GetItem'] },
  query: { actions: ['Query'] },
  stream: { actions: ['Query'] },
  page: { actions: ['Query'] },
  count: { actions: ['Query'] },
  getLock: { actions: ['GetItem', 'PutItem', 'UpdateItem'] },
  getLocked: { actions: ['GetItem', 'PutItem', 'UpdateItem'] },
  set: { actions: ['BatchWriteItem', 'PutItem'] },
  delete: { actions: ['BatchWriteItem', 'DeleteItem'] },
  deleteRange: { actions: ['BatchWriteItem', 'DeleteItem', 'Query'] },
  setAtomic: { actions: ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'PutItem', 'UpdateItem'] },
  update: { actions: ['ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'] },
  transact: {
    actions: ['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
    keys: ['payloads', 'deduplication', 'unique', 'idempotency', 'sides'],
  },
  queuePush: {
    actions: [
      'BatchGetItem',
      'BatchWriteItem',
      'ConditionCheckItem',
      'DeleteItem',
      'GetItem',
      'PutItem',
      'UpdateItem',
    ],
    keys: ['payloads', 'deduplication', 'unique', 'sides'],
  },
  queuePull: { actions: pulls, keys: ['payloads', 'deadLetters', 'sides'] },
  queuePullMany: { actions: pulls, keys: ['payloads', 'deadLetters', 'sides'] },
  queueAcknowledge: { actions: ['DeleteItem', 'GetItem'], keys: ['payloads', 'sides'] },
  queueRelease: {
    actions: ['ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
    keys: ['deadLetters', 'sides'],
  },
  queueExtend: { actions: ['GetItem', 'UpdateItem'], keys: ['sides'] },
  queueCancel: {
    actions: ['ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem'],
    keys: ['payloads', 'unique', 'sides'],
  },
  queueStats: { actions: ['GetItem', 'Query'], keys: ['deadLetters', 'sides'] },
  queuePeek: { actions: reads, keys: ['payloads', 'deadLetters', 'sides'] },
  queuePurge: { actions: ['BatchWriteItem', 'DeleteItem', 'Query'], keys: ['payloads', 'sides'] },
  queueRedrive: {
    actions: ['ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
    keys: ['payloads', 'deadLetters', 'unique', 'sides'],
  },
  queuePause: { actions: ['GetItem', 'UpdateItem'], keys: ['sides'] },
  queueResume: { actions: ['GetItem', 'UpdateItem'], keys: ['sides'] },
  scan: { actions: ['Scan'] },
}

/** A part of the library that calls methods by itself. */
export type GrantFeature =
  | 'Counter'
  | 'Jobs'
  | 'KeyValue'
  | 'Liveness'
  | 'Mutex'
  | 'NonceSequence'
  | 'QueueWorker'
  | 'RateLimiter'
  | 'ReadWriteLock'
  | 'Scheduler'
  | 'Semaphore'
  | 'atomic'
  | 'consume'
  | 'idempotent'
  | 'migrate'
  | 'queueLambda'
  | 'reserveUnique'
  | 'schedule'
  | 'schedulesLambda'
  | 'streamsWakeUp'
  | 'transaction'

/** What features call. Their keys are those that they are given. */
const CALLS: Readonly<Record<GrantFeature, readonly GrantMethod[]>> = {
  Counter: ['getMany', 'update'],
  // Pushed, asked about and cancelled; and handled, beside `QueueWorker` or `queueLambda`.
  Jobs: [
    'get',
    'getMany',
    'getTogether',
    'query',
    'queueCancel',
    'queuePeek',
    'queuePush',
    'transact',
    'update',
  ],
  KeyValue: ['delete', 'get', 'set', 'update'],
  Liveness: ['delete', 'get', 'update'],
  Mutex: ['get', 'update'],
  NonceSequence: ['delete', 'get', 'set', 'update'],
  QueueWorker: ['get', 'queueAcknowledge', 'queueExtend', 'queuePullMany', 'queueRelease', 'update'],
  RateLimiter: ['get', 'update'],
  ReadWriteLock: ['get', 'update'],
  Scheduler: ['getMany', 'query', 'transact'],
  Semaphore: ['get', 'update'],
  atomic: ['transact'],
  consume: ['get', 'getMany', 'getTogether', 'query', 'transact'],
  idempotent: ['get', 'update'],
  // All of a collection's items, wherever they lie: it reads the whole table.
  migrate: ['delete', 'get', 'getMany', 'query', 'scan', 'transact', 'update'],
  queueLambda: ['get', 'queueAcknowledge', 'queueExtend', 'queuePullMany', 'queueRelease', 'update'],
  reserveUnique: ['get', 'transact'],
  // With what lists, pauses and removes them.
  schedule: ['get', 'query', 'transact'],
  schedulesLambda: ['getMany', 'query', 'transact'],
  // Its readers are elected by a Semaphore.
  streamsWakeUp: ['get', 'update'],
  transaction: ['get', 'getMany', 'getTogether', 'query', 'transact'],
}

/** Partitions beside the named ones that features touch by methods that name them. */
const FEATURE_KEYS: Partial<Record<GrantFeature, readonly KeyFeature[]>> = {
  Jobs: ['jobs', 'deadLetters'],
  QueueWorker: ['limits'],
  queueLambda: ['limits'],
}

/** The methods that features call, for tests. */
export const callsOf = (feature: GrantFeature): readonly GrantMethod[] => CALLS[feature]

/** What a handler calls. */
export interface GrantUses {
  /** Methods of the database that the handler calls itself. */
  readonly methods?: readonly GrantMethod[]
  /** Classes and functions of the library that it uses: they call methods of their own. */
  readonly features?: readonly GrantFeature[]
}

/** The actions for what is used, and the kinds of partitions beside the named ones. */
export function needsOf({ methods = [], features = [] }: GrantUses): Required<Needs> {
  if (methods.length + features.length === 0)
    throw new Error('grant: methods and features are both empty; name what the handler calls')
  for (const name of methods) assertKnown('methods', name, NEEDS)
  for (const name of features) assertKnown('features', name, CALLS)
  const all = [...methods, ...features.flatMap(callsOf)].map((name) => NEEDS[name])
  return {
    actions: [...new Set(all.flatMap(({ actions }) => actions))].sort().map((name) => `dynamodb:${name}`),
    keys: [
      ...new Set([
        ...all.flatMap(({ keys = [] }) => keys),
        ...features.flatMap((name) => FEATURE_KEYS[name] ?? []),
      ]),
    ],
  }
}

function assertKnown(prop: 'methods' | 'features', name: string, known: object): void {
  if (Object.hasOwn(known, name)) return
  const other = prop === 'methods' ? CALLS : NEEDS
  const hint = Object.hasOwn(other, name)
    ? `it is one of ${prop === 'methods' ? 'features' : 'methods'}`
    : suggestion(name, Object.keys(known))
  throw new Error(`grant: ${prop}: unknown name '${name}': ${hint}`)
}
