// A worker that is woken when its next message is due: what is made for it, and that it is let in to that alone.

import { Duration } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Alias, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { type OneShotWakeUpOptions, oneShotWakeUp } from 'lockrow'
import { describe, expect, test, vi } from 'vitest'
import { fixture, type Json, makeFunction, only, synth } from './helpers.ts'
import { ACCOUNT, isAllowed, policiesOf, REGION, resolve } from './iam.ts'

const RULE = 'AWS::Events::Rule'
const GROUP = 'AWS::Scheduler::ScheduleGroup'

const made = () => {
  const { stack, db } = fixture()
  const fn = makeFunction(stack, 'Drain')
  db.addQueueWorker(fn, { pk: ['mails', 'reports'], wakeUp: 'one-shot' })
  db.addQueueWorker(fn, { pk: 'slow', shards: 3, wakeUp: 'one-shot', schedule: Duration.hours(6) })
  db.addQueueWorker(makeFunction(stack, 'Other'), { pk: 'others', wakeUp: 'one-shot' })
  return Template.fromStack(stack)
}
const template = made()
const drain = Object.entries<Json>(template.findResources('AWS::Lambda::Function')).find(([id]) =>
  id.startsWith('Drain'),
)!
const variables: Json = drain[1].Properties.Environment.Variables
const groupName: string = variables.LOCKROW_WAKE_UP_GROUP
const roleId: string = variables.LOCKROW_WAKE_UP_ROLE['Fn::GetAtt'][0]

test('a group and a role for each function, which its environment names', () => {
  const groups = Object.values<Json>(template.findResources(GROUP)).map(({ Properties }) => Properties.Name)
  expect(groups).toHaveLength(2)
  expect(groups).toContain(groupName)
  expect(groupName).toMatch(/^[0-9a-zA-Z-_.]{1,64}$/)
  expect(variables.LOCKROW_WAKE_UP_ROLE).toEqual({ 'Fn::GetAtt': [roleId, 'Arn'] })
})

test('the schedule becomes rare, and runs that throw or are throttled are repeated', () => {
  const rules = Object.values<Json>(template.findResources(RULE))
  expect(rules.map(({ Properties }) => Properties.ScheduleExpression).sort()).toEqual([
    'rate(1 hour)',
    'rate(1 hour)',
    'rate(6 hours)',
  ])
  const alone = synth({}, ({ stack, db }) => {
    db.addQueueWorker(makeFunction(stack), { pk: 'mails', wakeUp: 'one-shot' })
  })
  expect(only(alone, 'AWS::Lambda::EventInvokeConfig')[1].Properties).toMatchObject({
    MaximumEventAgeInSeconds: 3600,
    MaximumRetryAttempts: 2,
  })
})

test('inserts of delayed messages run the function too, which has to plan for them', () => {
  const filters = Object.values<Json>(template.findResources('AWS::Lambda::EventSourceMapping')).map(
    ({ Properties }) => JSON.parse(Properties.FilterCriteria.Filters[0].Pattern).dynamodb.Keys.pk.S,
  )
  expect(filters).toContainEqual(['mails', 'reports', 'mails#scheduled', 'reports#scheduled'])
  expect(filters).toContainEqual(['slow#shard0', 'slow#shard1', 'slow#shard2', 'slow#scheduled'])
})

test('without it there is none of this', () => {
  const plain = synth({}, ({ stack, db }) => {
    db.addQueueWorker(makeFunction(stack), { pk: 'mails' })
  })
  plain.resourceCountIs(GROUP, 0)
  expect(only(plain, 'AWS::Lambda::Function')[1].Properties.Environment).toBeUndefined()
  expect(JSON.stringify(plain.toJSON())).not.toContain('scheduler')
})

