// One policy statement per grant, optionally narrowed to partition keys.

import { Arn, ArnFormat, Aws, Stack, Token } from 'aws-cdk-lib'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { dueSchedulesPk, queueOfShard } from '../../src/model/key-names.ts'
import { maxShards } from '../../src/model/shards.ts'
import { ACTIONS, type GrantPurpose, KEY_ACTIONS } from './actions.ts'
import { conditionOn, literalProblem, prefixProblem } from './literal-keys.ts'
import { type GrantUses, needsOf } from './methods.ts'
import { FEATURES_OF, type KeyFeature, keysOfPartition, keysOfQueue, type QueueScope } from './queue-keys.ts'
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
  /** Partitions of schedules, `lockrow#schedules` unless the handler names another one, with their due times. */
  readonly schedules?: readonly string[]
  /**
   * Beginnings of partition keys. Each must end in a separator (no letter or digit): `tenant1` would open `tenant10`
   * too, `tenant1#` does not. `*`, `?` and `${` are refused, as IAM would read them as wildcards and variables: for
   * the tag of a session there is `tenantTag`.
   */
  readonly pkPrefixes?: readonly (string | TagPrefix)[]
  /**
   * Regions in which the table may be used: its own and those of its replicas. Let each partition key be written in one.
   * @default its own
   */
  readonly regions?: readonly string[]
}

/** What a handler calls, and where. */
export interface GrantOptions extends GrantScope, GrantUses {}

/** The table of a grant, in its own region and in those of its replicas. */
export interface GrantTable {
  readonly tableName: string
  readonly tableArn: string
  readonly encryptionKey: IKey | undefined
  readonly replicas: readonly { readonly region: string; readonly keyArn?: string }[]
}

/** Actions, and which partitions beside the named ones belong to them. */
interface Granted {
  readonly actions: readonly string[]
  readonly keys: readonly KeyFeature[]
}

/** IAM takes at most 6,144 characters in a managed policy, where the CDK puts what is too long for a role. */
const MAX_KEYS_LENGTH = 5500

/** Grants the actions of a purpose on one table, and the use of its key through DynamoDB where it has one. */
export const grantPurpose = (
  scope: Construct,
  table: GrantTable,
  grantee: IGrantable,
  purpose: GrantPurpose,
  narrowed?: GrantScope,
): Grant =>
  grantActions(scope, table, grantee, { actions: ACTIONS[purpose], keys: FEATURES_OF[purpose] }, narrowed)

/** Grants what the methods and features need, and nothing else. */
export function grantUses(
  scope: Construct,
  table: GrantTable,
  grantee: IGrantable,
  { methods, features, ...narrowed }: GrantOptions,
): Grant {
  const needs = needsOf({ ...(methods && { methods }), ...(features && { features }) })
  if (needs.actions.includes('dynamodb:Scan') && namesKeys({ ...narrowed, regions: undefined }))
    throw new Error('grant: scan reads the whole table and cannot be narrowed: give it a grant of its own')
  const isNarrowed = Object.values(narrowed).some((given) => given !== undefined)
  return grantActions(scope, table, grantee, needs, isNarrowed ? narrowed : undefined)
}

