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
  tenantTag,
} from '../../infra/cdk/index.ts'
import { actionsIn, evaluate, type Fixture, statements, synth, tableOf } from './helpers.ts'
import { isAllowed, resolve } from './iam.ts'

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
  grantQueueProducer: [
    'BatchGetItem',
    'BatchWriteItem',
    'ConditionCheckItem',
    'DeleteItem',
    'GetItem',
    'PutItem',
    'UpdateItem',
  ],
  grantQueueConsumer: [
    'BatchGetItem',
    'ConditionCheckItem',
    'DeleteItem',
    'GetItem',
    'PutItem',
    'Query',
    'UpdateItem',
  ],
} as const
/** Partitions beside that of a whole key. */
const PAYLOADS = 'config#payload#*'
const DEDUPLICATION = 'config#dedup#*'
const UNIQUE = 'config#once#*'
const DEAD = ['config#dead', 'config#dead#payload#*']
const SIDES = ['config#work', 'config#scheduled']
const LIMITS = 'config#limits'
const JOBS = 'config#job#*'
const MARKERS = ['config#idempotency', 'config#*#idempotency']
const BESIDE: Record<keyof typeof EXPECTED, string[]> = {
  grantRead: [PAYLOADS, ...DEAD, ...SIDES, JOBS],
  grantReadWrite: [PAYLOADS, DEDUPLICATION, UNIQUE, ...DEAD, ...MARKERS, ...SIDES, LIMITS, JOBS],
  grantQueueProducer: [PAYLOADS, DEDUPLICATION, UNIQUE, ...MARKERS, ...SIDES],
  grantQueueConsumer: [PAYLOADS, ...DEAD, ...SIDES, LIMITS, JOBS],
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
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['config', ...BESIDE[name], 'tenant1#*'] },
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

describe('a sharded queue', () => {
  const keys = (name: GrantName, queues: GrantScope['queues']) =>
    granted(name, { queues: queues! }).statements[0].Condition['ForAllValues:StringLike'][
      'dynamodb:LeadingKeys'
    ]

  test('opens its shards and what lies beside the whole queue', () => {
    expect(keys('grantReadWrite', [{ pk: 'mails', shards: 2 }])).toEqual([
      'mails#shard0',
      'mails#shard1',
      'mails#shard0#payload#*',
      'mails#shard1#payload#*',
      'mails#dedup#*',
      'mails#once#*',
      'mails#dead',
      'mails#dead#payload#*',
      'mails#idempotency',
      'mails#*#idempotency',
      'mails',
      'mails#work',
      'mails#scheduled',
      'mails#limits',
      'mails#job#*',
    ])
  })

  test('with many shards, opens them by the number of their digits', () => {
    const queues = [{ pk: 'mails', shards: 10_000 }]
    expect(keys('grantQueueConsumer', queues).slice(0, 4)).toEqual([
      'mails#shard?',
      'mails#shard??',
      'mails#shard???',
      'mails#shard????',
    ])
    const { Condition } = granted('grantQueueConsumer', { queues }).statements[0]
    expect(evaluate(Condition, ['mails#shard9999', 'mails#dead'])).toBe(true)
    expect(evaluate(Condition, ['mails#shard17#payload#01K'])).toBe(true)
    expect(evaluate(Condition, ['mails#shard10000'])).toBe(false)
    expect(evaluate(Condition, ['mails', 'mails#work'])).toBe(true)
    expect(evaluate(Condition, ['mail'])).toBe(false)
  })

  test('with dead letters elsewhere, opens those too', () => {
    expect(keys('grantQueueConsumer', [{ pk: 'mails', deadLetterPk: 'graveyard' }])).toEqual([
      'mails',
      'mails#payload#*',
      'graveyard',
      'graveyard#payload#*',
      'mails#dead',
      'mails#dead#payload#*',
      'mails#work',
      'mails#scheduled',
      'mails#limits',
      'mails#job#*',
    ])
  })
})

describe('a prefix by the tag of the session', () => {
  const policies = (pkPrefixes: GrantScope['pkPrefixes']) =>
    granted('grantReadWrite', { pkPrefixes }).statements

  test('lets each tenant into its own rows', () => {
    const found = policies([tenantTag('Tenant'), 'shared#'])
    const allowed = (tags: Record<string, string>, keys?: string[], action = 'dynamodb:UpdateItem') => {
      const resource = resolve(found[0].Resource)
      return isAllowed(found, { action, resource, keys }, tags)
    }
    const acme = { Tenant: 'acme' }
    expect(allowed(acme, ['acme#orders', 'shared#config'])).toBe(true)
    for (const keys of [['acme2#orders'], ['other#orders'], ['acme#orders', 'other#orders'], ['acme']])
      expect([keys, allowed(acme, keys)]).toEqual([keys, false])
    // Without the tag, and where the request has no keys: a scan, say.
    expect(allowed({}, ['acme#orders'])).toBe(false)
    expect(allowed({ tenant: 'acme' }, ['acme#orders'])).toBe(false)
    expect(allowed(acme, undefined)).toBe(false)
    expect(allowed(acme, undefined, 'dynamodb:Scan')).toBe(false)
  })

  test('may stand between other texts', () => {
    const keys = policies([tenantTag('Tenant', { before: 'tenant/', after: '#v1#' })])[0].Condition
    expect(keys['ForAllValues:StringLike']).toEqual({
      'dynamodb:LeadingKeys': ['tenant/$' + '{aws:PrincipalTag/Tenant}#v1#*'],
    })
  })

  test.each<[string, () => unknown, RegExp]>([
    ['no tag', () => tenantTag(''), /tenantTag: '' is no key of a tag/],
    ["one of the service's own", () => tenantTag('aws:role'), /tenantTag: 'aws:role' is no key/],
    ['one that ends the variable', () => tenantTag('a}*'), /tenantTag: 'a}\*' is no key/],
    ['no separator', () => tenantTag('Tenant', { after: '' }), /tenantTag: after '' .*separator/],
    ['a separator that values may hold', () => tenantTag('Tenant', { after: '/' }), /after '\/' .*'a\/b'/],
    ['a wildcard', () => tenantTag('Tenant', { before: '*' }), /tenantTag: before .*wildcard/],
  ])('%s is refused', (_, make, message) => {
    expect(make).toThrow(message)
  })
})

describe('a bad scope is refused', () => {
  test.each<[string, GrantScope, RegExp]>([
    ['nothing', {}, /pks, queues and pkPrefixes are all empty/],
    ['a shard', { queues: [{ pk: 'mails#shard3' }] }, /queues: pk: 'mails#shard3' is one shard; .*'mails'/],
    ['a shard less than one', { queues: [{ pk: 'mails', shards: 0 }] }, /queues: shards must be a whole/],
    ['too many shards', { queues: [{ pk: 'mails', shards: 10_001 }] }, /queues: shards .* 10000/],
    [
      'a wildcard for dead letters',
      { queues: [{ pk: 'mails', deadLetterPk: '*' }] },
      /queues: deadLetterPk: .*wildcard/,
    ],
    [
      'a queue that is its own dead letters',
      { queues: [{ pk: 'mails', deadLetterPk: 'mails' }] },
      /queues: deadLetterPk .* another queue/,
    ],
    [
      'more keys than a policy holds',
      { pks: Array.from({ length: 200 }, (_, index) => `account-${index}`) },
      /pks, queues and pkPrefixes make \d+ characters .*pkPrefixes/,
    ],
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
