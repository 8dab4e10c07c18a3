// The functions of examples/orders: what each is allowed, and how it runs.

import { Template } from 'aws-cdk-lib/assertions'
import { expect, test } from 'vitest'
import { NEEDS } from '../../infra/cdk/methods.ts'
import { LockrowStack } from '../../infra/cdk/stack.ts'
import { actionsIn, type Json, newApp } from './helpers.ts'

const NO_BUNDLES = { 'aws:cdk:bundling-stacks': [] }
const template = Template.fromStack(new LockrowStack(newApp({ context: NO_BUNDLES }), 'Lockrow'))
const all = (type: string): [string, Json][] => Object.entries(template.findResources(type))
const functions = all('AWS::Lambda::Function')

/** Statements on the table for the function whose logical id begins so. */
function tableStatements(name: string): Json[] {
  const [, fn] = functions.find(([id]) => id.startsWith(`Orders${name}`))!
  const role = fn.Properties.Role['Fn::GetAtt'][0]
  return all('AWS::IAM::Policy')
    .filter(([, policy]) => policy.Properties.Roles.some((each: Json) => each.Ref === role))
    .flatMap(([, policy]) => policy.Properties.PolicyDocument.Statement)
    .filter((statement: Json) => actionsIn(statement).some((action) => /:(GetItem|PutItem)$/.test(action)))
}
const keysOf = (statement: Json): string[] =>
  statement.Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']

test('three functions on Node 22 and arm64, told the table, with logs that end', () => {
  expect(functions).toHaveLength(3)
  for (const [, { Properties }] of functions) {
    expect(Properties).toMatchObject({
      Runtime: 'nodejs22.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: expect.any(String) } },
    })
    expect(Properties.Environment.Variables.TABLE_NAME).toEqual({ Ref: expect.stringMatching(/^Db/) })
  }
  const groups = all('AWS::Logs::LogGroup')
  expect(groups).toHaveLength(4)
  for (const [, { Properties }] of groups) expect(Properties.RetentionInDays).toBe(30)
})

test('each function has what its handler calls: no queries, no batches, no queue but the worker', () => {
  const commits = NEEDS.transact.actions.map((name) => `dynamodb:${name}`)
  const [api, ...noMore] = tableStatements('Api')
  expect(noMore).toEqual([])
  expect(actionsIn(api)).toEqual(commits)
  expect(keysOf(api)).toEqual(expect.arrayContaining(['orders#outbox', 'order#*', 'product#*']))
  expect(keysOf(api)).not.toContain('orders#outbox#dead')
  const [read, ...none] = tableStatements('Read')
  expect(none).toEqual([])
  expect([read.Action].flat()).toEqual(['dynamodb:GetItem'])
  expect(keysOf(read)).toEqual(['order#*', 'product#*'])
  const [own, queue] = tableStatements('Worker')
  expect(actionsIn(own)).toEqual(commits)
  expect(keysOf(own)).toEqual(expect.arrayContaining(['orders#outbox', 'order#*']))
  expect([...keysOf(own), ...keysOf(queue)]).not.toContain('product#*')
  expect(keysOf(queue)).toEqual([
    'orders#outbox',
    'orders#outbox#payload#*',
    'orders#outbox#dead',
    'orders#outbox#dead#payload#*',
    'orders#outbox#work',
    'orders#outbox#scheduled',
    'orders#outbox#limits',
    'orders#outbox#job#*',
  ])
})

test('every route asks for a signature, and the stage logs who came', () => {
  const routes = all('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties)
  expect(routes.map(({ RouteKey }) => RouteKey).sort()).toEqual([
    'GET /orders/{id}',
    'GET /stock/{product}',
    'POST /orders',
  ])
  for (const route of routes) expect(route.AuthorizationType).toBe('AWS_IAM')
  const [[, stage]] = all('AWS::ApiGatewayV2::Stage') as [[string, Json]]
  expect(stage.Properties.AccessLogSettings.DestinationArn).toBeDefined()
})