function grantActions(
  scope: Construct,
  table: GrantTable,
  grantee: IGrantable,
  { actions, keys }: Granted,
  narrowed?: GrantScope,
): Grant {
  const places = placesOf(scope, table, narrowed?.regions)
  const condition = narrowed && isByKey(narrowed) ? leadingKeysCondition(keys, narrowed) : undefined
  const grant = Grant.addToPrincipal({
    grantee,
    actions: [...actions],
    resourceArns: places.map(({ tableArn }) => tableArn),
    ...(condition && { conditions: condition }),
  })
  return places.reduce((all, { region, keyArn }) => {
    if (keyArn === undefined) return all
    const use = Grant.addToPrincipal({
      grantee,
      actions: [...KEY_ACTIONS],
      resourceArns: [keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${region}.${Aws.URL_SUFFIX}` } },
    })
    return all.combine(use)
  }, grant)
}

/** Only `regions`: all keys of the table. An empty scope is a mistake, which leadingKeysCondition names. */
const isByKey = ({ regions, ...byKey }: GrantScope): boolean => regions === undefined || namesKeys(byKey)

const namesKeys = (byKey: object): boolean => Object.values(byKey).some((given) => given !== undefined)

interface Place {
  readonly region: string
  readonly tableArn: string
  readonly keyArn: string | undefined
}

function placesOf(scope: Construct, table: GrantTable, regions: readonly string[] | undefined): Place[] {
  const { encryptionKey, replicas } = table
  const home = { region: homeOf(scope, table), tableArn: table.tableArn, keyArn: encryptionKey?.keyArn }
  if (regions === undefined) return [home]
  if (regions.length === 0) throw new Error('Grant: regions is empty; name at least one, or leave it out')
  return [...new Set(regions)].map((region) => {
    if (region === home.region) return home
    const replica = replicas.find((one) => one.region === region)
    if (!replica) {
      const known = [
        ...(Token.isUnresolved(home.region) ? [] : [home.region]),
        ...replicas.map((one) => one.region),
      ]
      throw new Error(
        `Grant: regions: the table has no replica in '${region}' (${known.join(', ') || 'none is known'})`,
      )
    }
    return { region, tableArn: replicaArn(scope, table, region), keyArn: replica.keyArn }
  })
}

/** An imported table may be in another region than the stack. */
function homeOf(scope: Construct, { tableArn }: GrantTable): string {
  if (Token.isUnresolved(tableArn)) return Stack.of(scope).region
  return Arn.split(tableArn, ArnFormat.SLASH_RESOURCE_NAME).region ?? Stack.of(scope).region
}

function replicaArn(scope: Construct, { tableArn, tableName }: GrantTable, region: string): string {
  const resource = { service: 'dynamodb', region, resource: 'table', resourceName: tableName }
  if (Token.isUnresolved(tableArn)) return Stack.of(scope).formatArn(resource)
  return Arn.format({ ...Arn.split(tableArn, ArnFormat.SLASH_RESOURCE_NAME), region })
}

/** The condition for a scope. */
export function leadingKeysCondition(
  features: readonly KeyFeature[],
  { pks = [], queues = [], schedules = [], pkPrefixes = [] }: GrantScope,
): Record<string, Record<string, unknown>> {
  if (pks.length + queues.length + schedules.length + pkPrefixes.length === 0)
    throw new Error(
      'Grant: pks, queues and pkPrefixes are all empty, and so are schedules; name at least one, or leave the scope out',
    )
  for (const pk of pks) assertLiteralKey('pks', pk)
  for (const queue of queues) assertQueue(queue)
  for (const pk of schedules) assertLiteralKey('schedules', pk)
  const prefixes = pkPrefixes.map(prefixPattern)
  const keys = new Set([
    ...pks.flatMap((pk) => keysOfPartition(features, pk)),
    ...queues.flatMap((queue) => keysOfQueue(features, queue)),
    ...schedules.flatMap((pk) => [pk, dueSchedulesPk(pk)]),
    ...prefixes.map((prefix) => `${prefix}*`),
  ])
  const length = JSON.stringify([...keys]).length
  if (length > MAX_KEYS_LENGTH)
    throw new Error(
      `Grant: pks, queues and pkPrefixes make ${length} characters of keys (at most ${MAX_KEYS_LENGTH}); ` +
        'cover them by fewer pkPrefixes',
    )
  return conditionOn([...keys])
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
  const problem = prefixProblem(prefix)
  if (problem) throw new Error(`${prop}: ${problem}`)
}

/** Refuses what IAM would not take literally, and what no partition key can be. */
export function assertLiteralKey(prop: string, key: string): void {
  if (Token.isUnresolved(key))
    throw new Error(
      `${prop}: a value known only at deployment cannot be checked for wildcards; give a literal string`,
    )
  const problem = literalProblem(key)
  if (problem) throw new Error(`${prop}: ${problem}`)
}
