import type {
  AtomicDbPageQuery,
  AtomicDbQuery,
  AtomicDbQueueCancelOptions,
  AtomicDbQueuePauseOptions,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueuePushOptions,
  AtomicDbQueueRedriveOptions,
  AtomicDbQueueReleaseOptions,
  AtomicDbQueueShards,
  AtomicDbQueueStatsOptions,
  AtomicDbRange,
  CallOptions,
  DeleteRangeOptions,
  ReadOptions,
  TransactOptions,
  UpdateOptions,
  WriteOptions,
} from '../interface.ts'
import {
  callOptions,
  delayHints,
  type Fields,
  ifHints,
  optionsCheck,
  ttlHints,
  ttlOfItem,
} from './options-check.ts'

/**
 * The names that each argument of the contract may have, and advice for the names that users of other libraries
 * expect. The compiler checks that every name of a type is listed.
 */

const noCondition =
  "this call takes no condition: use update, or transact, with 'if', or setAtomic with the item's lock"
const noConditionHints = {
  if: noCondition,
  condition: noCondition,
  iff: noCondition,
  ConditionExpression: noCondition,
}
const useConsistent = "use 'consistent', which is true by default"

const read = (): Fields<ReadOptions> => ({ ...callOptions, consistent: 'boolean' })
const shards: Fields<AtomicDbQueueShards> = { shards: true }

export const checkReadOptions = /* @__PURE__ */ optionsCheck<ReadOptions>(() => [
  read(),
  {
    ConsistentRead: useConsistent,
    consistentRead: useConsistent,
    consistency: useConsistent,
  },
])
/** For calls whose only options are those of every call. */
export const checkCallOptions = /* @__PURE__ */ optionsCheck<CallOptions>(() => [
  callOptions,
  {
    consistent: 'this call always reads strongly',
    ...noConditionHints,
  },
])
const returnOldHints = {
  ReturnValues: "what was there before: 'returnOld: true'",
  returnValues: "what was there before: 'returnOld: true'",
}
export const checkDeleteOptions = /* @__PURE__ */ optionsCheck<WriteOptions>(() => [
  { ...callOptions, returnOld: 'boolean' },
  { ...noConditionHints, ...returnOldHints },
])
export const checkSetOptions = /* @__PURE__ */ optionsCheck<WriteOptions>(() => [
  { ...callOptions, returnOld: 'boolean' },
  {
    ...noConditionHints,
    ...returnOldHints,
    ...ttlOfItem(),
  },
])
export const checkUpdateOptions = /* @__PURE__ */ optionsCheck<UpdateOptions>(() => [
  { ...callOptions, if: true, exactlyOnce: 'boolean', returnOld: 'boolean' },
  {
    ...ifHints,
    ttl: "the expiry is one of the changes: { ttl: epochSeconds }, or { ttl: null } for 'never'",
    ...Object.fromEntries(
      Object.keys(ttlHints).map((name) => [name, 'the expiry is one of the changes: { ttl: epochSeconds }']),
    ),
    ReturnValues: "the item as it is now is always returned, and with 'returnOld: true' the one before",
    returnValues: "the item as it is now is always returned, and with 'returnOld: true' the one before",
    upsert: 'an update makes the item where there is none: { if: exists } keeps it from that',
    idempotencyKey: "only transact takes it; for one update that is never applied twice use 'exactlyOnce'",
  },
])

const usePrefix = "the beginning of the sort key is 'sk'"
const useAfter = "a page begins behind the sort key in 'after': the last one of the page before"
const useReverse = "the descending order is 'reverse: true'"
const range: Fields<AtomicDbRange> = { pk: true, sk: true, from: true, to: true, exclude: true }
const rangeHints = { prefix: usePrefix, beginsWith: usePrefix, skPrefix: usePrefix, startsWith: usePrefix }
const query = (): Fields<Omit<AtomicDbQuery, 'after' | 'fields'>> => ({
  ...read(),
  ...range,
  reverse: 'boolean',
  limit: true,
})
const queryHints = () => ({
  ...rangeHints,
  start: "the lower bound is 'from'",
  end: "the upper bound is 'to'",
  order: useReverse,
  desc: useReverse,
  descending: useReverse,
  ScanIndexForward: useReverse,
  scanIndexForward: useReverse,
  Limit: "use 'limit'",
  ConsistentRead: useConsistent,
  consistentRead: useConsistent,
  filter: 'a query has no filter: put what you look for into the sort key, or filter what comes back',
  projection: "use 'fields'",
  attributes: "use 'fields'",
  select: "use 'fields'",
})
const cursorHints = () => ({
  cursor: `${useAfter}; cursors are for page()`,
  startAfter: useAfter,
  exclusiveStartKey: useAfter,
  ExclusiveStartKey: useAfter,
})
export const checkRange = /* @__PURE__ */ optionsCheck<AtomicDbRange>(
  () => [
    range,
    {
      ...rangeHints,
      limit: 'belongs into the second argument',
    },
  ],
  'range',
)
export const checkQuery = /* @__PURE__ */ optionsCheck<AtomicDbQuery>(
  () => [
    { ...query(), after: true, fields: true },
    { ...queryHints(), ...cursorHints() },
  ],
  'query',
)
export const checkCountQuery = /* @__PURE__ */ optionsCheck<Omit<AtomicDbQuery, 'fields'>>(
  () => [
    { ...query(), after: true },
    { ...queryHints(), ...cursorHints(), fields: 'a count needs no fields' },
  ],
  'query',
)
export const checkPageQuery = /* @__PURE__ */ optionsCheck<AtomicDbPageQuery>(
  () => [
    { ...query(), fields: true, cursor: true },
    { ...queryHints(), after: "is for query and stream; page() goes on with 'cursor'" },
  ],
  'query',
)
export const checkTransactionQuery = /* @__PURE__ */ optionsCheck<
  Omit<AtomicDbQuery, 'fields' | keyof ReadOptions>
