// Grants give exactly the actions of their purpose, on one table, and to the named partition keys only.

import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { describe, expect, test } from 'vitest'
import {
  ACTIONS,
  type AtomicTable,
  actionsOf,
  type GrantScope,
  READ_WRITE_ACTIONS,
} from '../../infra/cdk/index.ts'
import { actionsIn, evaluate, type Fixture, statements, synth, tableOf } from './helpers.ts'

const EXPECTED = {
  grantRead: ['BatchGetItem', 'GetItem', 'Query'],
  grantReadWrite: [
    'BatchGetItem',
    'BatchWriteItem',
    'ConditionCheckItem',
    'DeleteItem',
    'GetItem',
    'PutItem',
    'Query',
    'UpdateItem',
  ],
  grantQueueProducer: ['BatchWriteItem', 'DeleteItem', 'PutItem'],
  grantQueueConsumer: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
} as const
/** Partitions beside that of a queue. */
const BESIDE: Record<keyof typeof EXPECTED, string[]> = {
  grantRead: [],
  grantReadWrite: [],
  grantQueueProducer: ['config#payload#*', 'config#dedup#*'],
  grantQueueConsumer: ['config#payload#*'],
}
type GrantName = keyof typeof EXPECTED
const NAMES = Object.keys(EXPECTED) as GrantName[]

const role = ({ stack }: Fixture) =>
  new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })

function granted(
  name: GrantName,
  scope?: GrantScope,
  props: ConstructorParameters<typeof AtomicTable>[2] = {},
) {
  const template = synth(props, (made) => made.db[name](role(made), scope))
  return { template, statements: statements(template), tableId: tableOf(template).id }
}

describe.each(NAMES)('%s', (name) => {
  test('gives one statement: these actions on this table, without condition', () => {
    const { statements: found, tableId } = granted(name)
    expect(found).toHaveLength(1)
    expect(actionsIn(found[0])).toEqual(EXPECTED[name].map((action) => `dynamodb:${action}`))
    expect(found[0].Resource).toEqual({ 'Fn::GetAtt': [tableId, 'Arn'] })
    expect(found[0].Effect).toBe('Allow')
    expect(found[0].Condition).toBeUndefined()
  })

  test('narrowed, requires every key of the request, and that there is one', () => {
    const { statements: found } = granted(name, { pks: ['config'], pkPrefixes: ['tenant1#'] })
    expect(found).toHaveLength(1)
    expect(found[0].Condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['config', 'tenant1#*', ...BESIDE[name]] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    })
  })

  test("with a key of the user's, may use it through DynamoDB only", () => {
    const arn = 'arn:aws:kms:eu-west-1:111111111111:key/k'
    const withKey = synth(
      (stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'K', arn) }),
      (made) => made.db[name](role(made)),
    )
    const kms = statements(withKey).filter((statement) =>
      actionsIn(statement).some((action) => action.startsWith('kms:')),
    )
    expect(kms).toEqual([
      {
        Action: 'kms:Decrypt',
        Effect: 'Allow',
        Resource: arn,
        Condition: {
          StringEquals: {
            'kms:ViaService': {
              'Fn::Join': ['', ['dynamodb.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]],
            },
          },
        },
      },
    ])
  })
})

test('no grant knows Scan, PartiQL, a wildcard or a change of the table', () => {
  const all = Object.values(ACTIONS).flat()
  expect(all.filter((action) => /Scan|PartiQL|\*|Table|Stream|Backup|Tag/.test(action))).toEqual([])
  expect([...new Set(all)].sort()).toEqual([...READ_WRITE_ACTIONS])
})

describe('what a narrowed grant lets through', () => {
  const condition = granted('grantReadWrite', { pks: ['config'], pkPrefixes: ['tenant1#', 'shared/'] })
    .statements[0].Condition

  test.each([
    ['its own keys', ['tenant1#a', 'tenant1#b'], true],
    ['a key of the other prefix in the same request', ['tenant1#a', 'shared/x'], true],
    ['a whole key', ['config'], true],
    ['the bare prefix', ['tenant1#'], true],
    ['another tenant', ['tenant2#a'], false],
    ['a tenant whose name begins the same', ['tenant10#a'], false],
    ['a batch that mixes in a foreign key', ['tenant1#a', 'tenant2#a'], false],
    ['a key that only begins like the whole key', ['config2'], false],
    ['a request without keys, such as a scan', undefined, false],
    ['a request with an empty list of keys', [], false],
  ])('%s', (_, keys, allowed) => {
    expect(evaluate(condition, keys)).toBe(allowed)
  })

  test('without the Null guard a request without keys would pass', () => {
    const { Null: _, ...unguarded } = condition
    expect(evaluate(unguarded, undefined)).toBe(true)
  })
})

describe('a bad scope is refused', () => {
  test.each<[string, GrantScope, RegExp]>([
    ['neither', {}, /pks and pkPrefixes are both empty/],
    ['an empty prefix', { pkPrefixes: [''] }, /pkPrefixes: .*empty/],
    ['an empty key', { pks: [''] }, /pks: .*empty/],
    ['a star', { pkPrefixes: ['tenant*#'] }, /pkPrefixes: 'tenant\*#' holds a wildcard/],
    ['a question mark', { pks: ['tenant?'] }, /pks: 'tenant\?' holds a wildcard/],
    ['a policy variable', { pkPrefixes: ['$' + '{aws:username}#'] }, /pkPrefixes: .*policy variable/],
    [
      'a prefix without separator',
      { pkPrefixes: ['tenant1'] },
      /pkPrefixes: 'tenant1' would also match 'tenant10'/,
    ],
    ['a letter of another script at its end', { pkPrefixes: ['größe'] }, /pkPrefixes: .*separator/],
    ['too long', { pks: ['x'.repeat(2049)] }, /pks: .*2,048 bytes/],
    ['half a character', { pks: ['a\ud800'] }, /pks: .*well-formed/],
  ])('%s', (_, scope, message) => {
    expect(() => granted('grantRead', scope)).toThrow(message)
  })

  test('a value known only at deployment', () => {
    expect(() => synth({}, (made) => made.db.grantRead(role(made), { pks: [made.db.tableName] }))).toThrow(
      /pks: a value known only at deployment/,
    )
  })
})

describe('actionsOf', () => {
  test('plain calls are actions of the same name', () => {
    expect(actionsOf('GetItemCommand')).toEqual(['dynamodb:GetItem'])
    expect(actionsOf('BatchWriteItem')).toEqual(['dynamodb:BatchWriteItem'])
  })

  test('transactions are authorised by their members', () => {
    const TransactItems = [{ Put: {} }, { ConditionCheck: {} }, { Update: {} }, { Delete: {} }, { Put: {} }]
    expect(actionsOf('TransactWriteItemsCommand', { TransactItems })).toEqual([
      'dynamodb:ConditionCheckItem',
      'dynamodb:DeleteItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    ])
    expect(actionsOf('TransactGetItems', { TransactItems: [{ Get: {} }] })).toEqual(['dynamodb:GetItem'])
  })
})
