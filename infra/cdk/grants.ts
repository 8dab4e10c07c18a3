// One policy statement per grant, optionally narrowed to partition keys.

import { Aws, Stack, Token } from 'aws-cdk-lib'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { queueOfShard } from '../../src/model/key-names.ts'
import { maxShards } from '../../src/model/shards.ts'
import { ACTIONS, type GrantPurpose, KEY_ACTIONS } from './actions.ts'
import { keysOfPartition, keysOfQueue, type QueueScope } from './queue-keys.ts'
import { TagPrefix } from './tenant-tag.ts'

/**
 * Narrows a grant to some partition keys, so that one tenant cannot touch another's rows.
 * A request is allowed when *all* its keys match one of `pks`, `queues` or `pkPrefixes` of the *same* grant: give everything
 * that one batch may touch together in one call, as two grants do not add up within one request.
 */
export interface GrantScope {
  /**
   * Whole partition keys, of items and of queues, with all that calls on them touch: large payloads, deduplication,
   * dead letters, and markers of an `idempotencyKey` that is `<pk>` or begins with `<pk>#`.
   */
  readonly pks?: readonly string[]
  /** Queues with `shards`, or with dead letters elsewhere; as `pks` otherwise. */
  readonly queues?: readonly QueueScope[]
  /**
   * Beginnings of partition keys. Each must end in a separator (no letter or digit): `tenant1` would open `tenant10`
   * too, `tenant1#` does not. `*`, `?` and `${` are refused, as IAM would read them as wildcards and variables: for
   * the tag of a session there is `tenantTag`.
   */
  readonly pkPrefixes?: readonly (string | TagPrefix)[]
}

/** IAM takes at most 6,144 characters in a managed policy, where the CDK puts what is too long for a role. */
const MAX_KEYS_LENGTH = 5500

/** Grants the actions of a purpose on one table, and the use of its key through DynamoDB where it has one. */
export function grantTable(
  scope: Construct,
  table: { tableArn: string; encryptionKey?: IKey | undefined },
  grantee: IGrantable,
  purpose: GrantPurpose,
  narrowed?: GrantScope,
): Grant {
  const grant = Grant.addToPrincipal({
    grantee,
    actions: [...ACTIONS[purpose]],
    resourceArns: [table.tableArn],
    ...(narrowed && { conditions: leadingKeysCondition(purpose, narrowed) }),
  })
  if (!table.encryptionKey) return grant
  return grant.combine(
    Grant.addToPrincipal({
      grantee,
      actions: [...KEY_ACTIONS],
      resourceArns: [table.encryptionKey.keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(scope).region}.${Aws.URL_SUFFIX}` },
      },
    }),
  )
}

/**
 * The condition for a scope. `ForAllValues` is true of a request without the key as well, hence the `Null` guard.
 */
export function leadingKeysCondition(
  purpose: GrantPurpose,
  { pks = [], queues = [], pkPrefixes = [] }: GrantScope,
): Record<string, Record<string, unknown>> {
  if (pks.length + queues.length + pkPrefixes.length === 0)
    throw new Error(
      'Grant: pks, queues and pkPrefixes are all empty; name at least one, or leave the scope out',
    )
  for (const pk of pks) assertLiteralKey('pks', pk)
  for (const queue of queues) assertQueue(queue)
  const prefixes = pkPrefixes.map(prefixPattern)
  const keys = new Set([
    ...pks.flatMap((pk) => keysOfPartition(purpose, pk)),
    ...queues.flatMap((queue) => keysOfQueue(purpose, queue)),
    ...prefixes.map((prefix) => `${prefix}*`),
  ])
  const length = JSON.stringify([...keys]).length
  if (length > MAX_KEYS_LENGTH)
    throw new Error(
      `Grant: pks, queues and pkPrefixes make ${length} characters of keys (at most ${MAX_KEYS_LENGTH}); ` +
        'cover them by fewer pkPrefixes',
    )
  return {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...keys] },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
}

function prefixPattern(prefix: string | TagPrefix): string {
  if (prefix instanceof TagPrefix) return prefix.pattern
  assertPrefix('pkPrefixes', prefix)
  return prefix
}

function assertQueue({ pk, shards, deadLetterPk }: QueueScope): void {
  assertQueueKey('queues: pk', pk)
  if (shards !== undefined) assertShards('queues: shards', shards)
  if (deadLetterPk === undefined) return
  assertLiteralKey('queues: deadLetterPk', deadLetterPk)
  if (deadLetterPk === pk) throw new Error(`queues: deadLetterPk '${pk}' must be another queue than pk`)
}

/** Refuses a number of shards that no queue can have. */
export function assertShards(prop: string, shards: number): void {
  if (!Number.isSafeInteger(shards) || shards < 1 || shards > maxShards)
    throw new Error(`${prop} must be a whole number from 1 to ${maxShards}, not ${shards}`)
}

/** A queue is named as a whole: its shards follow from their number. */
export function assertQueueKey(prop: string, pk: string): void {
  assertLiteralKey(prop, pk)
  if (queueOfShard(pk) !== pk)
    throw new Error(`${prop}: '${pk}' is one shard; name the queue '${queueOfShard(pk)}' and give shards`)
}

/** Refuses a prefix that would match more than it says. */
export function assertPrefix(prop: string, prefix: string): void {
  assertLiteralKey(prop, prefix)
  if (/[\p{L}\p{N}]$/u.test(prefix))
    throw new Error(
      `${prop}: '${prefix}' would also match '${prefix}0'; end it with a separator such as '#', or name whole keys`,
    )
}

/** Refuses what IAM would not take literally, and what no partition key can be. */
export function assertLiteralKey(prop: string, key: string): void {
  if (Token.isUnresolved(key))
    throw new Error(
      `${prop}: a value known only at deployment cannot be checked for wildcards; give a literal string`,
    )
  if (typeof key !== 'string' || key === '')
    throw new Error(`${prop}: a partition key or prefix must not be empty`)
  if (/[*?]|\$\{/.test(key))
    throw new Error(`${prop}: '${key}' holds a wildcard (* or ?) or a policy variable ($\{...}) of IAM`)
  if (/\p{Surrogate}/u.test(key) || Buffer.byteLength(key) > 2048)
    throw new Error(`${prop}: '${key.slice(0, 40)}' is no partition key (well-formed, at most 2,048 bytes)`)
}
