// A table that exists already, or that is made otherwise: what is known of it is checked, the rest is told by props.

import { Arn, ArnFormat, Stack, Token } from 'aws-cdk-lib'
import { CfnGlobalTable, CfnTable, type ITable, Table } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { isTableName, misfitsOf, type TableShape } from '../../src/model/table-shape.ts'
import { AtomicTableBase, type WatchProps } from './atomic-table-base.ts'
import type { AtomicTableReplica } from './props.ts'
import { validateRegions } from './validate.ts'

/** What cannot be seen at a table that was not made by AtomicTable. */
export interface ExistingTableProps extends WatchProps {
  /**
   * ARN of its change stream (`.../stream/2026-11-21T10:00:00.000`), which `addQueueWorker` wakes on. Any view of the
   * stream will do: the keys are enough. For a table of this app it is known.
   * @default that of the table, if it tells; else none: workers need `onInsert: false`
   */
  readonly tableStreamArn?: string
  /** Its KMS key, if it is one of yours: grants then include its use through DynamoDB. @default that of the table, if it tells */
  readonly encryptionKey?: IKey
  /** Its copies in other regions, for grants there and the alarm on replication latency. @default none */
  readonly replicas?: readonly Omit<AtomicTableReplica, 'deletionProtection'>[]
}

/** Grants, queue workers, alarms and dashboard on a table that is not made here. */
export class ExistingAtomicTable extends AtomicTableBase {
  readonly tableName: string
  readonly tableArn: string
  readonly encryptionKey: IKey | undefined
  readonly #table: ITable
  readonly #givenStream: string | undefined

  constructor(
    scope: Construct,
    id: string,
    existing: ITable | ((scope: Construct) => ITable),
    props: ExistingTableProps,
  ) {
    super(scope, id, props, props.replicas)
    const table = typeof existing === 'function' ? existing(this) : existing
    const fail = (message: string): never => {
      throw new Error(`AtomicTable '${this.node.path}': ${message}`)
    }
    const resource = resourceOf(table)
    if (resource) checkShape(this, resource, fail)
    this.#table = table
    this.#givenStream = props.tableStreamArn
    this.tableName = table.tableName
    this.tableArn = table.tableArn
    this.encryptionKey = oneOf('encryptionKey', props.encryptionKey, table.encryptionKey, fail)
    validateRegions(this, this, fail)
    oneOf('tableStreamArn', props.tableStreamArn, knownStream(table), fail)
    checkStreamArn(this.streamArn, this.tableArn, fail)
    this.watch(props)
  }

  get streamArn(): string | undefined {
    return this.#givenStream ?? knownStream(this.#table)
  }

  protected requireStream(): string {
    const { streamArn } = this
    if (streamArn !== undefined) return streamArn
    const remedy = resourceOf(this.#table)
      ? 'set stream of the Table (dynamoStream of a TableV2), KEYS_ONLY is enough'
      : 'switch its stream on (KEYS_ONLY is enough) and give tableStreamArn'
    throw new Error(
      `AtomicTable '${this.node.path}': addQueueWorker wakes on the stream of the table, and none is known: ${remedy}; ` +
        'or give the worker onInsert: false',
    )
  }
}

type Fail = (message: string) => never

/** The table of this name in the account and region of the stack. */
export function tableByName(scope: Construct, tableName: string): ITable {
  if (!Token.isUnresolved(tableName) && !isTableName(tableName))
    throw new Error(`AtomicTable.fromTableName: tableName '${tableName}' is no name of a table`)
  return Table.fromTableName(scope, 'Table', tableName)
}

/** The table of this ARN. */
export function tableByArn(scope: Construct, tableArn: string): ITable {
  if (
    !Token.isUnresolved(tableArn) &&
    !/^arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/[\w.-]{3,255}$/.test(tableArn)
  )
    throw new Error(
      `AtomicTable.fromTableArn: tableArn '${tableArn}' is no ARN of a table (arn:aws:dynamodb:eu-west-1:111111111111:table/name)`,
    )
  return Table.fromTableArn(scope, 'Table', tableArn)
}

function resourceOf(table: ITable): CfnTable | CfnGlobalTable | undefined {
  const resource = table.node.defaultChild
  return resource instanceof CfnTable || resource instanceof CfnGlobalTable ? resource : undefined
}

/** Asked again each time: replicas that are added to a TableV2 switch its stream on. */
function knownStream(table: ITable): string | undefined {
  const resource = resourceOf(table)
  // TableV2 names an ARN also where there is no stream.
  if (resource && !Stack.of(table).resolve(resource.streamSpecification)) return undefined
  return table.tableStreamArn
}

/** What the template will say of a table of this app. */
function checkShape(scope: Construct, resource: CfnTable | CfnGlobalTable, fail: Fail): void {
  const { keySchema, attributeDefinitions, timeToLiveSpecification } = Stack.of(scope).resolve({
    keySchema: resource.keySchema,
    attributeDefinitions: resource.attributeDefinitions,
    timeToLiveSpecification: resource.timeToLiveSpecification,
  }) as Shape
  const typeOf = (name: string) =>
    attributeDefinitions?.find(({ attributeName }) => attributeName === name)?.attributeType ?? '?'
  const shape: TableShape = {
    keys: (keySchema ?? []).map(({ attributeName: name }) => ({ name, type: typeOf(name) })),
    ttl: timeToLiveSpecification?.enabled === false ? undefined : timeToLiveSpecification?.attributeName,
  }
  const [misfit] = misfitsOf(shape)
  if (misfit) fail(`existing: ${misfit.found}: ${misfit.remedy}`)
}

/** As CloudFormation's properties are written in the CDK. */
interface Shape {
  keySchema?: { attributeName: string }[]
  attributeDefinitions?: { attributeName: string; attributeType: string }[]
  timeToLiveSpecification?: { attributeName?: string; enabled: boolean }
}

function oneOf<T>(prop: string, given: T | undefined, known: T | undefined, fail: Fail): T | undefined {
  if (given !== undefined && known !== undefined && given !== known)
    fail(`${prop} contradicts that of the table, which is known: leave it out`)
  return given ?? known
}

function checkStreamArn(streamArn: string | undefined, tableArn: string, fail: Fail): void {
  if (streamArn === undefined || Token.isUnresolved(streamArn)) return
  const [, ofTable] =
    /^(arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/[\w.-]+)\/stream\/[\w.:-]+$/.exec(streamArn) ?? []
  if (ofTable === undefined)
    fail(`tableStreamArn '${streamArn}' is no ARN of a stream (<ARN of the table>/stream/<time>)`)
  if (!Token.isUnresolved(tableArn) && ofTable !== tableArn)
    fail(`tableStreamArn '${streamArn}' is that of another table than ${tableArn}`)
  const name = Arn.split(tableArn, ArnFormat.SLASH_RESOURCE_NAME).resourceName
  if (name !== undefined && !Token.isUnresolved(name) && !ofTable!.endsWith(`/${name}`))
    fail(`tableStreamArn '${streamArn}' is that of another table than '${name}'`)
}
