// One policy statement per grant, optionally narrowed to partition keys.

import { Aws, Stack, Token } from 'aws-cdk-lib'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { ACTIONS, type GrantPurpose, KEY_ACTIONS } from './actions.ts'

/**
 * Narrows a grant to some partition keys, so that one tenant cannot touch another's rows.
 * A request is allowed when *all* its keys match one of `pks` or `pkPrefixes` of the *same* grant: give everything
 * that one batch may touch together in one call, as two grants do not add up within one request.
 */
export interface GrantScope {
  /** Whole partition keys. */
  readonly pks?: readonly string[]
  /**
   * Beginnings of partition keys. Each must end in a separator (no letter or digit): `tenant1` would open `tenant10`
   * too, `tenant1#` does not. `*`, `?` and `${` are refused, as IAM would read them as wildcards and variables.
   */
  readonly pkPrefixes?: readonly string[]
}

/** Rows of a queue in partitions beside its own: large payloads, and what a producer remembers of deduplication. */
const BESIDE: Readonly<Record<GrantPurpose, readonly string[]>> = {
  read: [],
  readWrite: [],
  queueProducer: ['#payload#', '#dedup#'],
  queueConsumer: ['#payload#'],
}

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
    ...(narrowed && { conditions: leadingKeysCondition(withRowsBeside(purpose, narrowed)) }),
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

/** Who is let into a queue by its whole key is let into the partitions beside it too. A prefix covers them anyway. */
function withRowsBeside(purpose: GrantPurpose, { pks = [], pkPrefixes = [] }: GrantScope): GrantScope {
  const beside = pks.flatMap((pk) => BESIDE[purpose].map((suffix) => pk + suffix))
  return { pks, pkPrefixes: [...pkPrefixes, ...beside] }
}

/**
 * The condition for a scope. `ForAllValues` is true of a request without the key as well, hence the `Null` guard.
 */
export function leadingKeysCondition({
  pks = [],
  pkPrefixes = [],
}: GrantScope): Record<string, Record<string, unknown>> {
  if (pks.length + pkPrefixes.length === 0)
    throw new Error('Grant: pks and pkPrefixes are both empty; name at least one, or leave the scope out')
  for (const pk of pks) assertLiteralKey('pks', pk)
  for (const prefix of pkPrefixes) assertPrefix('pkPrefixes', prefix)
  return {
    'ForAllValues:StringLike': {
      'dynamodb:LeadingKeys': [...pks, ...pkPrefixes.map((prefix) => `${prefix}*`)],
    },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
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
