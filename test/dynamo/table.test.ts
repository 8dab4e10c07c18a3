import { DescribeTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb'
import { InvalidInput } from 'lockrow'
import { createTable } from 'lockrow/dynamo'
import { afterAll, expect, inject, test } from 'vitest'
import { checkTable } from '../../src/dynamo/table.ts'
import { dropTable, localClient } from '../setup/local.ts'

const client = localClient(inject('dynamoEndpoint'))
const made: string[] = []
afterAll(async () => {
  for (const name of made) await dropTable(client, name)
  client.destroy()
})
const nameOf = (what: string): string => {
  const name = `${what}-${crypto.randomUUID()}`
  made.push(name)
  return name
}
const ttlOf = async (TableName: string) =>
  (await client.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription?.TimeToLiveStatus

test('a table can be used when the call ends, and expires rows', async () => {
  const TableName = nameOf('made')
  await createTable(client, TableName)
  const { Table } = await client.send(new DescribeTableCommand({ TableName }))
  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  })
  expect(await ttlOf(TableName)).toBe('ENABLED')
})

test('one that is there already stays as it is', async () => {
  const TableName = nameOf('kept')
  await createTable(client, TableName, { ttl: false })
  expect(await ttlOf(TableName)).toBe('DISABLED')
  await createTable(client, TableName)
  expect(await ttlOf(TableName)).toBe('DISABLED')
})

test('what the service refuses is thrown as it is', async () => {
  await expect(createTable(client, 'no/name/at all')).rejects.toMatchObject({ name: 'ValidationException' })
})

test('what is no client, no name and no option is refused before anything is sent', async () => {
  expect(() => checkTable({} as never, 't')).toThrow(InvalidInput)
  expect(() => checkTable(undefined as never, 't')).toThrow(/client/)
  expect(() => checkTable({ send: () => {} } as never, '')).toThrow(/tableName/)
  expect(() => checkTable(client, 't')).not.toThrow()
  await expect(createTable(client, 't', { ttl: 'yes' as never })).rejects.toThrow(InvalidInput)
})
