import type { Maker } from './client-adapters.ts'
import { sdk } from './lib/sdk.ts'
import { seeded } from './lib/seeded.ts'
import { makeUser, sortKey } from './lib/user.ts'

const { BatchGetItemCommand, GetItemCommand, PutItemCommand, QueryCommand } = sdk
const { TransactWriteItemsCommand, UpdateItemCommand } = sdk

/** DynamoDB's own form of the item, made once: nothing is converted, on the way there or back. */
const dataOf = (i: number) => {
  const { name, email, age, active, stock, tags, address } = makeUser(i)
  return {
    M: {
      name: { S: name },
      email: { S: email },
      age: { N: String(age) },
      active: { BOOL: active },
      stock: { N: String(stock) },
      tags: { L: tags.map((tag) => ({ S: tag })) },
      address: {
        M: { street: { S: address.street }, city: { S: address.city }, zip: { S: address.zip } },
      },
    },
  }
}

/** The client of the SDK alone, in DynamoDB's own form: the least that the SDK can cost. */
export const bareSdk: Maker = {
  name: 'bare SDK, nothing converted',
  async make({ client, table: TableName }) {
    const pk = { S: 'bare-sdk' }
    const keyOf = (i: number) => ({ pk, sk: { S: sortKey(i) } })
    const items = Array.from({ length: 100 }, (_, i) => ({ ...keyOf(i), data: dataOf(i) }))
    const Keys = Array.from({ length: 10 }, (_, i) => keyOf(i))
    const put = (i: number) => client.send(new PutItemCommand({ TableName, Item: items[i]! }))
    await seeded(put)
    return {
      get: () => client.send(new GetItemCommand({ TableName, Key: keyOf(7), ConsistentRead: true })),
      put: () => put(7),
      batchGet: () =>
        client.send(
          new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }),
        ),
      query: () =>
        client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: '#p = :p AND begins_with(#s, :s)',
            ExpressionAttributeNames: { '#p': 'pk', '#s': 'sk' },
            ExpressionAttributeValues: { ':p': pk, ':s': { S: 'user#' } },
            ConsistentRead: true,
          }),
        ),
      update: () =>
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(7),
            UpdateExpression: 'SET #d.#s = #d.#s - :n',
            ConditionExpression: '#d.#s >= :n',
            ExpressionAttributeNames: { '#d': 'data', '#s': 'stock' },
            ExpressionAttributeValues: { ':n': { N: '3' } },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      transact: () =>
        client.send(
          new TransactWriteItemsCommand({
            TransactItems: items.slice(0, 10).map((Item) => ({ Put: { TableName, Item } })),
          }),
        ),
    }
  },
}
