import { type Asked, statementOn, tableProperties } from './resources.ts'
import { toYaml } from './yaml.ts'

/** The same table and policy for each tool, as text. */
export const formats = {
  cloudformation: (asked: Asked): string =>
    toYaml({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: {
        Table: table(asked),
        Policy: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: {
            Description: `Use of the table ${asked.tableName} by lockrow`,
            PolicyDocument: { Version: '2012-10-17', Statement: [statementOn(asked, tableArn)] },
          },
        },
      },
      Outputs: {
        TableName: { Value: { Ref: 'Table' } },
        ...(asked.stream && { StreamArn: { Value: { 'Fn::GetAtt': ['Table', 'StreamArn'] } } }),
        PolicyArn: { Value: { Ref: 'Policy' } },
      },
    }),

  serverless: (asked: Asked): string =>
    toYaml({
      provider: {
        environment: { TABLE_NAME: { Ref: 'Table' } },
        iam: { role: { statements: [statementOn(asked, tableArn)] } },
      },
      resources: { Resources: { Table: table(asked) } },
    }),

  terraform: (asked: Asked): string =>
    JSON.stringify(
      {
        resource: {
          aws_dynamodb_table: { lockrow: terraformTable(asked) },
          aws_iam_policy: {
            lockrow: {
              name_prefix: `${asked.tableName.slice(0, 80)}-lockrow-`,
              policy: terraformText({
                Version: '2012-10-17',
                // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform reads it
                Statement: [statementOn(asked, '${aws_dynamodb_table.lockrow.arn}')],
              }),
            },
          },
        },
      },
      undefined,
      2,
    ),

  sst: (asked: Asked): string => {
    const { Action, Condition } = statementOn(asked, undefined)
    const { AttributeDefinitions, KeySchema, TimeToLiveSpecification, PointInTimeRecoverySpecification } =
      tableProperties(asked)
    const fields = Object.fromEntries(
      AttributeDefinitions.map(({ AttributeName }) => [AttributeName, 'string']),
    )
    const [hash, range] = KeySchema
    return `// In sst.config.ts, within run():
const table = new sst.aws.Dynamo(${JSON.stringify(asked.tableName)}, {
  fields: ${JSON.stringify(fields)},
  primaryIndex: { hashKey: ${JSON.stringify(hash!.AttributeName)}, rangeKey: ${JSON.stringify(range!.AttributeName)} },
  ttl: ${JSON.stringify(TimeToLiveSpecification.AttributeName)},
  deletionProtection: true,${asked.stream ? `\n  stream: ${JSON.stringify(sstStreams[asked.stream])},` : ''}
  transform: { table: { pointInTimeRecovery: { enabled: ${PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled} }, serverSideEncryption: { enabled: true } } },
})
new sst.aws.Function("Handler", {
  handler: "src/handler.handler",
  environment: { TABLE_NAME: table.name },
  permissions: [
    {
      actions: ${JSON.stringify(Action)},
      resources: [table.arn],
      conditions: ${JSON.stringify(sstConditions(Condition))},
    },
  ],
})`
  },
} satisfies Record<string, (asked: Asked) => string>

export type Format = keyof typeof formats

const tableArn = { 'Fn::GetAtt': ['Table', 'Arn'] }

/** Kept, with all that is in it, when the stack is deleted. */
const table = (asked: Asked) => ({
  Type: 'AWS::DynamoDB::Table',
  DeletionPolicy: 'Retain',
  UpdateReplacePolicy: 'Retain',
  Properties: tableProperties(asked),
})

/** A document as a text of Terraform, which would read `%{` as a directive. Keys with `${` are refused before. */
const terraformText = (document: object): string => JSON.stringify(document).replaceAll('%{', '%%{')

function terraformTable(asked: Asked): object {
  const { TableName, BillingMode, AttributeDefinitions, KeySchema, TimeToLiveSpecification } =
    tableProperties(asked)
  return {
    name: TableName,
    billing_mode: BillingMode,
    hash_key: KeySchema[0]!.AttributeName,
    range_key: KeySchema[1]!.AttributeName,
    attribute: AttributeDefinitions.map(({ AttributeName, AttributeType }) => ({
      name: AttributeName,
      type: AttributeType,
    })),
    ttl: { attribute_name: TimeToLiveSpecification.AttributeName, enabled: TimeToLiveSpecification.Enabled },
    point_in_time_recovery: { enabled: true },
    server_side_encryption: { enabled: true },
    deletion_protection_enabled: true,
    ...(asked.stream && { stream_enabled: true, stream_view_type: asked.stream }),
    lifecycle: { prevent_destroy: true },
  }
}

const sstStreams = { KEYS_ONLY: 'keys-only', NEW_AND_OLD_IMAGES: 'new-and-old-images' } as const

/** SST's form: one entry for each test and variable. */
const sstConditions = (condition: Record<string, Record<string, unknown>> = {}) =>
  Object.entries(condition).flatMap(([test, variables]) =>
    Object.entries(variables).map(([variable, values]) => ({ test, variable, values: [values].flat() })),
  )
