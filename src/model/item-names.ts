import type {
  AtomicDbItemInput,
  AtomicDbItemLock,
  AtomicDbOperation,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueuePushOptions,
} from '../interface.ts'
import {
  delayHints,
  type Fields,
  ifHints,
  type OptionsCheck,
  optionsCheck,
  ttlHints,
  ttlOfItem,
} from './options-check.ts'

/** The names that keys, items, messages and the operations of a transaction may have. */

// What reads return may be passed back as it is: as a key, and as an item or message to write.
const message: Fields<AtomicDbQueueItem> = {
  pk: true,
  sk: true,
  data: true,
  ttl: true,
  receipt: true,
  payloadKey: true,
  isProcessing: true,
  processingTimeout: true,
  dueAt: true,
  receiveCount: true,
  enqueuedAt: true,
  firstReceivedAt: true,
  family: true,
  group: true,
  priority: true,
  traceparent: true,
  reason: true,
  deadLetter: true,
  uniqueId: true,
  isDuplicate: true,
  queue: true,
}
const useData = "the content is 'data'"
const dataHints = {
  value: useData,
  body: useData,
  payload: useData,
  Item: useData,
  attributes: useData,
  item: useData,
}
const useKeys = "a key is 'pk' and 'sk', texts"
const keyHints = { PK: useKeys, SK: useKeys, key: useKeys, id: useKeys, Key: useKeys }
const reportKey = /* @__PURE__ */ optionsCheck<AtomicDbQueueItem & AtomicDbItemLock>(() => [
  { ...message, version: true },
  keyHints,
])

/** For the shortest path: the list is only walked where a field beside `pk` and `sk` is there. */
export function checkKeyNames(key: object, field: string): void {
  for (const name in key)
    if (name !== 'pk' && name !== 'sk' && name !== 'version' && !Object.hasOwn(message, name))
      reportKey(key, field || 'key')
}

const reportItem = /* @__PURE__ */ optionsCheck<AtomicDbItemInput & AtomicDbQueueItem>(() => [
  message,
  {
    ...keyHints,
    ...dataHints,
    ...ttlHints,
    ...ifHints,
    version: "a version belongs to a lock: give the lock to setAtomic, or use update with 'if'",
  },
])

export function checkItemNames(item: object, field: string): void {
  for (const name in item)
    if (name !== 'pk' && name !== 'sk' && name !== 'data' && !Object.hasOwn(message, name))
      reportItem(item, field || 'item')
}

export const checkMessageNames = /* @__PURE__ */ optionsCheck<AtomicDbQueueItemInput & AtomicDbQueueItem>(
  () => [
    { ...message, delaySeconds: true, at: true, deduplicationId: true },
    {
      ...keyHints,
      ...dataHints,
      ...ttlHints,
      ...delayHints,
      MessageBody: useData,
      groupId: "use 'group'",
      MessageGroupId: "use 'group'",
      MessageDeduplicationId: "use 'deduplicationId'",
      dedupId: "use 'deduplicationId'",
      singletonKey: "use 'uniqueId'",
      uniqueKey: "use 'uniqueId'",
      jobId: "use 'uniqueId', or a key of your own in 'sk'",
    },
  ],
)

type Operation<T extends AtomicDbOperation['type']> = Extract<AtomicDbOperation, { type: T }>
const type = true
const noIf = "use 'check' with a lock, or an operation that takes 'if'"
const operationChecks: { readonly [T in AtomicDbOperation['type']]: OptionsCheck } = {
  check: /* @__PURE__ */ optionsCheck<Operation<'check'>>(() => [
    { type, lock: true, key: true, if: true },
    ifHints,
  ]),
  bump: /* @__PURE__ */ optionsCheck<Operation<'bump'>>(() => [
    { type, lock: true, key: true },
    { if: noIf },
  ]),
  set: /* @__PURE__ */ optionsCheck<Operation<'set'>>(() => [
    { type, item: true, if: true },
    { ...ifHints, ...ttlOfItem(), key: "use 'item', with its pk and sk", data: "it is part of 'item'" },
  ]),
  setIfAbsent: /* @__PURE__ */ optionsCheck<Operation<'setIfAbsent'>>(() => [
    { type, item: true },
    { ...ttlOfItem(), if: "its condition is that there is no item: for another one use 'set'" },
  ]),
  delete: /* @__PURE__ */ optionsCheck<Operation<'delete'>>(() => [
    { type, key: true, if: true },
    { ...ifHints, item: "use 'key'" },
  ]),
  update: /* @__PURE__ */ optionsCheck<Operation<'update'>>(() => [
    { type, key: true, changes: true, if: true },
    { ...ifHints, item: "use 'key'", set: "it is part of 'changes'", add: "it is part of 'changes'" },
  ]),
  queuePush: /* @__PURE__ */ optionsCheck<Operation<'queuePush'>>(() => [
    { type, item: true, shards: true, payloadThreshold: true, deduplicationWindowSeconds: true },
    { items: "one message per operation: 'item'" },
  ]),
  queueAcknowledge: /* @__PURE__ */ optionsCheck<Operation<'queueAcknowledge'>>(() => [
    { type, item: true },
    { key: "use 'item': the message as it was pulled" },
  ]),
}

export const operationTypes: readonly string[] = /* @__PURE__ */ Object.keys(operationChecks)

/** Checks the names of one operation, whose `type` must be known already. */
export function checkOperationNames(operation: AtomicDbOperation, field: string): void {
  operationChecks[operation.type](operation, field)
}

const ofMessage = 'this belongs to each message, beside its data'
/** The options of pushes that are written down for a transaction. */
export const checkTransactionPush = /* @__PURE__ */ optionsCheck<
  Pick<AtomicDbQueuePushOptions, 'shards' | 'payloadThreshold' | 'deduplicationWindowSeconds'>
>(() => [
  { shards: true, payloadThreshold: true, deduplicationWindowSeconds: true },
  {
    ...delayHints,
    delaySeconds: ofMessage,
    deduplicationId: ofMessage,
    uniqueId: ofMessage,
    group: ofMessage,
    exactlyOnce: 'a transaction is safe against lost replies as it is; across processes use idempotencyKey',
  },
])
