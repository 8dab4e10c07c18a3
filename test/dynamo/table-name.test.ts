import { InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { checkTableName } from '../../src/dynamo/table-name.ts'

test('any text may name a table: the service judges it', () => {
  expect(() => checkTableName('orders')).not.toThrow()
  expect(() => checkTableName('arn:aws:dynamodb:eu-west-1:123456789012:table/orders')).not.toThrow()
})

test.each([undefined, null, '', 7, {}])('%j is no name of a table', (name) => {
  expect(() => checkTableName(name)).toThrow(InvalidInput)
  expect(() => checkTableName(name)).toThrow(/tableName/)
})