test.each(['alias', 'import'])('a function by %s has no environment to write to', (kind) => {
  const { stack, db } = fixture()
  const fn =
    kind === 'alias'
      ? new Alias(stack, 'Live', { aliasName: 'live', version: makeFunction(stack).currentVersion })
      : LambdaFunction.fromFunctionName(stack, 'Imported', 'theirs')
  expect(() => db.addQueueWorker(fn, { pk: 'mails', wakeUp: 'one-shot' })).toThrow(
    /wakeUp 'one-shot'.*function/,
  )
})

describe('who may do what', () => {
  const policies = policiesOf(template, drain[0])
  const roleArn = resolve(variables.LOCKROW_WAKE_UP_ROLE)
  const passes = { action: 'iam:PassRole', resource: roleArn }
  const context = { 'iam:PassedToService': 'scheduler.amazonaws.com' }
  const schedule = (group: string, name: string) =>
    `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/${group}/${name}`

  test('the function may make the schedules that it really asks for, with the role that it passes on', async () => {
    const createSchedule = vi.fn<OneShotWakeUpOptions['scheduler']['createSchedule']>(async () => ({}))
    vi.stubEnv('LOCKROW_WAKE_UP_GROUP', groupName)
    vi.stubEnv('LOCKROW_WAKE_UP_ROLE', roleArn)
    const invokedFunctionArn = resolve({ 'Fn::GetAtt': [drain[0], 'Arn'] })
    const run = oneShotWakeUp(async () => ({ empty: false }), { scheduler: { createSchedule } })
    await run({}, { invokedFunctionArn, getRemainingTimeInMillis: () => 5000 })
    vi.unstubAllEnvs()
    expect(createSchedule).toHaveBeenCalledTimes(1)
    const [{ GroupName, Name, Target }] = createSchedule.mock.calls[0]!
    const asked = { action: 'scheduler:CreateSchedule', resource: schedule(GroupName, Name) }
    expect(isAllowed(policies, asked)).toBe(true)
    expect(isAllowed(policies, { action: 'iam:PassRole', resource: Target.RoleArn, context })).toBe(true)
    const runs = { action: 'lambda:InvokeFunction', resource: Target.Arn }
    expect(isAllowed(policiesOf(template, roleId), runs)).toBe(true)
    expect(isAllowed(policies, runs)).toBe(false)
  })

  test('and nothing else of the scheduler, no other group, and passes the role on to nobody else', () => {
    const others = ['default', 'Other', `${groupName}2`].map((group) => schedule(group, 'lockrow-1'))
    for (const resource of others)
      expect(isAllowed(policies, { action: 'scheduler:CreateSchedule', resource })).toBe(false)
    for (const action of ['UpdateSchedule', 'DeleteSchedule', 'GetSchedule', 'CreateScheduleGroup'])
      expect(isAllowed(policies, { action: `scheduler:${action}`, resource: schedule(groupName, 'a') })).toBe(
        false,
      )
    expect(isAllowed(policies, passes)).toBe(false)
    const elsewhere = { 'iam:PassedToService': 'lambda.amazonaws.com' }
    expect(isAllowed(policies, { ...passes, context: elsewhere })).toBe(false)
    expect(isAllowed(policies, { ...passes, resource: `${roleArn}2`, context })).toBe(false)
  })

  test('the role runs that function alone, for schedules of that group alone', () => {
    const other = Object.keys(template.findResources('AWS::Lambda::Function')).find((id) =>
      id.startsWith('Other'),
    )!
    const role = policiesOf(template, roleId)
    const resource = resolve({ 'Fn::GetAtt': [other, 'Arn'] })
    expect(isAllowed(role, { action: 'lambda:InvokeFunction', resource })).toBe(false)
    expect(role).toHaveLength(1)
    const [trust] =
      template.findResources('AWS::IAM::Role')[roleId]!.Properties.AssumeRolePolicyDocument.Statement
    expect(trust.Principal).toEqual({ Service: 'scheduler.amazonaws.com' })
    const { 'aws:SourceArn': source, 'aws:SourceAccount': account } = trust.Condition.StringEquals
    expect(resolve(source)).toBe(`arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule-group/${groupName}`)
    expect(resolve(account)).toBe(ACCOUNT)
  })
})
