import type { Maker } from './client-adapters.ts'
import { lib } from './lib/sdk.ts'
import { seeded } from './lib/seeded.ts'
import { makeUser, sortKey } from './lib/user.ts'

const { BatchGetCommand, GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } = lib

/** What one writes by hand on the document client, and the least that does the job. */
export const bare: Maker = {
  name: 'document client',
  make({ documents, table }) {
    const pk = 'bare'
    const put = (i: number) =>
      documents.send(new PutCommand({ TableName: table, Item: { pk, sk: sortKey(i), data: makeUser(i) } }))
    return seeded(put).then(() => ({
      ...reads({ documents, table, pk }),
      put: () => put(7),
      update: async () => {
        const { Attributes } = await documents.send(
          new UpdateCommand({
            TableName: table,
            Key: { pk, sk: sortKey(7) },
            UpdateExpression: 'SET #d.#s = #d.#s - :n',
            ConditionExpression: '#d.#s >= :n',
            ExpressionAttributeNames: { '#d': 'data', '#s': 'stock' },
            ExpressionAttributeValues: { ':n': 3 },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        )
        return Attributes
      },
      transact: () =>
        documents.send(
          new TransactWriteCommand({
            TransactItems: Array.from({ length: 10 }, (_, i) => ({
              Put: { TableName: table, Item: { pk, sk: sortKey(i), data: makeUser(i) } },
            })),
          }),
        ),
    }))
  },
}

interface Place {
  documents: Parameters<Maker['make']>[0]['documents']
  table: string
  pk: string
}

function reads({ documents, table, pk }: Place) {
  return {
    get: async () => {
      const { Item } = await documents.send(
        new GetCommand({ TableName: table, Key: { pk, sk: sortKey(7) }, ConsistentRead: true }),
      )
      return Item
    },
    // In the order of the keys, as anybody needs it.
    batchGet: async () => {
      const Keys = Array.from({ length: 10 }, (_, i) => ({ pk, sk: sortKey(i) }))
      const { Responses } = await documents.send(
        new BatchGetCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }),
      )
      const found = new Map((Responses?.[table] ?? []).map((row) => [row.sk as string, row]))
      return Keys.map(({ sk }) => found.get(sk))
    },
    query: async () => {
      const { Items } = await documents.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: '#p = :p AND begins_with(#s, :s)',
          ExpressionAttributeNames: { '#p': 'pk', '#s': 'sk' },
          ExpressionAttributeValues: { ':p': pk, ':s': 'user#' },
          ConsistentRead: true,
        }),
      )
      return Items
    },
  }
}

/** By hand what lockrow sends: the same guards, the same write id, the same token. */
export const bareAlike: Maker = {
  name: 'document client, same request',
  async make({ documents, table }) {
    const pk = 'alike'
    const put = (i: number) =>
      documents.send(new PutCommand({ TableName: table, Item: { pk, sk: sortKey(i), data: makeUser(i) } }))
    await seeded(put)
    let count = 0
    return {
      ...reads({ documents, table, pk }),
      put: () => put(7),
      update: async () => {
        const { Attributes } = await documents.send(
          new UpdateCommand({
            TableName: table,
            Key: { pk, sk: sortKey(7) },
            UpdateExpression: 'SET #0.#1 = if_not_exists(#0.#1, :1) + :0, #2 = :2',
            ConditionExpression:
              '((attribute_not_exists(#3) OR #3 > :3) AND attribute_not_exists(#4) AND #0.#1 >= :4 AND attribute_exists(#0) AND #2 <> :5)',
            ExpressionAttributeNames: {
              '#0': 'data',
              '#1': 'stock',
              '#2': 'w',
              '#3': 'ttl',
              '#4': 'version',
            },
            ExpressionAttributeValues: {
              ':0': -3,
              ':1': 0,
              ':2': `abcdefghij${count++}`,
              ':3': Math.floor(Date.now() / 1000),
              ':4': 3,
              ':5': `abcdefghij${count}`,
            },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        )
        return Attributes
      },
      transact: () =>
        documents.send(
          new TransactWriteCommand({
            ClientRequestToken: `token-${Date.now()}-${count++}`,
            TransactItems: Array.from({ length: 10 }, (_, i) => ({
              Put: {
                TableName: table,
                Item: { pk, sk: sortKey(i), data: makeUser(i) },
                ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
              },
            })),
          }),
        ),
    }
  },
}
