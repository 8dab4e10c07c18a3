import type { ServerResponse } from 'node:http'
import { createTable, directClient } from 'lockrow/direct'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeServer, fakeServer, type Received, refuse, reply, secrets } from './fake-server.ts'

let server: FakeServer
let answers: Record<string, (response: ServerResponse, nth: number) => void>
let client: ReturnType<typeof directClient>
const seen: Record<string, number> = {}

beforeEach(async () => {
  for (const name of Object.keys(seen)) delete seen[name]
  answers = {
    CreateTable: (response) => reply(response, 200, {}),
    DescribeTable: (response) => reply(response, 200, { Table: { TableStatus: 'ACTIVE' } }),
    UpdateTimeToLive: (response) => reply(response, 200, {}),
  }
  server = await fakeServer((response, { operation }) => {
    seen[operation] = (seen[operation] ?? 0) + 1
    answers[operation]!(response, seen[operation])
  })
  client = directClient({ region: 'eu-west-1', endpoint: server.endpoint, credentials: secrets })
})
afterEach(async () => {
  client.destroy()
  await server.stop()
})
const sent = (operation: string): Received[] => server.received.filter((one) => one.operation === operation)

test('makes the table, waits until it is active, and switches deletion on', async () => {
  answers.DescribeTable = (response, nth) =>
    nth === 1
      ? refuse(response, 400, 'ResourceNotFoundException', 'not yet')
      : reply(response, 200, { Table: { TableStatus: nth === 2 ? 'CREATING' : 'ACTIVE' } })
  await createTable(client, 'orders')
  expect(JSON.parse(sent('CreateTable')[0]!.body)).toEqual({
    TableName: 'orders',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  })
  expect(server.received.map(({ operation }) => operation)).toEqual([
    'CreateTable',
    ...Array(3).fill('DescribeTable'),
    'UpdateTimeToLive',
  ])
  expect(JSON.parse(sent('UpdateTimeToLive')[0]!.body).TimeToLiveSpecification).toEqual({
    AttributeName: 'ttl',
    Enabled: true,
  })
})

test('one that is there is waited for, and stays as it is', async () => {
  answers.CreateTable = (response) => refuse(response, 400, 'ResourceInUseException', 'there already')
  await createTable(client, 'orders')
  expect(server.received.map(({ operation }) => operation)).toEqual(['CreateTable', 'DescribeTable'])
})

test('without deletion; what is refused; what is not ready in time', async () => {
  await createTable(client, 'orders', { ttl: false })
  expect(sent('UpdateTimeToLive')).toEqual([])
  answers.DescribeTable = (response) => reply(response, 200, { Table: { TableStatus: 'CREATING' } })
  await expect(createTable(client, 'orders', { waitSeconds: 0.01 })).rejects.toThrow(
    "the table 'orders' is CREATING after 0.01 s",
  )
  answers.CreateTable = (response) => refuse(response, 400, 'AccessDeniedException', 'no')
  await expect(createTable(client, 'orders')).rejects.toMatchObject({ name: 'AccessDeniedException' })
})

test.each([
  ['client', () => createTable({} as never, 'orders')],
  ['tableName', () => createTable(client, '')],
  ['options.wait', () => createTable(client, 'orders', { wait: 1 } as never)],
  ['waitSeconds', () => createTable(client, 'orders', { waitSeconds: -1 })],
])('%s is checked before anything is sent', async (field, act) => {
  await expect(act()).rejects.toMatchObject({ code: 'InvalidInput', field })
  expect(server.received).toEqual([])
})
