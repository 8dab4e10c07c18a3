import { expect, test } from 'vitest'
import { ProxyRequest } from '../../../src/testing/proxy/request.ts'

const request = (action: string, content?: object) =>
  new ProxyRequest(
    { 'x-amz-target': `DynamoDB_20120810.${action}` },
    Buffer.from(content === undefined ? '' : JSON.stringify(content)),
  )
const wire = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } })
const keys = (...all: string[]) => all.map((sk) => ({ pk: 'p', sk }))

test.each([
  ['GetItem', { Key: wire('a') }, keys('a')],
  ['PutItem', { Item: { ...wire('a'), data: { N: '1' } } }, keys('a')],
  [
    'TransactWriteItems',
    { TransactItems: [{ Put: { Item: wire('a') } }, { ConditionCheck: { Key: wire('b') } }] },
    keys('a', 'b'),
  ],
  ['BatchGetItem', { RequestItems: { t: { Keys: [wire('a'), wire('b')] } } }, keys('a', 'b')],
  [
    'BatchWriteItem',
    { RequestItems: { t: [{ PutRequest: { Item: wire('a') } }, { DeleteRequest: { Key: wire('b') } }] } },
    keys('a', 'b'),
  ],
  ['Query', { KeyConditionExpression: 'pk = :p' }, []],
  ['ListTables', undefined, []],
])('%s: the rows that it names', (action, content, rows) => {
  const one = request(action, content)
  expect([one.action, one.rows]).toEqual([action, rows])
})

test.each([
  ['GetItem', {}, false, false],
  ['PutItem', { Item: wire('a') }, true, true],
  ['PutItem', { Item: wire('a'), ConditionExpression: 'x' }, true, false],
  ['DeleteItem', { Key: wire('a') }, true, true],
  ['UpdateItem', { Key: wire('a') }, true, false],
  ['BatchWriteItem', { RequestItems: {} }, true, true],
  ['TransactWriteItems', { TransactItems: [], ClientRequestToken: 't' }, true, true],
  ['TransactWriteItems', { TransactItems: [] }, true, false],
])('%s %o: writes %s, may come twice %s', (action, content, isWrite, isRepeatable) => {
  const one = request(action, content)
  expect([one.isWrite, one.isRepeatable]).toEqual([isWrite, isRepeatable])
})

test('the token of a transaction can be another one', () => {
  const one = request('TransactWriteItems', { TransactItems: [], ClientRequestToken: 'old', n: 1 })
  expect(one.token).toBe('old')
  const other = one.underToken("new $& 'x'")
  expect(other.content).toEqual({ TransactItems: [], ClientRequestToken: "new $& 'x'", n: 1 })
  expect(request('PutItem', { ClientRequestToken: 'old' }).token).toBe(undefined)
})

test('a batch is split into its first part and what DynamoDB gives back', () => {
  const reads = { t: { ConsistentRead: true, Keys: [wire('a'), wire('b'), wire('c')] } }
  const { first, rest } = request('BatchGetItem', { RequestItems: reads, Return: 'x' }).split(1)!
  expect([first.rows, first.content]).toEqual([keys('a'), expect.objectContaining({ Return: 'x' })])
  expect(rest).toEqual({ t: { ConsistentRead: true, Keys: [wire('b'), wire('c')] } })
  const writes = { t: [{ PutRequest: { Item: wire('a') } }, { DeleteRequest: { Key: wire('b') } }] }
  expect(request('BatchWriteItem', { RequestItems: writes }).split(1)!.rest).toEqual({ t: writes.t.slice(1) })
  expect(request('GetItem', { Key: wire('a') }).split(1)).toBe(undefined)
})
