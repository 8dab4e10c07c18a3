// The IAM actions that lockrow needs, by purpose. Tests compare these lists with the calls that were really made.

/**
 * Reading: `get`, `getMany`, `getTogether`, `query`, `stream`, `page`, `count`, `queueStats`, `queuePeek`.
 * TransactGetItems is authorised as GetItem.
 */
export const READ_ACTIONS = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'] as const

/** Everything the library can do. Never Scan, never PartiQL, nothing that changes the table itself. */
export const READ_WRITE_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
] as const

/**
 * `queuePush`, with all its options and as a part of a transaction; it deletes a payload whose message was not written,
 * reads whether the message that has a `uniqueId` is there, asks by a condition check whether a transaction without a reply
 * was applied, and reads and raises the promises by which consumers know where to look. Without Query nobody finds a message
 * whose key he does not know.
 * IAM knows BatchWriteItem as a whole: it cannot let a producer put in a batch and forbid it to delete in one.
 */
export const QUEUE_PRODUCER_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
] as const

/**
 * Pull (several messages and payloads are read in batches), acknowledge, release, extend, and the move of a dead
 * letter (put and delete in one transaction, a condition check when it has no reply). What else `consume` commits needs a grant of its own.
 */
export const QUEUE_CONSUMER_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
] as const

/** What a Lambda event source mapping needs on the stream (not on the table). */
export const STREAM_ACTIONS = [
  'dynamodb:DescribeStream',
  'dynamodb:GetRecords',
  'dynamodb:GetShardIterator',
  'dynamodb:ListStreams',
] as const

/** With a customer-managed key, every caller of the table needs this one: DynamoDB decrypts the table key in its name. */
export const KEY_ACTIONS = ['kms:Decrypt'] as const

/** Purposes that a grant can have. */
export type GrantPurpose = 'read' | 'readWrite' | 'queueProducer' | 'queueConsumer'

/** Actions by purpose. */
export const ACTIONS: Readonly<Record<GrantPurpose, readonly string[]>> = {
  read: READ_ACTIONS,
  readWrite: READ_WRITE_ACTIONS,
  queueProducer: QUEUE_PRODUCER_ACTIONS,
  queueConsumer: QUEUE_CONSUMER_ACTIONS,
}

const TRANSACT_ACTIONS: Readonly<Record<string, string>> = {
  ConditionCheck: 'dynamodb:ConditionCheckItem',
  Delete: 'dynamodb:DeleteItem',
  Get: 'dynamodb:GetItem',
  Put: 'dynamodb:PutItem',
  Update: 'dynamodb:UpdateItem',
}

/**
 * The IAM actions by which DynamoDB authorises one API call. The transactional calls are no actions themselves:
 * each of their members is authorised as the plain call it stands for, a condition check by an action of its own.
 *
 * @param operation name of the API call, with or without the SDK's suffix `Command`
 * @param input its input; only the members of a transaction are looked at
 */
export function actionsOf(
  operation: string,
  input: { TransactItems?: readonly Record<string, unknown>[] } = {},
): string[] {
  const name = operation.replace(/Command$/, '')
  if (!name.startsWith('Transact')) return [`dynamodb:${name}`]
  const kinds = (input.TransactItems ?? []).flatMap((member) =>
    Object.keys(member).filter((kind) => member[kind] !== undefined),
  )
  return [...new Set(kinds.map((kind) => TRANSACT_ACTIONS[kind] ?? `dynamodb:${kind}`))].sort()
}
