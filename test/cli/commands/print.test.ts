import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { ArnPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { AtomicTable } from 'lockrow/cdk'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { newApp } from '../../cdk/helpers.ts'
import { cli } from '../helpers.ts'

type Properties = Record<string, unknown>
interface Statement {
  Action: string[]
  Resource: unknown
  Condition?: Record<string, unknown>
}

async function printed(...argv: string[]): Promise<string> {
  const { code, out, err } = await cli(['print', ...argv])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out
}

const scope = ['--queue', 'mails:2', '--pk', 'config', '--prefix', 'user#']
/** What the construct makes of the same wishes. */
let made: { table: Properties; statement: Statement }

beforeAll(() => {
  const stack = new Stack(newApp(), 'Stack')
  const table = new AtomicTable(stack, 'Table', { tableName: 'shop', stream: StreamViewType.KEYS_ONLY })
  const role = new Role(stack, 'Role', { assumedBy: new ArnPrincipal('arn:aws:iam::123456789012:root') })
  table.grantReadWrite(role, { pks: ['config'], queues: [{ pk: 'mails', shards: 2 }], pkPrefixes: ['user#'] })
  const template = Template.fromStack(stack)
  const [resource] = Object.values(template.findResources('AWS::DynamoDB::GlobalTable'))
  const [policy] = Object.values(template.findResources('AWS::IAM::Policy'))
  made = {
    table: resource!.Properties as Properties,
    statement: (policy!.Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument
      .Statement[0]!,
  }
})

const use = ({ Action, Condition }: Statement) => ({ Action, Condition })

describe('the table and the policy are those of the construct', () => {
  it('cloudformation', async () => {
    const { Resources } = parse(
      await printed('cloudformation', '--table', 'shop', '--stream', 'keys', ...scope),
    )
    const { Type, DeletionPolicy, Properties } = Resources.Table
    expect([Type, DeletionPolicy]).toEqual(['AWS::DynamoDB::Table', 'Retain'])
    // A global table has a part of this with its one replica.
    const { Replicas, TableName, ...shared } = made.table as { Replicas: Properties[]; TableName: string }
    const { PointInTimeRecoverySpecification, DeletionProtectionEnabled } = Replicas[0]!
    expect(Properties).toEqual({
      ...shared,
      TableName,
      PointInTimeRecoverySpecification,
      DeletionProtectionEnabled,
      SSESpecification: { SSEEnabled: true },
    })
    const [statement] = Resources.Policy.Properties.PolicyDocument.Statement
    expect(use(statement)).toEqual(use(made.statement))
    expect(statement.Resource).toEqual({ 'Fn::GetAtt': ['Table', 'Arn'] })
  })

  it('serverless', async () => {
    const { provider, resources } = parse(
      await printed('serverless', '--table', 'shop', '--stream', 'keys', ...scope),
    )
    expect(use(provider.iam.role.statements[0])).toEqual(use(made.statement))
    expect(provider.environment).toEqual({ TABLE_NAME: { Ref: 'Table' } })
    expect(resources.Resources.Table.Properties).toMatchObject({
      KeySchema: made.table.KeySchema,
      TimeToLiveSpecification: made.table.TimeToLiveSpecification,
      StreamSpecification: { StreamViewType: 'KEYS_ONLY' },
    })
  })

  it('terraform', async () => {
    const { resource } = JSON.parse(
      await printed('terraform', '--table', 'shop', '--stream', 'images', ...scope),
    )
    expect(resource.aws_dynamodb_table.lockrow).toMatchObject({
      name: 'shop',
      billing_mode: 'PAY_PER_REQUEST',
      hash_key: 'pk',
      range_key: 'sk',
      attribute: [
        { name: 'pk', type: 'S' },
        { name: 'sk', type: 'S' },
      ],
      ttl: { attribute_name: 'ttl', enabled: true },
      point_in_time_recovery: { enabled: true },
      deletion_protection_enabled: true,
      stream_view_type: 'NEW_AND_OLD_IMAGES',
    })
    const [statement] = JSON.parse(resource.aws_iam_policy.lockrow.policy).Statement
    expect(use(statement)).toEqual(use(made.statement))
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform reads it
    expect(statement.Resource).toBe('${aws_dynamodb_table.lockrow.arn}')
    expect(await printed('terraform', '--pk', '%{ if }')).toContain('%%{ if }')
  })

  it('sst', async () => {
    const text = await printed('sst', '--table', 'shop', '--stream', 'keys', ...scope)
    const { outputText, diagnostics } = ts.transpileModule(text, { reportDiagnostics: true })
    expect(diagnostics).toEqual([])
    const seen: Record<string, unknown[]> = {}
    const note = (kind: string) =>
      class {
        arn = 'table-arn'
        name = 'table-name'
        constructor(...args: unknown[]) {
          seen[kind] = args
        }
      }
    new Function('sst', outputText)({ aws: { Dynamo: note('table'), Function: note('fn') } })
    expect(seen.table).toMatchObject([
      'shop',
      {
        fields: { pk: 'string', sk: 'string' },
        primaryIndex: { hashKey: 'pk', rangeKey: 'sk' },
        ttl: 'ttl',
        deletionProtection: true,
        stream: 'keys-only',
      },
    ])
    expect(seen.fn).toMatchObject([
      'Handler',
      {
        permissions: [
          {
            actions: made.statement.Action,
            resources: ['table-arn'],
            conditions: [
              {
                test: 'ForAllValues:StringLike',
                variable: 'dynamodb:LeadingKeys',
                values: keysIn(made.statement),
              },
              { test: 'Null', variable: 'dynamodb:LeadingKeys', values: ['false'] },
            ],
          },
        ],
      },
    ])
  })
})

const keysIn = ({ Condition }: Statement): unknown =>
  (Condition as Record<string, Record<string, unknown>>)['ForAllValues:StringLike']!['dynamodb:LeadingKeys']

describe('the policy is for what is used', () => {
  const actionsOf = async (...argv: string[]): Promise<string[]> =>
    parse(await printed('serverless', ...argv)).provider.iam.role.statements[0].Action

  it('by purpose, method or feature', async () => {
    expect(await actionsOf('--grant', 'read')).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:Query',
    ])
    expect(await actionsOf('--method', 'get', 'query')).toEqual(['dynamodb:GetItem', 'dynamodb:Query'])
    expect(await actionsOf('--feature', 'Mutex')).toContain('dynamodb:UpdateItem')
    for (const format of ['terraform', 'cloudformation', 'serverless', 'sst'])
      expect(await printed(format)).not.toMatch(/LeadingKeys|Scan|undefined/)
  })
})

it.each([
  [['terrafrom'], 'terraform'],
  [['terraform', '--grant', 'write'], 'readWrite'],
  [['terraform', '--method', 'gett'], "did you mean 'get'?"],
  [['terraform', '--prefix', 'user'], "would also match 'user0'"],
  [['terraform', '--pk', 'a*'], 'holds a wildcard'],
  [['terraform', '--queue', 'mails:0'], 'shards'],
  [['terraform', '--table', 'a b'], "'a b' cannot be the name of a table"],
])('a wrong call is refused with one line: %j', async (argv, said) => {
  const { code, out, err } = await cli(['print', ...argv])
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(said)
  expect(err.trim().split('\n')).toHaveLength(1)
})
