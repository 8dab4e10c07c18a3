import { ACTIONS, type GrantPurpose } from '../../../infra/cdk/actions.ts'
import { conditionOn } from '../../../infra/cdk/literal-keys.ts'
import { type GrantUses, needsOf } from '../../../infra/cdk/methods.ts'
import { FEATURES_OF, keysOfPartition, keysOfQueue, type QueueScope } from '../../../infra/cdk/queue-keys.ts'
import { KEYS } from '../../../infra/cdk/table-keys.ts'

/** What is printed: a table as `AtomicTable` makes it, and a policy for who uses it. */
export interface Asked extends GrantUses {
  tableName: string
  purpose: GrantPurpose
  pks: readonly string[]
  prefixes: readonly string[]
  queues: readonly QueueScope[]
  /** What the stream shows; undefined: there is none. */
  stream: 'KEYS_ONLY' | 'NEW_AND_OLD_IMAGES' | undefined
}

/** The table, in the names of CloudFormation. */
export const tableProperties = ({ tableName, stream }: Asked) => ({
  TableName: tableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [KEYS.partition, KEYS.sort].map((name) => ({
    AttributeName: name,
    AttributeType: 'S',
  })),
  KeySchema: [
    { AttributeName: KEYS.partition, KeyType: 'HASH' },
    { AttributeName: KEYS.sort, KeyType: 'RANGE' },
  ],
  TimeToLiveSpecification: { AttributeName: KEYS.ttl, Enabled: true },
  PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  SSESpecification: { SSEEnabled: true },
  DeletionProtectionEnabled: true,
  ...(stream && { StreamSpecification: { StreamViewType: stream } }),
})

export interface Statement {
  Effect: 'Allow'
  Action: string[]
  Resource: unknown
  Condition?: Record<string, Record<string, unknown>>
}

/** What may be done on the table, by the same lists as the grants of the construct. */
export function statementOn(asked: Asked, tableArn: unknown): Statement {
  const isByUse = (asked.methods ?? []).length + (asked.features ?? []).length > 0
  const { actions, keys: features } = isByUse
    ? needsOf(asked)
    : { actions: ACTIONS[asked.purpose], keys: FEATURES_OF[asked.purpose] }
  const keys = new Set([
    ...asked.pks.flatMap((pk) => keysOfPartition(features, pk)),
    ...asked.queues.flatMap((queue) => keysOfQueue(features, queue)),
    ...asked.prefixes.map((prefix) => `${prefix}*`),
  ])
  return {
    Effect: 'Allow',
    Action: [...actions],
    Resource: tableArn,
    ...(keys.size > 0 && { Condition: conditionOn([...keys]) }),
  }
}
