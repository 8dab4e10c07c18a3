import { BackendError } from 'lockrow'
import { leftUndone, type RowOperation, StorageFault } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { DynamoStorage } from '../../src/dynamo/storage.ts'

const key = { pk: 'p', sk: 'a' }
const other = { pk: 'p', sk: 'b' }
const wire = { pk: { S: 'p' }, sk: { S: 'a' } }
const otherWire = { pk: { S: 'p' }, sk: { S: 'b' } }
const guard = { op: 'exists' as const, path: ['pk'] }

/** A storage whose requests are answered in turn; an error is thrown. */
function answered(...replies: unknown[]) {
  const asked: { operation: string; input: Record<string, unknown> }[] = []
  const storage = new DynamoStorage(
    {
      async call(operation: string, input: never) {
        asked.push({ operation, input })
        const reply = replies.shift()
        if (reply instanceof Error) throw reply
        return reply as never
      },
    },
    't',
  )
  return { storage, asked }
}

const refusal = (name: string, more: object = {}) =>
  Object.assign(new Error(name), {
    name,
    $fault: 'client' as const,
    $metadata: { httpStatusCode: 400 },
    ...more,
  })

test('one row is GetItem, several are BatchGetItem, strong unless told otherwise', async () => {
  const { storage, asked } = answered(
    { Item: { ...wire, n: { N: '1' } } },
    {},
    {
      Responses: { t: [otherWire] },
      UnprocessedKeys: { t: { Keys: [wire] } },
    },
  )
  expect(await storage.read([key], {})).toEqual([{ ...key, n: 1 }])
  expect(await storage.read([key], { consistent: false })).toEqual([undefined])
  expect(await storage.read([key, other], {})).toEqual([leftUndone, other])
  expect(asked).toEqual([
    { operation: 'GetItem', input: { TableName: 't', Key: wire, ConsistentRead: true } },
    { operation: 'GetItem', input: { TableName: 't', Key: wire, ConsistentRead: false } },
    {
      operation: 'BatchGetItem',
      input: { RequestItems: { t: { Keys: [wire, otherWire], ConsistentRead: true } } },
    },
  ])
})

test('rows of one moment', async () => {
  const { storage, asked } = answered({ Responses: [{}, { Item: otherWire }] }, {})
  expect(await storage.readTogether([key, other], {})).toEqual([undefined, other])
  expect(await storage.readTogether([key], {})).toEqual([undefined])
  expect(asked[0]).toEqual({
    operation: 'TransactGetItems',
    input: {
      TransactItems: [{ Get: { TableName: 't', Key: wire } }, { Get: { TableName: 't', Key: otherWire } }],
    },
  })
})

test('a page says where the next one begins; with count it has a number in place of rows', async () => {
  const { storage, asked } = answered(
    { Items: [wire], LastEvaluatedKey: wire },
    { Rows: [{ ...other, data: 1 }] },
    { Count: 7 },
    {},
  )
  expect(await storage.page({ pk: 'p' }, {})).toEqual({ rows: [key], next: 'a' })
  expect(await storage.page({ pk: 'p' }, { consistent: false })).toEqual({ rows: [{ ...other, data: 1 }] })
  expect(await storage.page({ pk: 'p', count: true }, {})).toEqual({ rows: [], count: 7 })
  expect(await storage.page({ pk: 'p', count: true }, {})).toEqual({ rows: [], count: 0 })
  expect(asked.map(({ input }) => input.ConsistentRead)).toEqual([true, false, true, true])
})

test('one write is a request of its own kind, several are a batch that may leave some undone', async () => {
  const { storage, asked } = answered(
    {},
    {},
    {
      UnprocessedItems: { t: [{ DeleteRequest: { Key: otherWire } }] },
    },
  )
  expect(await storage.write([{ put: { ...key, n: 1 } }], {})).toEqual([])
  expect(await storage.write([{ delete: key }], {})).toEqual([])
  expect(await storage.write([{ put: key }, { delete: other }], {})).toEqual([{ delete: other }])
  expect(asked).toEqual([
    { operation: 'PutItem', input: { TableName: 't', Item: { ...wire, n: { N: '1' } } } },
    { operation: 'DeleteItem', input: { TableName: 't', Key: wire } },
    {
      operation: 'BatchWriteItem',
      input: {
        RequestItems: { t: [{ PutRequest: { Item: wire } }, { DeleteRequest: { Key: otherWire } }] },
      },
    },
  ])
})

test('a put without a guard has no condition, and its row is known without asking', async () => {
  const { storage, asked } = answered({}, { Attributes: { ...wire, n: { N: '1' } } }, {})
  expect(await storage.apply({ op: 'put', row: key }, {})).toEqual({ applied: true, row: key })
  expect(await storage.apply({ op: 'put', row: key, guard, old: true }, {})).toEqual({
    applied: true,
    old: { ...key, n: 1 },
  })
  expect(await storage.apply({ op: 'put', row: key, old: true }, {})).toEqual({
    applied: true,
    old: undefined,
  })
  expect(asked.map(({ operation }) => operation)).toEqual(['PutItem', 'PutItem', 'PutItem'])
  const [plain, guarded] = asked.map(({ input }) => JSON.parse(JSON.stringify(input)))
  expect(plain).toEqual({ TableName: 't', Item: wire, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })
  expect(guarded).toEqual({
    TableName: 't',
    Item: wire,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ReturnValues: 'ALL_OLD',
    ConditionExpression: 'attribute_exists(#0)',
    ExpressionAttributeNames: { '#0': 'pk' },
  })
})

