import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import { sdkTransport } from '../../src/dynamo/sdk-transport.ts'
import type { Operation } from '../../src/dynamo/transport.ts'

const operations: Operation[] = [
  'GetItem',
  'BatchGetItem',
  'TransactGetItems',
  'Query',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
  'DescribeTable',
]

test.each(operations)('%s is the command of this name, with its input as given', async (operation) => {
  const sent: { name: string; input: unknown }[] = []
  const client = {
    config: {},
    async send(command: { input: unknown }) {
      sent.push({ name: command.constructor.name, input: command.input })
      return { Count: 3 }
    },
  }
  const input = { TableName: 't', Some: 'thing' }
  const transport = sdkTransport(client as unknown as DynamoDBClient)
  expect(await transport.call(operation, input as never, {})).toEqual({ Count: 3 })
  expect(sent).toEqual([{ name: `${operation}Command`, input }])
})
