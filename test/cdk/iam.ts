// IAM's evaluation of identity policies as far as grants need it. What it does not know, it refuses to judge.

import type { Template } from 'aws-cdk-lib/assertions'
import { actionsOf } from '../../infra/cdk/index.ts'
import type { Json } from './helpers.ts'

export const ACCOUNT = '111111111111'
export const REGION = 'eu-west-1'

/** One thing that a principal asks for. */
export interface IamRequest {
  action: string
  resource: string
  /** `dynamodb:LeadingKeys`; undefined where the request has none, as a scan. */
  keys?: readonly string[] | undefined
  /** Other keys of the context, such as `kms:ViaService`. */
  context?: Readonly<Record<string, string>>
}

export const tableArn = (name: string, region = REGION): string =>
  `arn:aws:dynamodb:${region}:${ACCOUNT}:table/${name}`

/**
 * What a call of DynamoDB is authorised as. Each action of a transaction or batch is judged with the keys of the whole
 * call, which is at least as strict as the service.
 */
export function requestsOf(operation: string, input: object, resource: string): IamRequest[] {
  const found = partitionsIn(input)
  const keys = found.length > 0 ? found : undefined
  return actionsOf(operation, input).map((action) => ({ action, resource, keys }))
}

/** The partition keys of a call: of its keys and items, and that of a query. */
export function partitionsIn(input: unknown): string[] {
  if (typeof input !== 'object' || input === null) return []
  if ('KeyConditionExpression' in input) return [partitionOfQuery(input as QueryLike)]
  return Object.entries(input).flatMap(([name, value]) => {
    const text = (value as { S?: unknown } | undefined)?.S
    return name === 'pk' && typeof text === 'string' ? [text] : partitionsIn(value)
  })
}

interface QueryLike {
  KeyConditionExpression: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Record<string, { S?: string }>
}

function partitionOfQuery(query: QueryLike): string {
  for (const [, name, value] of query.KeyConditionExpression.matchAll(/([#\w]+) = (:\w+)/g)) {
    const text = query.ExpressionAttributeValues?.[value!]?.S
    if ((query.ExpressionAttributeNames?.[name!] ?? name) === 'pk' && text !== undefined) return text
  }
  throw new Error(`No partition key in ${query.KeyConditionExpression}`)
}

/** Whether the policies allow it: some statement allows, and none denies. */
export function isAllowed(
  policies: readonly Json[],
  request: IamRequest,
  tags: Readonly<Record<string, string>> = {},
): boolean {
  const matching = policies.filter((statement) => applies(statement, request, tags))
  return (
    matching.some(({ Effect }) => Effect === 'Allow') && !matching.some(({ Effect }) => Effect === 'Deny')
  )
}

function applies(statement: Json, request: IamRequest, tags: Readonly<Record<string, string>>): boolean {
  const known = ['Action', 'Resource', 'Effect', 'Condition', 'Sid']
  for (const part of Object.keys(statement))
    if (!known.includes(part)) throw new Error(`Unknown part ${part} of a statement`)
  return (
    list(statement.Action).some((pattern) => like(pattern, request.action, 'i')) &&
    list(statement.Resource).some((pattern) => like(resolve(pattern), request.resource)) &&
    holds(statement.Condition ?? {}, request, tags)
  )
}

/** All operators of a condition, and all keys of each. */
export function holds(
  condition: Json,
  request: Pick<IamRequest, 'keys' | 'context'>,
  tags: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries<Json>(condition).every(([operator, tests]) =>
    Object.entries<Json>(tests).every(([name, wanted]) => {
      const values = valuesOf(name, request)
      const patterns = list(wanted)
        .map((pattern) => substituted(resolve(pattern), tags))
        .filter((pattern) => pattern !== undefined)
      return compare(operator, values, patterns)
    }),
  )
}

function valuesOf(name: string, { keys, context = {} }: Pick<IamRequest, 'keys' | 'context'>): string[] {
  if (name === 'dynamodb:LeadingKeys') return [...(keys ?? [])]
  if (!/^(aws|kms|dynamodb|iam):\w+$/.test(name)) throw new Error(`Unknown condition key ${name}`)
  return context[name] === undefined ? [] : [context[name]]
}

function compare(operator: string, values: string[], patterns: readonly string[]): boolean {
  switch (operator) {
    case 'Null':
      return (patterns[0] === 'true') === (values.length === 0)
    // True of an absent or empty key.
    case 'ForAllValues:StringLike':
      return values.every((value) => patterns.some((pattern) => like(pattern, value)))
    case 'ForAllValues:StringEquals':
      return values.every((value) => patterns.includes(value))
    case 'StringLike':
      return values.some((value) => patterns.some((pattern) => like(pattern, value)))
    case 'StringEquals':
    case 'Bool':
      return values.some((value) => patterns.includes(value))
    default:
      throw new Error(`Unknown operator ${operator}`)
  }
}

/** Stands for a character of a variable's value that must be taken literally. */
const literal = (value: string): string =>
  value.replace(/[*?]/g, (char) => (char === '*' ? '\u{e000}' : '\u{e001}'))

/** A pattern whose variable the principal does not have matches nothing. */
function substituted(pattern: string, tags: Readonly<Record<string, string>>): string | undefined {
  let isKnown = true
  const text = pattern.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const tag = /^aws:PrincipalTag\/(.+)$/.exec(name)?.[1]
    if (tag === undefined) throw new Error(`Unknown policy variable ${name}`)
    const value = tags[tag]
    isKnown &&= value !== undefined
    return literal(value ?? '')
  })
  return isKnown ? text : undefined
}

function like(pattern: string, value: string, flags = ''): boolean {
  const source = pattern
    .replace(/[\\^$+.()|[\]{}/]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('\u{e000}', '\\*')
    .replaceAll('\u{e001}', '\\?')
  return new RegExp(`^${source}$`, `su${flags}`).test(value)
}

const list = (value: Json): Json[] => (value === undefined ? [] : [value].flat())

/** What CloudFormation would put in: names are the logical ids. */
export function resolve(value: Json): string {
  if (typeof value === 'string') return value
  const [[kind, given]] = Object.entries<Json>(value) as [[string, Json]]
  if (kind === 'Fn::Join') return given[1].map(resolve).join(given[0])
  if (kind === 'Ref') return PSEUDO[given] ?? given
  if (kind === 'Fn::GetAtt') return attributeOf(given[0], given[1])
  throw new Error(`Unknown intrinsic function ${kind}`)
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::URLSuffix': 'amazonaws.com',
}

function attributeOf(id: string, attribute: string): string {
  if (attribute === 'StreamArn') return `${tableArn(id)}/stream/now`
  // Of whatever kind: the logical id is the name.
  return tableArn(id)
}

/** The statements of the role of a function (or of a role) whose logical id begins so. */
export function policiesOf(template: Template, name: string): Json[] {
  const json = template.toJSON().Resources as Record<string, Json>
  const found = Object.entries(json).filter(
    ([id, { Type }]) => id.startsWith(name) && /^AWS::(Lambda::Function|IAM::Role)$/.test(Type),
  )
  const roles = new Set(
    found.map(([id, { Type, Properties }]) =>
      Type === 'AWS::IAM::Role' ? id : (Properties.Role['Fn::GetAtt'][0] as string),
    ),
  )
  if (roles.size !== 1) throw new Error(`Expected one role of ${name}, found ${roles.size}`)
  return Object.values(json)
    .filter(
      ({ Type, Properties }) =>
        /^AWS::IAM::(Managed)?Policy$/.test(Type) &&
        Properties.Roles?.some((role: Json) => roles.has(role.Ref)),
    )
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
}
