// What drives schedules in Lambda: its rule, its alarms, and a grant that covers each request that it sends.

import { Duration } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { schedule, schedulesLambda } from 'lockrow/schedules'
import { afterAll, beforeAll, describe, expect, inject, it, test } from 'vitest'
import type { SchedulerProps } from '../../infra/cdk/index.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { fixture, makeFunction, only, synth } from './helpers.ts'
import { type IamRequest, isAllowed, policiesOf, requestsOf, tableArn } from './iam.ts'

const withScheduler = (props: SchedulerProps = {}) =>
  synth({}, ({ stack, db }) => {
    db.addScheduler(makeFunction(stack), props)
  })

test('runs once a minute, and tells when it does not', () => {
  const template = withScheduler()
  expect(only(template, 'AWS::Events::Rule')[1].Properties.ScheduleExpression).toBe('rate(1 minute)')
  expect(only(template, 'AWS::Lambda::EventInvokeConfig')[1].Properties).toMatchObject({
    MaximumEventAgeInSeconds: 60,
  })
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'))
  expect(alarms.map(({ Properties }) => Properties.MetricName).sort()).toEqual(['Errors', 'Invocations'])
  expect(withScheduler({ alarms: false }).findResources('AWS::CloudWatch::Alarm')).toEqual({})
  const rarely = only(withScheduler({ every: Duration.hours(1) }), 'AWS::Events::Rule')[1]
  expect(rarely.Properties.ScheduleExpression).toBe('rate(1 hour)')
})

test.each<[string, SchedulerProps, RegExp]>([
  ['half minutes', { every: Duration.seconds(90) }, /addScheduler: every must be whole minutes/],
  ['two days', { every: Duration.days(2) }, /addScheduler: every must be whole minutes/],
  ['a wildcard', { pk: 'a*' }, /addScheduler: pk: 'a\*' holds a wildcard/],
])('refuses %s', (_, props, message) => {
  expect(() => withScheduler(props)).toThrow(message)
})

describe('its grant', () => {
  const { stack, db } = fixture()
  const role = (name: string) =>
    new Role(stack, name, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  const queues = [{ pk: 'acme#jobs' }, { pk: 'acme#mails', shards: 3 }]
  db.addScheduler(makeFunction(stack, 'Driver'), { pk: 'acme#schedules', to: { queues } })
  db.addScheduler(makeFunction(stack, 'Elsewhere'), { to: { queues } })
  db.grantReadWrite(role('Tenant'), { pkPrefixes: ['acme#'] })
  db.grantReadWrite(role('Other'), { pkPrefixes: ['other#'] })
  const template = Template.fromStack(stack)
  const id = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))[0]!
  const refused = (name: string, requests: readonly IamRequest[]) =>
    requests.filter((request) => !isAllowed(policiesOf(template, name), request))

  const admin = localClient(inject('dynamoEndpoint'))
  let table = ''
  beforeAll(async () => {
    table = await freshTable(admin, 'schedules')
  })
  afterAll(async () => {
    await dropTable(admin, table)
    admin.destroy()
  })

  it('covers each request, of sharded queues too; no other tenant is let in', async () => {
    const client = localClient(inject('dynamoEndpoint'))
    const requests: IamRequest[] = []
    client.middlewareStack.add(
      (next, context) => (args) => {
        requests.push(...requestsOf(String(context.commandName), args.input as object, tableArn(id)))
        return next(args)
      },
      { step: 'initialize', name: 'record' },
    )
    const owner = new AtomicDynamoDB(admin, table)
    const pk = 'acme#schedules'
    await schedule(owner, { name: 'a', everyMs: 10_000, pk }, { pk: 'acme#jobs', tickField: 'at' })
    await schedule(owner, { name: 'b', cron: '* * * * *', pk }, { pk: 'acme#mails', shards: 3, group: 'g' })
    const events: unknown[] = []
    const handler = schedulesLambda(new AtomicDynamoDB(client, table), {
      pk,
      onEvent: (event) => events.push(event),
    })
    expect((await handler({}, { getRemainingTimeInMillis: () => 20_000 })).fired).toBeGreaterThan(8)
    expect(events.filter((event) => (event as { type: string }).type === 'error')).toEqual([])
    client.destroy()
    expect(requests.length).toBeGreaterThan(5)
    expect(refused('Driver', requests)).toEqual([])
    expect(refused('Tenant', requests)).toEqual([])
    for (const other of ['Elsewhere', 'Other']) expect(refused(other, requests)).not.toEqual([])
  })

  it('covers nothing else', () => {
    const resource = tableArn(id)
    const asks = (action: string, keys?: string[]) => ({ action: `dynamodb:${action}`, resource, keys })
    const foreign = [asks('Scan'), asks('GetItem', ['lockrow#schedules']), asks('UpdateItem', ['acme#other'])]
    expect(refused('Driver', foreign)).toEqual(foreign)
  })
})