test('an update gives back the row as it is now, or as it was', async () => {
  const changes = [{ op: 'set' as const, path: ['n'], value: 2 }]
  const { storage, asked } = answered({ Attributes: { ...wire, n: { N: '2' } } }, { Attributes: wire })
  expect(await storage.apply({ op: 'update', key, changes }, {})).toEqual({
    applied: true,
    row: { ...key, n: 2 },
  })
  expect(await storage.apply({ op: 'update', key, changes, old: true }, {})).toEqual({
    applied: true,
    old: key,
  })
  expect(JSON.parse(JSON.stringify(asked[0]))).toEqual({
    operation: 'UpdateItem',
    input: {
      TableName: 't',
      Key: wire,
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      UpdateExpression: 'SET #0 = :0',
      ExpressionAttributeNames: { '#0': 'n' },
      ExpressionAttributeValues: { ':0': { N: '2' } },
    },
  })
  expect(asked[1]!.input.ReturnValues).toBe('ALL_OLD')
})

test('a delete gives back nothing, or the row as it was', async () => {
  const { storage, asked } = answered({ Attributes: wire }, { Attributes: wire })
  expect(await storage.apply({ op: 'delete', key }, {})).toEqual({ applied: true })
  expect(await storage.apply({ op: 'delete', key, old: true }, {})).toEqual({ applied: true, old: key })
  expect(asked.map(({ input }) => input.ReturnValues)).toEqual([undefined, 'ALL_OLD'])
})

test('a guard that failed is an answer, with the row that failed it', async () => {
  const { storage } = answered(
    refusal('ConditionalCheckFailedException', { Item: wire }),
    refusal('ConditionalCheckFailedException'),
    refusal('ThrottlingException'),
  )
  const apply = () => storage.apply({ op: 'delete', key, guard }, {})
  expect(await apply()).toEqual({ applied: false, row: key })
  expect(await apply()).toEqual({ applied: false, row: undefined })
  await expect(apply()).rejects.toMatchObject({ kind: 'throttled' })
})

test('a transaction has each operation in its form, under its token', async () => {
  const { storage, asked } = answered({})
  const operations: RowOperation[] = [
    { op: 'put', row: key },
    { op: 'update', key, changes: [{ op: 'remove', path: ['n'] }] },
    { op: 'delete', key: other, guard },
    { op: 'check', key: other, guard },
  ]
  expect(await storage.transact(operations, 'token', {})).toEqual([])
  const base = { TableName: 't', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
  const condition = { ConditionExpression: 'attribute_exists(#0)', ExpressionAttributeNames: { '#0': 'pk' } }
  expect(JSON.parse(JSON.stringify(asked[0]))).toEqual({
    operation: 'TransactWriteItems',
    input: {
      ClientRequestToken: 'token',
      TransactItems: [
        { Put: { ...base, Item: wire } },
        {
          Update: {
            ...base,
            Key: wire,
            UpdateExpression: 'REMOVE #0',
            ExpressionAttributeNames: { '#0': 'n' },
          },
        },
        { Delete: { ...base, ...condition, Key: otherWire } },
        { ConditionCheck: { ...base, ...condition, Key: otherWire } },
      ],
    },
  })
})

test('guards of a transaction that failed are named by their place; any other failure is a fault', async () => {
  const cancelled = (...reasons: object[]) =>
    refusal('TransactionCanceledException', { CancellationReasons: reasons })
  const { storage } = answered(
    cancelled(
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Item: wire },
      { Code: 'ConditionalCheckFailed' },
    ),
    cancelled({ Code: 'TransactionConflict' }),
    // The reasons of something else are no reasons.
    refusal('ThrottlingException', { CancellationReasons: [{ Code: 'ConditionalCheckFailed' }] }),
  )
  const transact = () => storage.transact([{ op: 'check', key, guard }], 'token', {})
  expect(await transact()).toEqual([
    { index: 1, row: key },
    { index: 2, row: undefined },
  ])
  await expect(transact()).rejects.toMatchObject({ kind: 'conflict' })
  await expect(transact()).rejects.toMatchObject({ kind: 'throttled' })
})

test('a table with other keys is what is wrong where valid input is refused, and is asked once', async () => {
  const { storage, asked } = answered(
    refusal('ValidationException'),
    { Table: { KeySchema: [{ AttributeName: 'id' }, { AttributeName: 'range' }] } },
    refusal('ValidationException'),
  )
  for (let i = 0; i < 2; i++) {
    const error = await storage.read([key], {}).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BackendError)
    expect(String(error)).toMatch(/'t' has the keys id and range: lockrow needs pk and sk/)
  }
  expect(asked.map(({ operation }) => operation)).toEqual(['GetItem', 'DescribeTable', 'GetItem'])
})

test('where the keys are as they must be, or cannot be asked for, the refusal stands', async () => {
  const keys = { Table: { KeySchema: [{ AttributeName: 'pk' }, { AttributeName: 'sk' }] } }
  for (const reply of [keys, refusal('AccessDeniedException')]) {
    const { storage } = answered(refusal('ValidationException'), reply)
    const error = await storage.read([key], {}).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StorageFault)
    expect(error).toMatchObject({ kind: 'invalid' })
  }
  const { storage, asked } = answered(refusal('ThrottlingException'))
  await expect(storage.read([key], {})).rejects.toMatchObject({ kind: 'throttled' })
  expect(asked).toHaveLength(1)
})
