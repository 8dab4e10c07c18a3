// Contradictions between properties, found before anything is deployed. Every message names the properties.

import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib'
import { MultiRegionConsistency, StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { isTableName } from '../../src/model/table-shape.ts'
import type { AtomicTableProps } from './props.ts'

/** What a new on-demand table has anyway; DynamoDB refuses to be asked for less. */
const FREE_WARM_READS = 12_000
const FREE_WARM_WRITES = 4_000

/** Says why lockrow cannot run on a strongly consistent global table. */
export const STRONG_REFUSED =
  'AtomicTable: multiRegionConsistency STRONG has no transactions and no TTL, so neither atomic commits nor expiring ' +
  'locks work there; leave multiRegionConsistency out (EVENTUAL), and read AtomicTableReplica for what it does to locks'

/** Throws an Error naming the properties that contradict each other, or one that no table can have. */
export function validateProps(scope: Construct, props: AtomicTableProps): void {
  const fail = (message: string): never => {
    throw new Error(`AtomicTable '${scope.node.path}': ${message}`)
  }
  validateName(props, fail)
  validateThroughput(props, fail)
  validateProtection(props, fail)
  validateReplicas(scope, props, fail)
}

type Fail = (message: string) => never

function validateName({ tableName }: AtomicTableProps, fail: Fail): void {
  if (tableName !== undefined && !Token.isUnresolved(tableName) && !isTableName(tableName))
    fail(`tableName '${tableName}' must be 3 to 255 of a-z, A-Z, 0-9, '_', '.' and '-'`)
}

function validateThroughput(props: AtomicTableProps, fail: Fail): void {
  const { maxReadRequestUnits, maxWriteRequestUnits, warmThroughput } = props
  const { readUnitsPerSecond: warmReads, writeUnitsPerSecond: warmWrites } = warmThroughput ?? {}
  const atLeast = (prop: string, value: number | undefined, least: number) => {
    if (value === undefined || Token.isUnresolved(value)) return
    if (!Number.isInteger(value) || value < least) fail(`${prop} must be a whole number of at least ${least}`)
  }
  atLeast('maxReadRequestUnits', maxReadRequestUnits, 1)
  atLeast('maxWriteRequestUnits', maxWriteRequestUnits, 1)
  atLeast('warmThroughput.readUnitsPerSecond', warmReads, FREE_WARM_READS)
  atLeast('warmThroughput.writeUnitsPerSecond', warmWrites, FREE_WARM_WRITES)
  if (warmThroughput && warmReads === undefined && warmWrites === undefined)
    fail('warmThroughput names neither readUnitsPerSecond nor writeUnitsPerSecond')
  if (warmReads !== undefined && maxReadRequestUnits !== undefined && warmReads > maxReadRequestUnits)
    fail('warmThroughput.readUnitsPerSecond pays for more than maxReadRequestUnits lets through')
  if (warmWrites !== undefined && maxWriteRequestUnits !== undefined && warmWrites > maxWriteRequestUnits)
    fail('warmThroughput.writeUnitsPerSecond pays for more than maxWriteRequestUnits lets through')
}

function validateProtection(props: AtomicTableProps, fail: Fail): void {
  const {
    removalPolicy,
    deletionProtection = true,
    pointInTimeRecovery = true,
    recoveryPeriodInDays: days,
  } = props
  if (removalPolicy === RemovalPolicy.DESTROY && deletionProtection)
    fail(
      'removalPolicy DESTROY cannot delete a table with deletionProtection; set deletionProtection: false as well',
    )
  if (removalPolicy === RemovalPolicy.SNAPSHOT)
    fail('removalPolicy SNAPSHOT does not exist for DynamoDB tables')
  if (days !== undefined && !pointInTimeRecovery)
    fail('recoveryPeriodInDays has no meaning with pointInTimeRecovery: false')
  if (days !== undefined && (!Number.isInteger(days) || days < 1 || days > 35))
    fail('recoveryPeriodInDays must be a whole number from 1 to 35')
}

function validateReplicas(scope: Construct, props: AtomicTableProps, fail: Fail): void {
  const { replicas = [], encryptionKey, stream, multiRegionConsistency } = props
  if (multiRegionConsistency === MultiRegionConsistency.STRONG) throw new Error(STRONG_REFUSED)
  if (replicas.length === 0) return
  const home = Stack.of(scope).region
  if (Token.isUnresolved(home)) fail('replicas need a stack with a region of its own: set env.region')
  if (stream === false) fail('replicas replicate through the stream: stream: false contradicts them')
  if (stream && stream !== StreamViewType.NEW_AND_OLD_IMAGES)
    fail(`replicas need the stream NEW_AND_OLD_IMAGES: stream ${stream} contradicts them`)
  validateRegions(scope, { replicas, encryptionKey }, fail)
}

/** Each region once, with a key where the table has one. */
export function validateRegions(
  scope: Construct,
  { replicas = [], encryptionKey }: Pick<AtomicTableProps, 'replicas'> & { encryptionKey?: IKey | undefined },
  fail: Fail,
): void {
  const home = Stack.of(scope).region
  const seen = new Set([home])
  for (const { region, keyArn } of replicas) {
    if (typeof region !== 'string' || region === '') fail('replicas: a region must not be empty')
    if (seen.has(region))
      fail(`replicas: region ${region} is ${region === home ? "the stack's own" : 'named twice'}`)
    seen.add(region)
    if (encryptionKey && !keyArn) fail(`replicas: ${region} needs keyArn, as the table has encryptionKey`)
    if (keyArn && !encryptionKey) fail(`replicas: ${region} has keyArn, but the table has no encryptionKey`)
  }
}