>(
  () => [
    { ...range, reverse: 'boolean', limit: true, after: true },
    {
      ...queryHints(),
      ...cursorHints(),
      fields: 'is not offered here: whole items are compared at the commit',
      guard: 'is not offered: read an item that all writers of the range change',
      consistent: 'is not offered here: reads of a transaction are strong',
    },
  ],
  'query',
)
export const checkDeleteRangeOptions = /* @__PURE__ */ optionsCheck<DeleteRangeOptions>(() => [
  {
    ...callOptions,
    limit: true,
    onProgress: true,
  },
])

export const checkTransactOptions = /* @__PURE__ */ optionsCheck<TransactOptions>(() => [
  { ...callOptions, idempotencyKey: true },
  {
    ClientRequestToken: "use 'idempotencyKey'",
    clientRequestToken: "use 'idempotencyKey'",
    token: "use 'idempotencyKey'",
    if: "a condition belongs to an operation: { type: 'update', key, changes, if }",
    exactlyOnce: 'a transaction is safe against lost replies as it is; across processes use idempotencyKey',
  },
])

const useVisibility = "the visibility timeout is 'ttlSeconds'"
const pullFields = (): Fields<AtomicDbQueuePullOptions> => ({
  ...callOptions,
  ...shards,
  pk: true,
  family: true,
  consistent: 'boolean',
  ttlSeconds: true,
  strict: 'boolean',
  group: true,
  exceptGroups: true,
  maxReceives: true,
  deadLetter: true,
})
const pullHints = {
  visibilitySeconds: useVisibility,
  visibilityTimeout: useVisibility,
  visibilityTimeoutSeconds: useVisibility,
  VisibilityTimeout: useVisibility,
  ttl: useVisibility,
  ttlMs: useVisibility,
  maxReceiveCount: "use 'maxReceives'",
  dlq: "use 'deadLetter'",
  deadLetterQueue: "use 'deadLetter'",
  ConsistentRead: useConsistent,
  consistentRead: useConsistent,
  queue: "the queue is 'pk'",
  pkPrefix: "use 'family', as the pushes do",
  max: "use 'limit' of queuePullMany",
  batchSize: "use 'limit' of queuePullMany",
  MaxNumberOfMessages: "use 'limit' of queuePullMany",
}
export const checkPull = /* @__PURE__ */ optionsCheck<AtomicDbQueuePullOptions>(() => [
  pullFields(),
  {
    ...pullHints,
    limit: 'use queuePullMany for more than one message',
  },
])
export const checkPullMany = /* @__PURE__ */ optionsCheck<AtomicDbQueuePullManyOptions>(() => [
  { ...pullFields(), limit: true },
  pullHints,
])

const ofMessage = 'this belongs to each message, beside its data'
export const checkPushOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueuePushOptions>(() => [
  {
    ...callOptions,
    ...shards,
    delaySeconds: true,
    deduplicationWindowSeconds: true,
    exactlyOnce: 'boolean',
    payloadThreshold: true,
  },
  { ...delayHints, deduplicationId: ofMessage, group: ofMessage, groupId: ofMessage, ttl: ofMessage },
])
export const checkReleaseOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueueReleaseOptions>(() => [
  { ...callOptions, delaySeconds: true, reason: true, uncounted: 'boolean', deadLetter: true },
  delayHints,
])
export const checkExtendOptions = /* @__PURE__ */ optionsCheck<CallOptions & { ttlSeconds: number }>(() => [
  { ...callOptions, ttlSeconds: true },
  { visibilityTimeout: useVisibility, seconds: useVisibility, ttlMs: useVisibility },
])
export const checkCancelOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueueCancelOptions>(() => [
  { ...callOptions, set: true },
])
export const checkStatsOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueueStatsOptions>(() => [
  { ...callOptions, ...shards, deadLetter: true, limit: true, consistent: 'boolean' },
])
export const checkPeekOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueuePeekOptions>(() => [
  { ...callOptions, ...shards, pk: true, family: true, sk: true, limit: true, after: true },
])
export const checkPurgeOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueuePurgeOptions>(() => [
  { ...callOptions, ...shards, limit: true },
])
const useUntil = "it ends at 'until': a Date, or epoch ms"
export const checkPauseOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueuePauseOptions>(() => [
  { ...callOptions, until: true },
  {
    seconds: useUntil,
    ttlSeconds: useUntil,
    forMs: useUntil,
    shards: 'all shards of a queue are paused together',
  },
])
export const checkRedriveOptions = /* @__PURE__ */ optionsCheck<AtomicDbQueueRedriveOptions>(() => [
  {
    ...callOptions,
    ...shards,
    from: true,
    to: true,
    family: true,
    limit: true,
  },
])
